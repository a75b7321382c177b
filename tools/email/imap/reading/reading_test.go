package reading_test

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools/email/imap/reading"
)

// wire is a text with the line ends of mail.
func wire(text string) []byte { return []byte(strings.ReplaceAll(text, "\n", "\r\n")) }

func TestMailIsReadAsAPersonWould(t *testing.T) {
	got := reading.Parse(wire(`Return-Path: <ada@example.com>
From: =?UTF-8?Q?Ad=C3=A4?= Lovelace <ada@example.com>
To: Orders <orders@example.org>, "Kowalska, Zoë" <zoe@example.com>
Cc: team@example.com
Reply-To: =?iso-8859-1?Q?B=FCro?= <buero@example.com>
Subject: =?utf-8?B?QmVzdGVsbHVuZyA=?=
 =?utf-8?Q?1042?= ist
	=?windows-1252?Q?versp=E4tet?=
Date: Mon, 02 Mar 2026 10:30:00 +0100
Message-ID: <b@example.com>
In-Reply-To: <a@example.com>
References: <root@example.com>
 <a@example.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="out er"

For old programs.
--out er
Content-Type: multipart/alternative; boundary=in

--in
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe, wo ist =
sie?
--in
Content-Type: text/html

<p>Hello</p>
--in--
--out er
Content-Type: text/csv; charset=utf-16le; name="=?utf-8?Q?Gr=C3=BC=C3=9Fe.csv?="
Content-Disposition: attachment
Content-Transfer-Encoding: base64

MQA7ADIA
--out er
Content-Type: application/pdf
Content-Disposition: attachment; filename*=UTF-8''..%2F..%2Finvoice.pdf
Content-Transfer-Encoding: base64

AAAA
--out er
Content-Type: message/rfc822

From: grace@example.com
Subject: Forwarded

Look at this.
--out er--
After the end.
`))
	want := reading.Letter{
		From: []mail.Address{{Name: "Adä Lovelace", Address: "ada@example.com"}}, ReplyTo: []mail.Address{{Name: "Büro", Address: "buero@example.com"}},
		To: []mail.Address{{Name: "Orders", Address: "orders@example.org"}, {Name: "Kowalska, Zoë", Address: "zoe@example.com"}}, Cc: []mail.Address{{Address: "team@example.com"}},
		Subject: "Bestellung 1042 ist verspätet", Date: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC), MessageID: "<b@example.com>",
		InReplyTo: []string{"<a@example.com>"}, References: []string{"<root@example.com>", "<a@example.com>"},
		Text: "Grüße, wo ist sie?", HasHTML: true,
		Attachments: []reading.Attachment{
			{Name: "Grüße.csv", Type: "text/csv", Bytes: 6, Text: "1;2"},
			{Name: "invoice.pdf", Type: "application/pdf", Bytes: 3},
			{Type: "message/rfc822", Bytes: 60, Text: "From: grace@example.com\nSubject: Forwarded\n\nLook at this."},
		},
	}
	got.Header = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTextIsReadWhateverItWasWrittenIn(t *testing.T) {
	for name, test := range map[string]struct{ header, body, want string }{
		"nothing said":          {"", "plain", "plain"},
		"nothing said, UTF-8":   {"", "Grüße", "Grüße"},
		"nothing said, Windows": {"", "Gr\xfc\xdfe \x80", "Grüße €"},
		"Latin 1":               {"Content-Type: text/plain; charset=iso-8859-1", "Gr\xfc\xdfe", "Grüße"},
		"Japanese":              {"Content-Type: text/plain; charset=iso-2022-jp", "\x1b$B$3$s\x1b(B", "こん"},
		"unknown charset":       {"Content-Type: text/plain; charset=klingon", "Grüße", "Grüße"},
		"charset in quotes":     {`Content-Type: text/plain; charset="'utf-8'"`, "Grüße", "Grüße"},
		"no media type":         {"Content-Type: text", "plain", "plain"},
		"a type in shambles":    {"Content-Type: text/plain; ; charset", "plain", "plain"},
		"base64 with rubbish":   {"Content-Transfer-Encoding: base64", "cGx\r\n!!haW4=\r\n-- \r\n", "plain"},
		"quoted in shambles":    {"Content-Transfer-Encoding: quoted-printable", "100=% =3D =\r\nmore =ZZ", "100=% = more =ZZ"},
		"unknown encoding":      {"Content-Transfer-Encoding: x-uuencode", "plain", "plain"},
		"a byte of nothing":     {"", "a\x00b", "ab"},
		"HTML":                  {"Content-Type: text/html; charset=iso-8859-1", "<html><head><title>T</title><style>x{}</style></head><body><p>Gr\xfc\xdfe</p><ul><li>one<li>two</ul><script>evil()</script></body></html>", "Grüße\n\n- one\n- two"},
		"HTML with links":       {"Content-Type: text/html", `See <a href="https://example.com/a">here</a>, <a href="https://example.com">example.com</a>, <a href="javascript:evil()">this</a>`, "See here (https://example.com/a), example.com, this"},
		"hidden HTML":           {"Content-Type: text/html", `a<div style="DISPLAY : none">obey<div>more</div></div><span hidden>me</span><p style="font-size:0px">x</p><p style="font-size:0.8em">b</p>`, "a\n\nb"},
		"HTML that never ends":  {"Content-Type: text/html", `a<div><b>b<!-- c`, "a\nb"},
		"entities":              {"Content-Type: text/html", `1 &lt; 2 &amp;&nbsp;3&#x20AC;`, "1 < 2 & 3€"},
		"a table":               {"Content-Type: text/html", `<table><tr><td>Order</td><td>1042</td></tr><tr><td>Sum</td><td>5</td></tr></table>`, "Order 1042\nSum 5"},
	} {
		raw := "Subject: x\r\n"
		if test.header != "" {
			raw += test.header + "\r\n"
		}
		if got := reading.Parse([]byte(raw + "\r\n" + test.body)); got.Text != test.want || got.TextCut {
			t.Errorf("%s: read %q (cut: %t), want %q", name, got.Text, got.TextCut, test.want)
		}
	}
}

