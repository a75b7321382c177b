package email

import (
	"bytes"
	"mime"
	"net/mail"
	"strings"
)

// maxLine is where a header line is folded: 78 is advised (RFC 5322, 2.1.1), 76
// is the bound of a line with encoded words (RFC 2047, 2).
const maxLine = 76

// writeHeader writes one field, folded. value must hold no control character.
//
// A fold is made only at a single space between words, so that unfolding gives
// value again. The first word stays on the name's line, as some readers do not
// cope otherwise, unless it is an encoded word, which has a bound to keep.
func writeHeader(b *bytes.Buffer, name, value string) {
	b.WriteString(name + ":")
	width := len(name) + 1
	words := strings.Split(value, " ")
	for i, word := range words {
		mayFold := strings.HasPrefix(word, "=?") || i > 0 && word != "" && words[i-1] != ""
		if mayFold && width+1+len(word) > maxLine {
			b.WriteString("\r\n")
			width = 0
		}
		b.WriteString(" " + word)
		width += 1 + len(word)
	}
	b.WriteString("\r\n")
}

// addressList writes the addresses as they stand in a header.
func addressList(list []mail.Address) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}

// Header is one field of a message's header.
type Header struct {
	Name  string `json:"name" jsonschema:"The field's name." example:"Date"`
	Value string `json:"value" jsonschema:"The field's value, unfolded and with encoded words decoded." example:"Mon, 02 Mar 2026 09:30:00 +0000"`
}

// ReadHeaders lists the header fields of a message on the wire, in their order.
func ReadHeaders(raw []byte) []Header {
	block, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	unfolded := strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(string(block))
	list := []Header{}
	for line := range strings.SplitSeq(unfolded, "\r\n") {
		name, value, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		list = append(list, Header{Name: name, Value: decoded(strings.TrimSpace(value))})
	}
	return list
}

// decoded is value with its encoded words read, or as it is when they cannot be.
func decoded(value string) string {
	text, err := new(mime.WordDecoder).DecodeHeader(value)
	if err != nil {
		return value
	}
	return text
}
