package chatapi

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// named is how a message calls the place.
func named(at string) string {
	if at == "" {
		return "the request"
	}
	return at
}

// shown bounds a stranger's text in a message.
func shown(text string) string {
	const most = 64
	if len(text) <= most {
		return text
	}
	return cut(text, most) + "..."
}

// cut keeps at most so many bytes, in whole characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// compacted is the JSON without blanks around its parts: the same request in
// another layout is the same request.
func compacted(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return nil
	}
	var out bytes.Buffer
	if json.Compact(&out, raw) != nil {
		return raw
	}
	return out.Bytes()
}
