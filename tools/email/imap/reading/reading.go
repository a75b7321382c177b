package reading

import (
	"net/mail"
	"strings"
	"time"
)

// Bounds of what is given of a mail.
const (
	MaxText            = 64 << 10 // bytes of its text
	MaxAttachments     = 50
	MaxAttachmentText  = 16 << 10 // bytes of the text of one
	MaxAttachmentTexts = 64 << 10 // bytes of all of them
	maxParts           = 200
	maxDepth           = 8
)

// Letter is a mail as it is read.
type Letter struct {
	Header                     []Field
	From, ReplyTo, To, Cc, Bcc []mail.Address
	Subject                    string
	Date                       time.Time // zero if it has none
	MessageID                  string    // with angle brackets, "" if it has none
	InReplyTo, References      []string
	// Automatic: a program wrote it, such as an answer for somebody who is away, a notice
	// that mail did not arrive, or a list. It should not be answered by another.
	Automatic bool
	Text      string // of its plain text, or else of its HTML
	TextCut   bool   // there is more
	HasHTML   bool
	// Attachments are in their order, at most MaxAttachments.
	Attachments []Attachment
}

// Attachment is something that comes along with a mail.
type Attachment struct {
	Name, Type string
	Bytes      int // as it is decoded; of a mail that was cut, up to there
	Text       string
	TextCut    bool
}

// Parse reads a mail, or the beginning of one.
func Parse(raw []byte) Letter {
	fields, body := splitHeader(raw)
	f := fieldsOf(fields)
	l := Letter{Header: fields, From: f.addresses("From"), ReplyTo: f.addresses("Reply-To"), To: f.addresses("To"), Cc: f.addresses("Cc"), Bcc: f.addresses("Bcc"),
		Subject: f.line("Subject"), Date: f.date(), InReplyTo: f.ids("In-Reply-To"), References: f.ids("References"), Automatic: f.automatic()}
	if ids := f.ids("Message-ID"); len(ids) > 0 {
		l.MessageID = ids[0]
	}
	w := &walk{letter: &l, texts: MaxAttachmentTexts}
	l.Text, _ = w.body(f, body, 0)
	l.Text, l.TextCut = shorten(l.Text, MaxText)
	l.TextCut = l.TextCut || w.cut
	return l
}

// automatic: RFC 3834, section 5, and what programs wrote before it.
func (f fieldsOf) automatic() bool {
	if said := strings.ToLower(f.get("Auto-Submitted")); said != "" && said != "no" {
		return true
	}
	switch strings.ToLower(f.get("Precedence")) {
	case "bulk", "junk", "list", "auto_reply":
		return true
	}
	for _, name := range []string{"List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "Feedback-ID"} {
		if f.get(name) != "" {
			return true
		}
	}
	if path := f.get("Return-Path"); path == "<>" {
		return true
	}
	kind := strings.ToLower(f.get("Content-Type"))
	return strings.HasPrefix(kind, "multipart/report")
}

// shorten cuts a text between two characters.
func shorten(text string, most int) (string, bool) {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
	if len(text) <= most {
		return text, false
	}
	return strings.ToValidUTF8(text[:most], ""), true
}
