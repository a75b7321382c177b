package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
)

// members gives the wanted members of a JSON object, undecoded. It reads no further
// than the last of them: the sender waits for this. What is no object has none.
func members(body []byte, wanted ...string) map[string]json.RawMessage {
	found := make(map[string]json.RawMessage, len(wanted))
	decoder := json.NewDecoder(bytes.NewReader(body))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return found
	}
	for len(found) < len(wanted) && decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return found
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return found
		}
		for _, want := range wanted {
			if _, known := found[want]; name == want && !known {
				found[want] = value
			}
		}
	}
	return found
}

// text is a JSON string, or the digits of a number; "" for anything else.
func text(value json.RawMessage) string {
	if len(value) == 0 {
		return ""
	}
	if value[0] == '"' {
		var s string
		_ = json.Unmarshal(value, &s) // one that is no string is none
		return s
	}
	if value[0] == '-' || value[0] >= '0' && value[0] <= '9' {
		return string(value)
	}
	return ""
}

// moment reads a time: RFC 3339, or unix seconds or milliseconds, as a number or as
// its digits. What is none of these is the zero time, as is what lies outside of the
// years 1 to 9999.
func moment(value json.RawMessage) time.Time {
	written := text(value)
	if at, err := time.Parse(time.RFC3339, written); err == nil {
		return at
	}
	n, err := strconv.ParseFloat(written, 64)
	const farSeconds = 1e11 // the year 5138, or in milliseconds 1973
	switch {
	case err != nil || n <= 0 || n > 2e14:
		return time.Time{}
	case n >= farSeconds:
		return time.UnixMilli(int64(n))
	}
	return time.UnixMilli(int64(n * 1000))
}

// elements takes a JSON array apart into the exact bytes of its elements; nil if the
// body is anything else.
func elements(body []byte) [][]byte {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if open, err := decoder.Token(); err != nil || open != json.Delim('[') {
		return nil
	}
	var parts [][]byte
	for decoder.More() {
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil || len(parts) == maxParts {
			return nil
		}
		end := int(decoder.InputOffset())
		parts = append(parts, body[end-len(value):end:end])
	}
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return parts
}
