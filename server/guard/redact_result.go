package guard

import (
	"bytes"
	"encoding/json"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
)

// redactor takes what a caller must not see out of a JSON text, and copies the rest byte
// for byte: nothing is decoded and spelled anew that does not change.
type redactor struct {
	shapes Shapes
	// members are names of members whose values are hidden, wherever they stand, or several
	// joined by dots for one within another: "email", "customer.email". Arrays do not count.
	members []string
	// content: the text is a CallToolResult of MCP, whose blocks may hold files.
	content bool

	raw  string
	out  []byte
	done int      // of raw, what is copied
	path []string // of members, to where we are
}

// redactJSON gives valid JSON without what is hidden, and whether that differs.
func (r redactor) redactJSON(raw json.RawMessage) (json.RawMessage, bool) {
	if len(r.members) == 0 && !(r.shapes.any() && (mayHold(r.shapes, raw) || bytes.Contains(raw, []byte(`\u`)))) {
		return raw, false // in the JSON as it stands, no text begins to look like something that is hidden
	}
	r.raw = string(raw) // one copy: its parts are looked at as texts
	r.value(0, false)
	if r.out == nil {
		return raw, false
	}
	return append(r.out, raw[r.done:]...), true
}

// value goes over the value at or behind i, hides it if it is to be hidden, and gives where
// it ends.
func (r *redactor) value(i int, hidden bool) int {
	i = r.space(i)
	switch c := r.raw[i]; {
	case c == '{':
		return r.object(i, hidden)
	case c == '[':
		for i = r.space(i + 1); r.raw[i] != ']'; i = r.space(i) {
			if r.raw[i] == ',' {
				i++
			}
			i = r.value(i, hidden)
		}
		return i + 1
	case c == '"':
		return r.text(i, hidden)
	default:
		end := i + 1
		for end < len(r.raw) && strings.IndexByte(",]} \t\r\n", r.raw[end]) < 0 {
			end++
		}
		if hidden && c != 'n' && c != 'f' {
			r.replace(i, end, map[bool]string{true: "false", false: "0"}[c == 't'])
		}
		return end
	}
}

func (r *redactor) object(i int, hidden bool) int {
	for i = r.space(i + 1); r.raw[i] != '}'; i = r.space(i) {
		if r.raw[i] == ',' {
			i = r.space(i + 1)
		}
		end := r.stringEnd(i)
		r.path = append(r.path, unquoted(r.raw[i:end]))
		i = r.space(end) + 1 // the colon
		if r.content && r.isFile() {
			i = r.skip(r.space(i))
		} else {
			i = r.value(i, hidden || r.isHidden())
		}
		r.path = r.path[:len(r.path)-1]
	}
	return i + 1
}

// text goes over a string.
func (r *redactor) text(i int, hidden bool) int {
	end := r.stringEnd(i)
	inner := r.raw[i+1 : end-1]
	if hidden {
		r.replace(i, end, quoted(standIn(unquoted(r.raw[i:end]))))
		return end
	}
	if r.content && len(r.members) > 0 && r.inside(i, end) {
		return end
	}
	if len(inner) < 8 { // shorter than any of the shapes
		return end
	}
	if safe, changed := r.shapes.hide(unquoted(r.raw[i:end])); changed {
		r.replace(i, end, quoted(safe))
	}
	return end
}

// inside redacts a text that is JSON itself, as servers repeat their structured content
// for older clients.
func (r *redactor) inside(i, end int) bool {
	plain := strings.TrimSpace(unquoted(r.raw[i:end]))
	if plain == "" || plain[0] != '{' && plain[0] != '[' || !json.Valid([]byte(plain)) {
		return false
	}
	within, changed := redactor{shapes: r.shapes, members: r.members}.redactJSON(json.RawMessage(plain))
	if changed {
		r.replace(i, end, quoted(string(within)))
	}
	return true
}

// isHidden reports whether the member that the path leads to is to be hidden.
func (r *redactor) isHidden() bool {
	return slices.ContainsFunc(r.members, func(member string) bool {
		names := strings.Split(member, ".")
		return len(names) <= len(r.path) && slices.Equal(names, r.path[len(r.path)-len(names):])
	})
}

// isFile reports whether the member holds a file, encoded: that of an image or a sound, or
// a resource's.
func (r *redactor) isFile() bool {
	if len(r.path) == 0 || r.path[0] != "content" {
		return false
	}
	last := r.path[len(r.path)-1]
	return last == "data" && len(r.path) == 2 || last == "blob" && len(r.path) == 3
}

// skip gives the end of a value that is not looked into, if it is a string.
func (r *redactor) skip(i int) int {
	if r.raw[i] == '"' {
		return r.stringEnd(i)
	}
	return r.value(i, false)
}

func (r *redactor) replace(from, to int, by string) {
	r.out = append(append(r.out, r.raw[r.done:from]...), by...)
	r.done = to
}

func (r *redactor) space(i int) int {
	for r.raw[i] == ' ' || r.raw[i] == '\n' || r.raw[i] == '\t' || r.raw[i] == '\r' {
		i++
	}
	return i
}

// stringEnd is behind the closing quote of the string at i.
func (r *redactor) stringEnd(i int) int {
	for i++; ; i++ {
		next := strings.IndexByte(r.raw[i:], '"')
		i += next
		escapes := 0
		for r.raw[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
}

func unquoted(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var text string
	_ = json.Unmarshal([]byte(raw), &text) // it is part of valid JSON
	return text
}

func quoted(text string) string { return string(appendString(nil, text)) }

// stand-ins are of the same form as what they stand for, so that a result that a schema
// gives a format still fits it.
func standIn(text string) string {
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		return "0001-01-01T00:00:00Z"
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return "0001-01-01"
	}
	if address, err := mail.ParseAddress(text); err == nil && address.Address == text {
		return "redacted@redacted.invalid"
	}
	if u, err := url.Parse(text); err == nil && u.Scheme != "" && u.Host != "" {
		return "https://redacted.invalid/"
	}
	return redacted
}
