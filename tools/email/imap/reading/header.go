package reading

import (
	"bytes"
	"mime"
	"net/mail"
	"strings"
	"time"
	"unicode"
)

// Bounds of a header, and of what is read of it.
const (
	maxHeader    = 128 << 10 // bytes that are looked at
	maxFields    = 500
	maxValue     = 16 << 10 // bytes of a field
	maxAddresses = 100      // of a field
	maxLine      = 1000     // characters of a subject or a name
)

// Field is one field of a header, unfolded, as it stands there.
type Field struct{ Name, Value string }

// splitHeader parts an entity into its fields and its body.
func splitHeader(raw []byte) (fields []Field, body []byte) {
	rest := raw
	for len(rest) > 0 && len(raw)-len(rest) < maxHeader {
		line, after := cutLine(rest)
		switch {
		case len(line) == 0:
			return fields, after
		case (line[0] == ' ' || line[0] == '\t') && len(fields) > 0:
			last := &fields[len(fields)-1]
			if more := strings.TrimSpace(string(line)); len(last.Value)+len(more) < maxValue {
				last.Value += " " + more
			}
		case len(fields) < maxFields:
			// A line that is no field is passed over: some servers put one in front.
			if name, value, ok := strings.Cut(string(line[:min(len(line), maxValue)]), ":"); ok && fieldName(strings.TrimRight(name, " \t")) {
				fields = append(fields, Field{strings.TrimRight(name, " \t"), strings.TrimSpace(value)})
			} else if len(fields) == 0 && !ok && !bytes.HasPrefix(line, []byte("From ")) {
				return nil, raw // there is no header
			}
		}
		rest = after
	}
	if len(rest) == 0 {
		return fields, nil
	}
	// The header is longer than what is looked at of one.
	if _, after, ok := bytes.Cut(rest, []byte("\r\n\r\n")); ok {
		return fields, after
	}
	_, after, _ := bytes.Cut(rest, []byte("\n\n"))
	return fields, after
}

func cutLine(raw []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(raw, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

func fieldName(name string) bool {
	return name != "" && len(name) < 100 && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
}

// fieldsOf are the fields of a header by their names.
type fieldsOf []Field

func (f fieldsOf) get(name string) string {
	for _, field := range f {
		if strings.EqualFold(field.Name, name) {
			return field.Value
		}
	}
	return ""
}

// line is a field's text as people read it: words decoded, on one line, of a length that
// fits into one.
func (f fieldsOf) line(name string) string { return oneLine(Words(f.get(name))) }

func oneLine(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxLine {
		text = string(runes[:maxLine-1]) + "…"
	}
	return text
}

var words = mime.WordDecoder{CharsetReader: charsetReader}

// Words decodes the encoded words of a field (RFC 2047). What cannot be decoded stays as
// it is.
func Words(text string) string {
	text = strings.ToValidUTF8(toUTF8([]byte(text), ""), "\uFFFD")
	if decoded, err := words.DecodeHeader(text); err == nil {
		return decoded
	}
	return text
}

// addresses are those of a field. One that cannot be read is left out, and the others with
// it are read one by one.
func (f fieldsOf) addresses(name string) []mail.Address {
	text := f.get(name)
	if text == "" {
		return nil
	}
	parser := mail.AddressParser{WordDecoder: &words}
	var all []mail.Address
	if list, err := parser.ParseList(text); err == nil {
		for _, a := range list[:min(len(list), maxAddresses)] {
			all = append(all, tidy(*a))
		}
		return all
	}
	for part := range strings.SplitSeq(text, ",") {
		if len(all) == maxAddresses {
			break
		}
		if a, err := parser.Parse(strings.TrimSpace(part)); err == nil {
			all = append(all, tidy(*a))
		} else if found := bare(part); found != "" {
			all = append(all, mail.Address{Address: found})
		}
	}
	return all
}

func tidy(a mail.Address) mail.Address {
	return mail.Address{Name: oneLine(a.Name), Address: oneLine(a.Address)}
}

// bare finds what looks like an address in a text that is none.
func bare(text string) string {
	if i, j := strings.LastIndex(text, "<"), strings.LastIndex(text, ">"); i >= 0 && j > i {
		text = text[i+1 : j]
	}
	text = oneLine(text)
	if strings.Count(text, "@") != 1 || strings.ContainsAny(text, " <>\"") {
		return ""
	}
	return text
}

// date is when its writer says that it was written; zero if he does not.
func (f fieldsOf) date() time.Time {
	at, err := mail.ParseDate(f.get("Date"))
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}
	}
	return at.UTC()
}

// maxIDs is how many Message-IDs of a field are read: the first, and the last ones.
const maxIDs = 100

// ids are the Message-IDs in a field, with their angle brackets.
func (f fieldsOf) ids(name string) []string {
	var ids []string
	for rest := f.get(name); ; {
		_, after, open := strings.Cut(rest, "<")
		id, next, closed := strings.Cut(after, ">")
		if !open || !closed {
			return ids
		}
		if id = strings.ToValidUTF8(strings.TrimSpace(id), ""); id != "" && len(id) < maxLine && !strings.ContainsFunc(id, unicode.IsControl) {
			ids = append(ids, "<"+id+">")
		}
		if len(ids) > maxIDs {
			ids = append(ids[:1], ids[2:]...)
		}
		rest = next
	}
}
