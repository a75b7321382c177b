package config

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// IMAP is a mailbox at a mail server, and how it is read.
type IMAP struct {
	Address string `yaml:"address"` // host:port
	// TLS is implicit, starttls or none, which is for this machine; "" is implicit.
	TLS string `yaml:"tls"`
	// CA is a file with the authorities that may have signed the server's certificate; ""
	// for those of the system.
	CA string `yaml:"ca"`
	// Auth is plain, login or xoauth2; "" is plain.
	Auth     string `yaml:"auth"`
	Username string `yaml:"username"`
	Password Secret `yaml:"password"` // of xoauth2: an access token
	// Folders are those that are searched; none given: INBOX.
	Folders []string `yaml:"folders"`
	// Sent is the folder in which copies of what was sent are kept; "" keeps none.
	Sent string `yaml:"sent"`
}

// Security is how the connection is encrypted.
func (i IMAP) Security() string {
	if i.TLS == "" {
		return "implicit"
	}
	return i.TLS
}

// Way is how we say who we are.
func (i IMAP) Way() string {
	if i.Auth == "" {
		return "plain"
	}
	return i.Auth
}

// Searched are the folders that are searched.
func (i IMAP) Searched() []string {
	if len(i.Folders) == 0 {
		return []string{"INBOX"}
	}
	return i.Folders
}

const (
	maxFolders = 8
	maxFolder  = 150 // bytes: a folder's name is a part of the ids of messages
)

func (k *checker) checkIMAP(at string, e EmailBackend) {
	if e.IMAP == nil {
		return
	}
	i := *e.IMAP
	if e.Backend != "smtp" {
		k.refuse(at, "only backend smtp has a mailbox beside it; leave it out, or set backend: smtp")
	}
	host, port, err := net.SplitHostPort(i.Address)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || host == "" || strings.ContainsAny(host, "/@ ") {
		k.refuse(at+".address", "%s is not host:port of a mail server; want such as imap.example.com:993", k.show(at+".address", i.Address))
	}
	k.oneOf(at+".tls", i.Security(), "implicit", "starttls", "none")
	if i.Security() == "none" && !loopback(i.Address) {
		k.refuse(at+".tls", "mail and password could be read on the way; none is for a mail server on this machine. Want implicit, or starttls")
	}
	if i.CA != "" && i.Security() == "none" {
		k.refuse(at+".ca", "nothing is encrypted, so that no certificate is looked at; leave ca out, or encrypt")
	}
	k.oneOf(at+".auth", i.Way(), "plain", "login", "xoauth2")
	if i.Username == "" {
		k.refuse(at+".username", "want the name to log in with")
	}
	if i.Password == "" {
		k.refuse(at+".password", "want one, such as ${IMAP_PASSWORD}; of xoauth2 it is the access token")
	}
	if n := len(i.Folders); n > maxFolders {
		k.refuse(at+".folders", "has %d folders; want %d at most", n, maxFolders)
	}
	for n, folder := range i.Folders {
		k.checkFolder(item(at+".folders", n), folder)
		if slices.Contains(i.Folders[:n], folder) {
			k.refuse(item(at+".folders", n), "%s is there twice", k.show(item(at+".folders", n), folder))
		}
	}
	if i.Sent != "" {
		k.checkFolder(at+".sent", i.Sent)
	}
}

func (k *checker) checkFolder(at, folder string) {
	if folder == "" || len(folder) > maxFolder || strings.ContainsAny(folder, "\r\n\x00") {
		k.refuse(at, "%s is no folder; want its name at the server, of at most %d bytes, such as INBOX or Archive/2026", k.show(at, folder), maxFolder)
	}
}

func (i IMAP) explain() string {
	text := "; mailbox " + strings.Join(i.Searched(), ", ") + " at " + i.Address
	switch i.Security() {
	case "starttls":
		text += ", encrypted by STARTTLS"
	case "implicit":
		text += ", encrypted from the start"
	default:
		text += ", NOT encrypted"
	}
	text += ", as " + i.Username + " (" + i.Way() + ")"
	if i.Sent != "" {
		text += ", copies of what was sent in " + i.Sent
	}
	return text
}
