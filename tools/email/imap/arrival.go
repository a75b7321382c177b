package imap

import (
	"net/mail"
	"time"

	"drawbridge/tools/email/imap/reading"
)

// arrival is the event of a message: what conditions and prompts see of it.
type arrival struct {
	Type       string    `json:"type"` // mail.received
	ID         string    `json:"id"`   // for email_get_message, and in_reply_to of email_send
	Folder     string    `json:"folder"`
	MessageID  string    `json:"message_id"`
	From       person    `json:"from"`
	ReplyTo    []person  `json:"reply_to"`
	To         []person  `json:"to"`
	Cc         []person  `json:"cc"`
	Subject    string    `json:"subject"`
	Date       time.Time `json:"date,omitzero"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
	Text       string    `json:"text"`
	TextCut    bool      `json:"text_cut"`
	// Automatic: a program wrote it, and no answer should go there.
	Automatic   bool       `json:"automatic"`
	InReplyTo   string     `json:"in_reply_to"`
	References  []string   `json:"references"`
	ThreadID    string     `json:"thread_id"`
	Attachments []attached `json:"attachments"`
	SizeBytes   int64      `json:"size_bytes"`
	// Unreadable: the server did not give it out, again and again.
	Unreadable bool `json:"unreadable"`
	// Withheld: a notice of our own, to people who decide. What it says is for them alone.
	Withheld bool `json:"withheld"`
}

// whole is the event with all its members as what they are: none is null.
func (a arrival) whole() arrival {
	for _, list := range []*[]person{&a.ReplyTo, &a.To, &a.Cc} {
		if *list == nil {
			*list = []person{}
		}
	}
	if a.References == nil {
		a.References = []string{}
	}
	if a.Attachments == nil {
		a.Attachments = []attached{}
	}
	return a
}

type person struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

type attached struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Bytes   int    `json:"bytes"`
	Text    string `json:"text"`
	TextCut bool   `json:"text_cut"`
}

func (b *Backend) event(r raw, l reading.Letter) arrival {
	if withheld(b.message(r, l), b.s.Own) {
		return arrival{Type: "mail.received", ID: r.id(), Folder: r.folder, ReceivedAt: r.at, Withheld: true, Automatic: true}
	}
	a := arrival{Type: "mail.received", ID: r.id(), Folder: r.folder, MessageID: l.MessageID, ReplyTo: persons(l.ReplyTo), To: persons(l.To), Cc: persons(l.Cc), Subject: l.Subject,
		Date: l.Date, ReceivedAt: r.at, Text: l.Text, TextCut: l.TextCut || r.size > wholeMail, Automatic: l.Automatic, References: references(l), ThreadID: threadID(rootOf(l, r.id())),
		Attachments: []attached{}, SizeBytes: r.size}
	if len(l.From) > 0 {
		a.From = persons(l.From[:1])[0]
	}
	if len(l.InReplyTo) > 0 {
		a.InReplyTo = l.InReplyTo[0]
	}
	for _, file := range l.Attachments {
		a.Attachments = append(a.Attachments, attached(file))
	}
	return a
}

func persons(list []mail.Address) []person {
	all := []person{}
	for _, a := range list {
		all = append(all, person(a))
	}
	return all
}
