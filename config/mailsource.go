package config

import (
	"slices"
	"time"
)

// FromMail reports whether the events of the source are new mail, which is fetched: it has
// no address that anybody could call.
func (w Webhook) FromMail() bool { return w.Scheme == imapScheme }

// Watched is the folder that a source of mail watches, and how often it looks.
func (w Webhook) Watched() (folder string, poll time.Duration) {
	folder, poll = w.Folder, time.Duration(w.Poll)
	if folder == "" {
		folder = "INBOX"
	}
	if poll == 0 {
		poll = time.Minute
	}
	return folder, poll
}

// ofDeliveries are settings about deliveries by HTTP.
var ofDeliveries = []string{"answer", "allow_ips", "content_types", "max_body", "rate", "tolerance", "rerun_if_failed"}

func (k *checker) checkMailSource(path string, w Webhook) {
	if k.Tools.Email.IMAP == nil {
		k.refuse(path+".scheme", "scheme imap watches a mailbox, and there is none; set tools.email.imap")
	}
	if w.Folder != "" {
		k.checkFolder(path+".folder", w.Folder)
	}
	if i := k.Tools.Email.IMAP; i != nil {
		if folder, _ := w.Watched(); !slices.Contains(i.Searched(), folder) {
			k.refuse(path+".folder", "no tool can read what comes into folder %s: it is not among those of tools.email.imap.folders; add it there", k.show(path+".folder", folder))
		}
	}
	if k.source.has(path + ".poll") {
		between(k, path+".poll", w.Poll, Duration(10*time.Second), Duration(time.Hour))
	}
	for _, key := range ofDeliveries {
		if k.source.has(path + "." + key) {
			k.refuse(path+"."+key, "mail is fetched, and this is about deliveries by HTTP; leave the key out")
		}
	}
}
