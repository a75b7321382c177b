package emailtest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

var sendTests = []test{
	{"SendReportsWhatWasDone", sendReports},
	{"SentMessageReadsBackFromTheWire", sentReadsBack},
	{"BccStaysOffTheWire", bccStaysOff},
	{"RecipientNamedTwiceGetsItOnce", namedTwice},
	{"HeaderInjectionIsRefused", injectionRefused},
	{"WrongArgumentIsNamed", wrongArgument},
}

func sendReports(d *door) {
	got := must[email.Receipt](d, email.ToolSend, letter)
	if got.ID == "" || got.MessageID == "" || got.SentAt.IsZero() {
		d.Errorf("receipt lacks id, message_id or sent_at: %+v", got)
	}
	if got.Status != email.Sent || got.Delivery != d.Delivery || got.Subject != letter["subject"] {
		d.Errorf("receipt says %+v, want it sent, with delivery %q and the subject given", got, d.Delivery)
	}
	if diff := cmp.Diff([]string{"ada@example.com"}, got.Recipients); diff != "" {
		d.Errorf("recipients (-want +got):\n%s", diff)
	}
}

func sentReadsBack(d *door) {
	in := args{
		"to": []string{"Ada Lovelace <ada@example.com>", "grace@example.org"}, "cc": []string{`"Kowalska, Zoë" <zoe@example.com>`},
		"reply_to": "Orders <orders@example.org>",
		"subject":  "Übergabe: Bestellung 1042 ist unterwegs – vielen Dank für Ihre Geduld in den letzten Wochen",
		"text":     "Grüße!\n\n.\nFrom here on = 100 % " + strings.Repeat("long ", 300) + "\n",
		"html":     "<p>Grüße!</p>\r\n<p>--boundary</p>",
	}
	sent := must[email.Receipt](d, email.ToolSend, in)
	wire := d.Wire(d.T, sent.ID)
	checkLines(d, wire.Raw)
	got := readBack(d, wire.Raw)
	want := content{
		Header: map[string]string{
			"From":         d.From,
			"To":           "Ada Lovelace <ada@example.com>, grace@example.org",
			"Cc":           `"Kowalska, Zoë" <zoe@example.com>`,
			"Reply-To":     "Orders <orders@example.org>",
			"Subject":      in["subject"].(string),
			"Message-Id":   sent.MessageID,
			"Mime-Version": "1.0",
		},
		Text: strings.TrimSuffix(in["text"].(string), "\n"),
		HTML: "<p>Grüße!</p>\n<p>--boundary</p>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.Errorf("the message on the wire (-want +got):\n%s", diff)
	}
}

func bccStaysOff(d *door) {
	sent := must[email.Receipt](d, email.ToolSend, letter.with(args{"bcc": []string{"archive@example.org"}}))
	wire := d.Wire(d.T, sent.ID)
	if bytes.Contains(bytes.ToLower(wire.Raw), []byte("bcc")) || bytes.Contains(wire.Raw, []byte("archive@example.org")) {
		d.Errorf("the message on the wire tells of its Bcc:\n%s", wire.Raw)
	}
	if diff := cmp.Diff([]string{"ada@example.com", "archive@example.org"}, wire.Recipients); diff != "" {
		d.Errorf("envelope recipients (-want +got):\n%s", diff)
	}
	if wire.From != d.From {
		d.Errorf("envelope sender is %q, want %q", wire.From, d.From)
	}
}

func namedTwice(d *door) {
	sent := must[email.Receipt](d, email.ToolSend, letter.with(args{
		"to": []string{"ada@example.com", "Ada <ADA@example.com>"}, "cc": []string{"grace@example.org"}, "bcc": []string{"ada@Example.COM", "grace@example.org"},
	}))
	if diff := cmp.Diff([]string{"ada@example.com", "grace@example.org"}, d.Wire(d.T, sent.ID).Recipients); diff != "" {
		d.Errorf("envelope recipients (-want +got):\n%s", diff)
	}
}

func injectionRefused(d *door) {
	const evil = "\r\nBcc: victim@example.com"
	for field, in := range map[string]args{
		"subject":  {"subject": "Hello" + evil},
		"to[1]":    {"to": []string{"ada@example.com", "grace@example.org" + evil}},
		"cc[0]":    {"cc": []string{"Ada\nX-Evil: 1 <ada@example.com>"}},
		"bcc[0]":   {"bcc": []string{"Ada\x00 <ada@example.com>"}},
		"reply_to": {"reply_to": "=?utf-8?q?Ada=0D=0ABcc=3A_victim=40example.com?= <ada@example.com>"},
	} {
		d.refused(tools.Invalid, field+":", email.ToolSend, letter.with(in))
	}
}

func wrongArgument(d *door) {
	for words, in := range map[string]args{
		`to[0]: "ada@" is not an address`: {"to": []string{"ada@"}},
		"to[0]: \"g: ada@example.com;\"":  {"to": []string{"g: ada@example.com;"}},
		"no SMTPUTF8":                     {"to": []string{"zoë@example.com"}},
		"xn--":                            {"to": []string{"ada@exämple.com"}},
		"to: is empty":                    {"to": []string{}},
		"subject: is empty":               {"subject": "  "},
		"subject: has 256 characters":     {"subject": strings.Repeat("é", 256)},
		"text: is empty":                  {"text": "\n"},
		"text: has 262145 bytes":          {"text": strings.Repeat("x", email.MaxText+1)},
		"html: has 524289 bytes":          {"html": strings.Repeat("x", email.MaxHTML+1)},
	} {
		d.refused(tools.Invalid, words, email.ToolSend, letter.with(in))
	}
}

// checkLines holds raw against what any mail server takes (RFC 5322, 2.1.1).
func checkLines(d *door, raw []byte) {
	d.Helper()
	lines := strings.Split(string(raw), "\r\n")
	for _, line := range lines {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
			d.Errorf("line breaks the rules of the wire: %q", line)
		}
	}
	if lines[len(lines)-1] != "" {
		d.Error("the last line has no CRLF")
	}
	if slices.ContainsFunc(raw, func(b byte) bool { return b > 127 }) {
		d.Error("the message is not ASCII")
	}
}

// near reports whether two times are the same to the second, which is what a
// Date header holds.
func near(a, b time.Time) bool { return a.Truncate(time.Second).Equal(b.Truncate(time.Second)) }