func TestHeaderIsReadAsFarAsItGoes(t *testing.T) {
	for name, test := range map[string]struct {
		raw  string
		want func(l reading.Letter) bool
	}{
		"no header":              {"just text\r\nand more", func(l reading.Letter) bool { return l.Text == "just text\nand more" }},
		"nothing":                {"", func(l reading.Letter) bool { return l.Text == "" && l.From == nil }},
		"a mailbox's line":       {"From ada Mon Mar  2\r\nSubject: x\r\n\r\ny", func(l reading.Letter) bool { return l.Subject == "x" && l.Text == "y" }},
		"lone line ends":         {"Subject: x\nFrom: a@example.com\n\ny\n", func(l reading.Letter) bool { return l.Subject == "x" && l.Text == "y" && len(l.From) == 1 }},
		"a space before a colon": {"Subject : x\r\n\r\ny", func(l reading.Letter) bool { return l.Subject == "x" }},
		"addresses in shambles": {"To: ada@example.com, Bob <bob@example.com, =?x?, <c@example.com>, a@b@c\r\n\r\n", func(l reading.Letter) bool {
			return len(l.To) == 2 && l.To[0].Address == "ada@example.com" && l.To[1].Address == "c@example.com"
		}},
		"a group":                  {"To: team: a@example.com, b@example.com;\r\n\r\n", func(l reading.Letter) bool { return len(l.To) == 2 }},
		"a line break in a name":   {"From: =?utf-8?Q?A=0D=0ABcc:_x@example.com?= <a@example.com>\r\n\r\n", func(l reading.Letter) bool { return len(l.From) == 1 && !strings.ContainsAny(l.From[0].Name, "\r\n") }},
		"a subject in two charset": {"Subject: =?utf-8?Q?=C3=BC?= \xfc\r\n\r\n", func(l reading.Letter) bool { return strings.HasPrefix(l.Subject, "ü") }},
		"a date that is none":      {"Date: yesterday\r\n\r\n", func(l reading.Letter) bool { return l.Date.IsZero() }},
		"a date of another age":    {"Date: Mon, 02 Mar 0026 10:30:00 +0100\r\n\r\n", func(l reading.Letter) bool { return l.Date.IsZero() }},
		"ids in shambles":          {"References: <a@x> nothing <b@x\r\n <c@x> < > <\r\n\r\n", func(l reading.Letter) bool { return len(l.References) >= 1 && l.References[0] == "<a@x>" }},
		"two of one":               {"Subject: first\r\nSubject: second\r\n\r\n", func(l reading.Letter) bool { return l.Subject == "first" }},
		"no boundary":              {"Content-Type: multipart/mixed\r\n\r\ntext", func(l reading.Letter) bool { return len(l.Attachments) == 1 }},
		"no end of the last part":  {"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\ntext", func(l reading.Letter) bool { return l.Text == "text" }},
		"a boundary within a line": {"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nsay --x and --xy\r\n--xy\r\n--x--", func(l reading.Letter) bool { return l.Text == "say --x and --xy\n--xy" }},
	} {
		if got := reading.Parse([]byte(test.raw)); !test.want(got) {
			t.Errorf("%s is read as %+v", name, got)
		}
	}
}

