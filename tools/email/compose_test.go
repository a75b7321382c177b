package email

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
)

var stamp = Stamp{
	From:      mail.Address{Name: "Kettles & Co.", Address: "orders@example.org"},
	Date:      time.Date(2026, 3, 2, 10, 30, 0, 0, time.FixedZone("", 3600)),
	MessageID: "<1@example.org>",
}

func TestComposedMessageLooksLikeThis(t *testing.T) {
	m := Mail{
		To:      []mail.Address{{Name: "Ada Lovelace", Address: "ada@example.com"}, {Address: "grace@example.org"}},
		Bcc:     []mail.Address{{Address: "archive@example.org"}},
		Subject: "Grüße",
		Text:    "Hällo,\nbye",
		HTML:    "<p>Hällo</p>",
	}
	s := stamp
	s.References = []string{"<a@example.com>", "<b@example.com>"}
	raw, err := Compose(m, s)
	if err != nil {
		t.Fatal(err)
	}
	boundary := "=_" + digest("boundary", "<1@example.org>")
	want := strings.ReplaceAll(`Date: Mon, 02 Mar 2026 09:30:00 +0000
From: "Kettles & Co." <orders@example.org>
To: "Ada Lovelace" <ada@example.com>, <grace@example.org>
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Message-ID: <1@example.org>
In-Reply-To: <b@example.com>
References: <a@example.com> <b@example.com>
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary="`+boundary+`"

--`+boundary+`
Content-Transfer-Encoding: quoted-printable
Content-Type: text/plain; charset=utf-8

H=C3=A4llo,
bye

--`+boundary+`
Content-Transfer-Encoding: quoted-printable
Content-Type: text/html; charset=utf-8

<p>H=C3=A4llo</p>

--`+boundary+`--
`, "\n", "\r\n")
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("composed message (-want +got):\n%s", diff)
	}
	if again, err := Compose(m, s); err != nil || !bytes.Equal(raw, again) {
		t.Errorf("composing again gives other bytes, or %v", err)
	}
}

func TestLinesOfTheHeaderAreFolded(t *testing.T) {
	m := Mail{Subject: strings.Repeat("Ünïcödé ", 30), Text: "x"}
	for range MaxRecipients {
		m.To = append(m.To, mail.Address{Name: strings.Repeat("é", maxName), Address: "ada@example.com"})
	}
	raw, err := Compose(m, stamp)
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for line := range strings.SplitSeq(string(header), "\r\n") {
		if len(line) > maxLine {
			t.Errorf("line has %d octets: %q", len(line), line)
		}
	}
}

func TestBadStampIsRefused(t *testing.T) {
	m := Mail{To: []mail.Address{{Address: "ada@example.com"}}, Subject: "s", Text: "t"}
	for words, change := range map[string]func(s *Stamp){
		"from:":       func(s *Stamp) { s.From.Address = "orders" },
		"message_id:": func(s *Stamp) { s.MessageID = "<a@b>\r\nBcc: <x@example.com>" },
		`"<a b@c>"`:   func(s *Stamp) { s.References = []string{"<a b@c>"} },
		"date:":       func(s *Stamp) { s.Date = time.Time{} },
	} {
		s := stamp
		change(&s)
		if _, err := Compose(m, s); tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), words) {
			t.Errorf("Compose gives %v, want invalid, saying %s", err, words)
		}
	}
}

func TestMessageIDIsTheSameForTheSameKeyAlone(t *testing.T) {
	from := mail.Address{Address: "orders@example.org"}
	if a, b := MessageID("key 1", from), MessageID("key 1", from); a != b {
		t.Errorf("one key gives %s and %s", a, b)
	}
	if a, b := MessageID("key 1", from), MessageID("key 2", from); a == b {
		t.Errorf("two keys give %s", a)
	}
	if a, b := MessageID("", from), MessageID("", from); a == b {
		t.Errorf("two calls without a key give %s", a)
	}
	if id := MessageID("key 1", from); strings.Contains(id, "key") || !messageIDRule.MatchString(id) || !strings.HasSuffix(id, "@example.org>") {
		t.Errorf("Message-ID is %s", id)
	}
}

func TestLongConversationKeepsFirstAndNewestReferences(t *testing.T) {
	var references []string
	for i := range 30 {
		references = AppendReference(references, string(rune('A'+i)))
	}
	if len(references) != maxReferences || references[0] != "A" || references[1] != string(rune('A'+11)) || references[19] != string(rune('A'+29)) {
		t.Errorf("references are %q", references)
	}
}

