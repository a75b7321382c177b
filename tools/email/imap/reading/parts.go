package reading

import (
	"bytes"
	"mime"
	"path"
	"strings"
)

// walk goes through the parts of a mail.
type walk struct {
	letter *Letter
	parts  int
	texts  int  // what is left for the texts of attachments, in bytes
	cut    bool // not all of the text was looked at
}

// entity is a part of a mail, by its header.
type entity struct {
	kind     string // media type
	params   map[string]string
	name     string // of a file
	attached bool
	encoding string
}

func entityOf(f fieldsOf) entity {
	e := entity{kind: "text/plain", encoding: f.get("Content-Transfer-Encoding")}
	if text := f.get("Content-Type"); text != "" {
		kind, params, err := mime.ParseMediaType(text)
		if err != nil && kind == "" { // some write it as they like
			kind, _, _ = strings.Cut(text, ";")
			kind, params = strings.ToLower(strings.TrimSpace(kind)), roughParams(text)
		}
		if strings.Count(kind, "/") == 1 {
			e.kind, e.params = oneLine(kind), params
		}
	}
	disposition := f.get("Content-Disposition")
	how, params, err := mime.ParseMediaType(disposition)
	if err != nil && how == "" {
		how, _, _ = strings.Cut(disposition, ";")
		params = roughParams(disposition)
	}
	e.attached = strings.EqualFold(strings.TrimSpace(how), "attachment")
	if e.name = params["filename"]; e.name == "" {
		e.name = e.params["name"]
	}
	if e.name != "" {
		e.name = path.Base(strings.ReplaceAll(oneLine(Words(e.name)), `\`, "/"))
	}
	return e
}

// roughParams reads parameters that are not written as they should be.
func roughParams(text string) map[string]string {
	params := map[string]string{}
	for i, part := range strings.SplitN(text, ";", 20) {
		if name, value, ok := strings.Cut(part, "="); ok && i > 0 {
			params[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return params
}

// body gives the text of an entity that is to be read, and notes what is attached. plain:
// it was written as plain text.
func (w *walk) body(f fieldsOf, raw []byte, depth int) (text string, plain bool) {
	if w.parts++; w.parts > maxParts || depth > maxDepth {
		w.cut = true
		return "", false
	}
	e := entityOf(f)
	if strings.HasPrefix(e.kind, "multipart/") && e.params["boundary"] != "" {
		return w.several(e, raw, depth)
	}
	readable := e.kind == "text/plain" || e.kind == "text/html"
	if readable && !e.attached && e.name == "" {
		return w.text(e, decode(raw, e.encoding), MaxText)
	}
	if e.kind == "message/delivery-status" && !e.attached && e.name == "" {
		return strings.TrimSpace(toUTF8(decode(raw, e.encoding), "")), true
	}
	w.attach(e, raw, depth)
	return "", false
}

// several are the parts of an entity of several.
func (w *walk) several(e entity, raw []byte, depth int) (text string, plain bool) {
	var texts []string
	best, isPlain := "", false
	for _, part := range split(raw, e.params["boundary"]) {
		fields, body := splitHeader(part)
		text, plain := w.body(fields, body, depth+1)
		if strings.TrimSpace(text) == "" {
			continue
		}
		texts = append(texts, text)
		if best == "" || plain && !isPlain {
			best, isPlain = text, plain
		}
	}
	if e.kind == "multipart/alternative" {
		return best, isPlain
	}
	return strings.Join(texts, "\n\n"), isPlain && len(texts) == 1
}

// text reads an entity of text, up to a size.
func (w *walk) text(e entity, raw []byte, most int) (text string, plain bool) {
	if e.kind == "text/html" {
		w.letter.HasHTML = true
		text, cut := htmlText(toUTF8(raw, e.params["charset"]), most)
		w.cut = w.cut || cut
		return text, false
	}
	text = toUTF8(raw, e.params["charset"])
	return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \n"), true
}

// asText are types that are text by another name.
var asText = map[string]bool{"application/json": true, "application/xml": true, "application/xhtml+xml": true, "application/csv": true, "application/yaml": true,
	"application/x-yaml": true, "application/ics": true, "application/x-ndjson": true, "application/sql": true, "message/delivery-status": true}

// attach notes an attachment, with its text where it is text.
func (w *walk) attach(e entity, raw []byte, depth int) {
	if len(w.letter.Attachments) == MaxAttachments {
		return
	}
	content := decode(raw, e.encoding)
	a := Attachment{Name: e.name, Type: e.kind, Bytes: len(content)}
	most := min(MaxAttachmentText, w.texts)
	switch {
	case e.kind == "message/rfc822":
		a.Text = w.enclosed(content, depth)
	case e.kind == "text/html":
		a.Text, a.TextCut = htmlText(toUTF8(content, e.params["charset"]), most)
	case strings.HasPrefix(e.kind, "text/"), asText[e.kind], strings.HasSuffix(e.kind, "+json"), strings.HasSuffix(e.kind, "+xml") && e.kind != "image/svg+xml":
		// A character has at most four bytes in any charset that there is, and none less than a half.
		head := content[:min(len(content), 8*most+8)]
		if !bytes.ContainsRune(head, 0) || strings.HasPrefix(strings.ToLower(e.params["charset"]), "utf-16") {
			a.Text = toUTF8(head, e.params["charset"])
			a.TextCut = len(head) < len(content)
		}
	}
	var cut bool
	if a.Text, cut = shorten(a.Text, most); cut {
		a.TextCut = true
	}
	w.texts -= len(a.Text)
	w.letter.Attachments = append(w.letter.Attachments, a)
}

// enclosed is the text of a mail that is attached to another.
func (w *walk) enclosed(raw []byte, depth int) string {
	fields, body := splitHeader(raw)
	f := fieldsOf(fields)
	inner := &walk{letter: &Letter{}, parts: w.parts}
	text, _ := inner.body(f, body, depth+1)
	w.parts = inner.parts
	var out strings.Builder
	for _, name := range []string{"From", "To", "Date", "Subject"} {
		if value := f.line(name); value != "" {
			out.WriteString(name + ": " + value + "\n")
		}
	}
	return out.String() + "\n" + text
}

// split takes the parts between lines of a boundary (RFC 2046, 5.1.1). What comes before
// the first and after the last is for nobody.
func split(raw []byte, boundary string) [][]byte {
	mark := []byte("--" + boundary)
	var parts [][]byte
	begin := -1
	for at := 0; at < len(raw); {
		end := bytes.IndexByte(raw[at:], '\n')
		next := len(raw)
		if end >= 0 {
			next = at + end + 1
		}
		line := raw[at:next]
		if rest, ok := bytes.CutPrefix(line, mark); ok {
			rest = bytes.TrimSpace(rest)
			last := bytes.Equal(rest, []byte("--"))
			if len(rest) == 0 || last {
				if begin >= 0 {
					parts = append(parts, trimEnd(raw[begin:at]))
				}
				begin = next
				if last || len(parts) > maxParts {
					return parts
				}
			}
		}
		at = next
	}
	if begin >= 0 && begin < len(raw) {
		parts = append(parts, raw[begin:])
	}
	return parts
}

// trimEnd takes the line end off that belongs to the boundary behind it.
func trimEnd(raw []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
}
