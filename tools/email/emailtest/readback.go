package emailtest

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"

	"drawbridge/tools/email"
)

// content is a message as its receiver reads it: every header field but Date and
// those of MIME's encoding, and the bodies.
type content struct {
	Header     map[string]string
	Text, HTML string
}

// readBack reads a message with the standard library, as its receiver would.
func readBack(d *door, raw []byte) content {
	d.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		d.Fatalf("reading the message back: %v\n%s", err, raw)
	}
	if _, err := message.Header.Date(); err != nil {
		d.Errorf("reading the Date: %v", err)
	}
	c := content{Header: map[string]string{}}
	for name, values := range message.Header {
		if len(values) != 1 {
			d.Errorf("header %s occurs %d times", name, len(values))
		}
		c.Header[name] = readHeader(d, message.Header, name)
	}
	for _, name := range []string{"Date", "Content-Type", "Content-Transfer-Encoding"} {
		delete(c.Header, name)
	}
	c.Text, c.HTML = readBodies(d, message)
	return c
}

func readHeader(d *door, header mail.Header, name string) string {
	d.Helper()
	switch name {
	case "From":
		list, err := header.AddressList(name)
		if err != nil || len(list) != 1 {
			d.Fatalf("reading From %q: %v", header.Get(name), err)
		}
		return list[0].Address
	case "To", "Cc", "Reply-To":
		list, err := header.AddressList(name)
		if err != nil {
			d.Fatalf("reading %s %q: %v", name, header.Get(name), err)
		}
		texts := make([]string, len(list))
		for i, a := range list {
			texts[i] = email.FormatAddress(*a)
		}
		return strings.Join(texts, ", ")
	}
	text, err := new(mime.WordDecoder).DecodeHeader(header.Get(name))
	if err != nil {
		d.Fatalf("decoding %s %q: %v", name, header.Get(name), err)
	}
	return text
}

func readBodies(d *door, message *mail.Message) (text, html string) {
	d.Helper()
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		d.Fatal(err)
	}
	if kind == "text/plain" {
		return readText(d, quotedprintable.NewReader(message.Body)), ""
	}
	var kinds []string
	parts := multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := parts.NextPart() // decodes quoted-printable
		if err == io.EOF {
			break
		}
		if err != nil {
			d.Fatal(err)
		}
		kinds = append(kinds, part.Header.Get("Content-Type"))
		if len(kinds) == 1 {
			text = readText(d, part)
		} else {
			html = readText(d, part)
		}
	}
	want := []string{"text/plain; charset=utf-8", "text/html; charset=utf-8"}
	if kind != "multipart/alternative" || !slices.Equal(kinds, want) {
		d.Errorf("got %s of %q, want multipart/alternative of %q", kind, kinds, want)
	}
	return text, html
}

// readText reads a body, which ends in one line end.
func readText(d *door, r io.Reader) string {
	d.Helper()
	body, err := io.ReadAll(r)
	if err != nil {
		d.Fatal(err)
	}
	text := strings.ReplaceAll(string(body), "\r\n", "\n")
	return strings.TrimSuffix(text, "\n")
}