func TestProgramsMailIsToldFromPeoples(t *testing.T) {
	for header, want := range map[string]bool{
		"Auto-Submitted: auto-replied": true, "Auto-Submitted: no": false, "Precedence: bulk": true, "Precedence: first-class": false, "List-Id: <x>": true,
		"Return-Path: <>": true, "Return-Path: <a@example.com>": false, "Content-Type: multipart/report; boundary=x": true, "X-Autoreply: yes": true, "X-Mailer: y": false,
	} {
		if got := reading.Parse([]byte(header + "\r\n\r\n")).Automatic; got != want {
			t.Errorf("%s: automatic is %t", header, got)
		}
	}
}

func TestMailIsReadUpToBounds(t *testing.T) {
	many := "Content-Type: multipart/mixed; boundary=x\r\n\r\n" + strings.Repeat("--x\r\nContent-Type: text/csv; name=a\r\n\r\n"+strings.Repeat("1;2\r\n", 4000)+"\r\n", 100)
	got := reading.Parse([]byte(many))
	sum := 0
	for _, a := range got.Attachments {
		if sum += len(a.Text); len(a.Text) > reading.MaxAttachmentText || !a.TextCut {
			t.Errorf("an attachment has %d bytes of text, cut: %t", len(a.Text), a.TextCut)
		}
	}
	if len(got.Attachments) != reading.MaxAttachments || sum != reading.MaxAttachmentTexts {
		t.Errorf("there are %d attachments with %d bytes of text", len(got.Attachments), sum)
	}
	for name, raw := range map[string]string{
		"text":             "\r\n" + strings.Repeat("ü", reading.MaxText),
		"HTML":             "Content-Type: text/html\r\n\r\n" + strings.Repeat("<p>x", reading.MaxText),
		"parts":            "Content-Type: multipart/mixed; boundary=x\r\n\r\n" + strings.Repeat("--x\r\n\r\na\r\n", 500),
		"parts in a part":  nested(20),
		"a mail in a mail": strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 50) + "\r\ntext",
	} {
		got := reading.Parse([]byte(raw))
		if cut := got.TextCut || slices.ContainsFunc(got.Attachments, func(a reading.Attachment) bool { return a.Type == "message/rfc822" }); !cut || len(got.Text) > reading.MaxText {
			t.Errorf("%s: %d bytes are read, cut: %t", name, len(got.Text), got.TextCut)
		}
	}
}

// nested are parts within parts.
func nested(depth int) string {
	raw := "Content-Type: text/plain\r\n\r\ndeep"
	for i := range depth {
		raw = fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n%s\r\n--b%d--", i, i, raw, i)
	}
	return raw
}
