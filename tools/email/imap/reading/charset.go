package reading

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// toUTF8 gives a text in UTF-8. Where nobody says what it is written in, or nobody knows
// that, it is UTF-8 if it can be, and else the Windows charset that most such texts are in.
func toUTF8(raw []byte, charset string) string {
	charset = strings.ToLower(strings.Trim(strings.TrimSpace(charset), `"'`))
	switch charset {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "unicode-1-1-utf-8", "unknown-8bit", "x-unknown":
		return utf8Or1252(raw)
	}
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return utf8Or1252(raw)
	}
	text, err := enc.NewDecoder().Bytes(raw)
	if err != nil {
		return utf8Or1252(raw)
	}
	return string(text)
}

func utf8Or1252(raw []byte) string {
	raw = bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF"))
	if utf8.Valid(raw) {
		return string(raw)
	}
	// One that was cut in the middle of a character is still UTF-8.
	if cut := len(raw) - 3; cut > 0 && utf8.Valid(raw[:cut]) {
		return strings.ToValidUTF8(string(raw), "")
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(raw)
	if err != nil {
		return strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	return string(text)
}

func charsetReader(charset string, input io.Reader) (io.Reader, error) {
	raw, err := io.ReadAll(io.LimitReader(input, maxValue))
	if err != nil {
		return nil, err
	}
	return strings.NewReader(toUTF8(raw, charset)), nil
}

// decode undoes a transfer encoding (RFC 2045, 6), as far as it goes.
func decode(raw []byte, encoding string) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return decodeBase64(raw)
	case "quoted-printable":
		var out bytes.Buffer
		if _, err := out.ReadFrom(quotedprintable.NewReader(bytes.NewReader(raw))); err != nil {
			return lenientQuoted(raw)
		}
		return out.Bytes()
	}
	return raw
}

// decodeBase64 reads what is of the alphabet, and passes over all else.
func decodeBase64(raw []byte) []byte {
	clean := make([]byte, 0, len(raw))
	for _, c := range raw {
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' {
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean)
	return out[:n]
}

// lenientQuoted reads quoted-printable text that is not as it should be: what is no
// escape stands for itself.
func lenientQuoted(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '=' {
			out = append(out, raw[i])
			continue
		}
		if i+2 < len(raw) {
			high, ok1 := unhex(raw[i+1])
			low, ok2 := unhex(raw[i+2])
			if ok1 && ok2 {
				out = append(out, high<<4|low)
				i += 2
				continue
			}
		}
		switch rest := raw[i+1:]; {
		case bytes.HasPrefix(rest, []byte("\r\n")):
			i += 2
		case bytes.HasPrefix(rest, []byte("\n")):
			i++
		default:
			out = append(out, '=')
		}
	}
	return out
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
