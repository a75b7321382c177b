package email

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	"drawbridge/tools"
)

// Bounds of a message. What a mail server accepts is usually above them; a model
// that gets near them is doing something else than writing mail.
const (
	MaxRecipients = 50        // of To, Cc and Bcc together
	MaxSubject    = 255       // characters
	MaxText       = 256 << 10 // bytes of UTF-8
	MaxHTML       = 512 << 10 // bytes of UTF-8
)

// Mail is what its writer decides about a message. What the sending side adds is
// a [Stamp].
type Mail struct {
	To, Cc, Bcc []mail.Address
	ReplyTo     *mail.Address // nil: replies go to the sender
	Subject     string
	Text        string // lines end in LF
	HTML        string // "" for a message of plain text alone
	// InReplyTo is the id ([Message.ID]) of the message this one answers, ""
	// for a new conversation.
	InReplyTo string
}

// Recipients are the bare addresses that the message goes to, Bcc included.
func (m Mail) Recipients() []string {
	list := make([]string, 0, len(m.To)+len(m.Cc)+len(m.Bcc))
	for _, group := range [][]mail.Address{m.To, m.Cc, m.Bcc} {
		for _, a := range group {
			list = append(list, a.Address)
		}
	}
	return list
}

// Check reports the first thing that keeps m from being sent, as a *tools.Error
// of code Invalid that names the field.
func (m Mail) Check() error {
	if err := m.checkRecipients(); err != nil {
		return err
	}
	if err := checkHeaderText("subject", m.Subject); err != nil {
		return err
	}
	switch n := utf8.RuneCountInString(m.Subject); {
	case strings.TrimSpace(m.Subject) == "":
		return tools.Errorf(tools.Invalid, "subject: is empty; say in a few words what the message is about")
	case n > MaxSubject:
		return tools.Errorf(tools.Invalid, "subject: has %d characters, at most %d are allowed; shorten it", n, MaxSubject)
	case strings.TrimSpace(m.Text) == "":
		return tools.Errorf(tools.Invalid, "text: is empty; every message needs a plain text, beside html too")
	}
	if err := checkBody("text", m.Text, MaxText); err != nil {
		return err
	}
	return checkBody("html", m.HTML, MaxHTML)
}

func (m Mail) checkRecipients() error {
	groups := []struct {
		field string
		list  []mail.Address
	}{{"to", m.To}, {"cc", m.Cc}, {"bcc", m.Bcc}}
	for _, group := range groups {
		for i, a := range group.list {
			if err := checkAddress(fmt.Sprintf("%s[%d]", group.field, i), a); err != nil {
				return err
			}
		}
	}
	if m.ReplyTo != nil {
		if err := checkAddress("reply_to", *m.ReplyTo); err != nil {
			return err
		}
	}
	switch n := len(m.To) + len(m.Cc) + len(m.Bcc); {
	case len(m.To) == 0:
		return tools.Errorf(tools.Invalid, "to: is empty; name at least one recipient")
	case n > MaxRecipients:
		return tools.Errorf(tools.Invalid, "to, cc, bcc: %d recipients in all, at most %d are allowed; send several messages", n, MaxRecipients)
	}
	return nil
}

func checkBody(field, text string, limit int) error {
	switch {
	case len(text) > limit:
		return tools.Errorf(tools.Invalid, "%s: has %d bytes, at most %d are allowed; shorten it", field, len(text), limit)
	case !utf8.ValidString(text):
		return tools.Errorf(tools.Invalid, "%s: is not valid UTF-8", field)
	case strings.ContainsRune(text, 0):
		return tools.Errorf(tools.Invalid, "%s: holds a NUL character; leave it out", field)
	}
	return nil
}
