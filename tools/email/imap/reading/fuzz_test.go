package reading_test

import (
	"net/mail"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"drawbridge/tools/email/imap/reading"
)

// FuzzParse: whatever a mail holds, it is read, the same each time, within the bounds, and
// what is given is text that fits into JSON and into one line where it has to.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "Subject: x\r\n\r\ny", "Subject: =?utf-8?B?4pi6?= =?x?q?=zz?=\nFrom: a <a@example.com>, \"b\n\n<b",
		"Content-Type: text/html; charset=utf-7\r\n\r\n<p hidden>a<p><a href=http://x>y</a><li><!--",
		"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<b>a\r\n--x\r\n\r\nb\r\n--x--",
		"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp5\r\n--x\r\nContent-Disposition: attachment; filename*0*=utf-8''a; filename*1=\"../b\"\r\nContent-Type: application/json; charset=utf-16\r\n\r\n{}\r\n",
		"Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n=1B$B=\r\n=ZZ", nested(12),
		"Message-ID: <a@b\x00>\r\nReferences: <a@b> <c d> <>\r\nDate: Mon, 02 Mar 2026 10:30:00 +0100\r\nAuto-Submitted: x\r\n \r\n\r\n", strings.Repeat("A:\r\n", 600) + "\r\nx",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := string(raw)
		got := reading.Parse(raw)
		if string(raw) != before {
			t.Fatal("the mail is another now")
		}
		if again := reading.Parse(raw); !reflect.DeepEqual(got, again) {
			t.Errorf("read once more it is %+v, and was %+v", again, got)
		}
		if len(got.Text) > reading.MaxText || len(got.Attachments) > reading.MaxAttachments {
			t.Errorf("%d bytes of text and %d attachments are given", len(got.Text), len(got.Attachments))
		}
		text(t, "text", got.Text)
		texts := 0
		for _, a := range got.Attachments {
			text(t, "an attachment's text", a.Text)
			line(t, "an attachment's name", a.Name)
			line(t, "an attachment's type", a.Type)
			texts += len(a.Text)
			if len(a.Text) > reading.MaxAttachmentText || a.Bytes > len(raw) || strings.ContainsAny(a.Name, `/\`) && a.Name != "/" {
				t.Errorf("attachment %+v of a mail of %d bytes", a, len(raw))
			}
		}
		if texts > reading.MaxAttachmentTexts {
			t.Errorf("%d bytes of attachments are given", texts)
		}
		line(t, "subject", got.Subject)
		for _, list := range [][]mail.Address{got.From, got.ReplyTo, got.To, got.Cc, got.Bcc} {
			for _, a := range list {
				line(t, "a name", a.Name)
				line(t, "an address", a.Address)
			}
		}
		for _, id := range append(append([]string{got.MessageID}, got.InReplyTo...), got.References...) {
			line(t, "an id", id)
		}
	})
}

func text(t *testing.T, what, got string) {
	if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
		t.Errorf("%s is no text: %q", what, got)
	}
}

func line(t *testing.T, what, got string) {
	text(t, what, got)
	if strings.ContainsAny(got, "\r\n") {
		t.Errorf("%s is more than a line: %q", what, got)
	}
}
