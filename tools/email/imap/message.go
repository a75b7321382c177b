package imap

import (
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"drawbridge/tools/email"
	"drawbridge/tools/email/imap/reading"
)

// shown is a message as a list shows it.
func (b *Backend) shown(r raw) email.Message {
	head := r.head
	if len(head) == headOfMail { // it was cut
		head = append(slices.Clone(head), "\r\n\r\n"...)
	}
	l := reading.Parse(append(slices.Clone(head), r.text...))
	return b.message(r, l)
}

// message is a message as it was read.
func (b *Backend) message(r raw, l reading.Letter) email.Message {
	m := email.Message{
		Summary: email.Summary{ID: r.id(), Status: b.status(r, l), To: formatted(l.To), Subject: l.Subject, Snippet: email.Snippet(l.Text), Folder: r.folder,
			Unread: !r.has(imap.FlagSeen), ThreadID: threadID(rootOf(l, r.id())), CreatedAt: r.at},
		Cc: formatted(l.Cc), Bcc: formatted(l.Bcc), Text: l.Text, TextCut: l.TextCut || r.size > wholeMail, HasHTML: l.HasHTML,
		MessageID: l.MessageID, References: references(l), Headers: headersOf(l), SizeBytes: int(max(r.size, 0)), Thread: []email.Related{},
	}
	if len(l.From) > 0 {
		m.From = email.FormatAddress(l.From[0])
	}
	if len(l.ReplyTo) > 0 {
		m.ReplyTo = email.FormatAddress(l.ReplyTo[0])
	}
	for _, a := range l.Attachments {
		m.Attachments = append(m.Attachments, email.Attachment(a))
	}
	if m.Status == email.Sent {
		m.SentAt, m.Delivery = r.at, email.DeliverySMTP
	}
	return m
}

func (b *Backend) status(r raw, l reading.Letter) email.Status {
	switch {
	case r.has(imap.FlagDraft):
		return email.Draft
	case len(l.From) > 0 && strings.EqualFold(l.From[0].Address, b.s.Own):
		return email.Sent
	}
	return email.Received
}

// withheld reports whether a message is one for the people who decide about calls, with
// links for them alone: nothing of it is shown.
func withheld(m email.Message, own string) bool {
	return m.Status == email.Sent && email.Notice(m.MessageID, mail.Address{Address: own})
}

func formatted(list []mail.Address) []string {
	texts := []string{}
	for _, a := range list {
		texts = append(texts, email.FormatAddress(a))
	}
	return texts
}

// maxShown bounds the fields of a header that are shown, and the length of each.
const (
	maxShown = 60
	maxField = 500
)

func headersOf(l reading.Letter) []email.Header {
	list := []email.Header{}
	for _, f := range l.Header[:min(len(l.Header), maxShown)] {
		value := strings.Map(printable, reading.Words(f.Value))
		if runes := []rune(value); len(runes) > maxField {
			value = string(runes[:maxField-1]) + "…"
		}
		list = append(list, email.Header{Name: f.Name, Value: value})
	}
	return list
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// references are those of a message: RFC 5322, 3.6.4 has them in References, and some
// programs write In-Reply-To alone.
func references(l reading.Letter) []string {
	all := append([]string{}, l.References...)
	if len(all) == 0 && len(l.InReplyTo) > 0 {
		all = append(all, l.InReplyTo[0])
	}
	return all
}

// rootOf is the Message-ID of the first message of a conversation, as far as a message
// tells.
func rootOf(l reading.Letter, id string) string {
	if refs := references(l); len(refs) > 0 {
		return refs[0]
	}
	if l.MessageID != "" {
		return l.MessageID
	}
	return id
}

func threadID(root string) string {
	sum := sha256.Sum256([]byte(root))
	return "thr_" + hex.EncodeToString(sum[:12])
}