func TestHeadersAreListedInTheirOrder(t *testing.T) {
	raw := "Date: x\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_da?=\r\nBroken\r\nX: =?nope?q?a?=\r\nTo: a,\r\n\tb\r\n\r\nNot: a header\r\n"
	want := []Header{{"Date", "x"}, {"Subject", "Grüße da"}, {"X", "=?nope?q?a?="}, {"To", "a, b"}}
	if diff := cmp.Diff(want, ReadHeaders([]byte(raw))); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got := ReadHeaders(nil); got == nil || len(got) != 0 {
		t.Errorf("headers of a draft are %#v, want an empty list", got)
	}
}

// FuzzCompose holds every message that is not refused against what its receiver
// reads with the standard library: exactly the fields and bodies given.
func FuzzCompose(f *testing.F) {
	f.Add("Your order", "Ada <ada@example.com>", "grace@example.org", "Hello\n", "<p>Hello</p>")
	f.Add("a\r\nBcc: x@example.com", "a@example.com", "", "t", "")
	f.Add("=?utf-8?q?a?=", `"a, b" <a@example.com>`, "Zoë <z@example.com>", "--=_\r\n\r\nX: y", "")
	f.Add(strings.Repeat("é  ", 80), "=?utf-8?q?=0A?= <a@example.com>", "", ".\r.\n=\t \n", "\x01")
	f.Fuzz(func(t *testing.T, subject, to, replyTo, text, html string) {
		in := Content{Recipients: Recipients{To: []string{to}, Cc: []string{"Café <cafe@example.com>"}, Bcc: []string{"secret@example.com"}, ReplyTo: replyTo},
			Subject: subject, Text: text, HTML: html}
		m, err := in.mail()
		if err != nil {
			if tools.CodeOf(err) != tools.Invalid {
				t.Fatalf("refused with %v, want invalid", err)
			}
			return
		}
		raw, err := Compose(m, stamp)
		if err != nil {
			t.Fatalf("checked mail does not compose: %v", err)
		}
		readsBackAs(t, raw, m)
	})
}

func readsBackAs(t *testing.T, raw []byte, m Mail) {
	t.Helper()
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") || !isASCII(line) {
			t.Fatalf("line breaks the rules of the wire: %q", line)
		}
	}
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	fields := []string{"Cc", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
	if m.HTML == "" {
		fields = append(fields, "Content-Transfer-Encoding")
	}
	if m.ReplyTo != nil {
		fields = append(fields, "Reply-To")
		mustRead(t, message.Header, "Reply-To", *m.ReplyTo)
	}
	slices.Sort(fields)
	if got := slices.Sorted(maps.Keys(message.Header)); !slices.Equal(got, fields) {
		t.Fatalf("header fields are %q, want %q", got, fields)
	}
	mustRead(t, message.Header, "From", stamp.From)
	mustRead(t, message.Header, "To", m.To...)
	mustRead(t, message.Header, "Cc", m.Cc...)
	if got, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil || got != m.Subject {
		t.Fatalf("subject reads %q, %v, want %q", got, err, m.Subject)
	}
	want := []string{canonicalText(m.Text)}
	if m.HTML != "" {
		want = append(want, canonicalText(m.HTML))
	}
	if diff := cmp.Diff(want, bodies(t, message)); diff != "" {
		t.Fatalf("bodies (-want +got):\n%s", diff)
	}
}

func mustRead(t *testing.T, header mail.Header, field string, want ...mail.Address) {
	t.Helper()
	list, err := header.AddressList(field)
	if err != nil {
		t.Fatalf("reading %s %q: %v", field, header.Get(field), err)
	}
	var got []mail.Address
	for _, a := range list {
		got = append(got, *a)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s reads %q, want %q", field, got, want)
	}
}

func bodies(t *testing.T, message *mail.Message) []string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if kind == "text/plain" {
		return []string{bodyText(t, quotedprintable.NewReader(message.Body))}
	}
	var list []string
	parts := multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, bodyText(t, part))
	}
}

func bodyText(t *testing.T, r io.Reader) string {
	t.Helper()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	text, ended := strings.CutSuffix(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n")
	if !ended {
		t.Fatalf("body %q does not end in a line end", raw)
	}
	return text
}
