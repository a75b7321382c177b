package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
)

// members gives the wanted members of a JSON object, undecoded; of those that are
// there twice, the first. It reads no further than the last of them, and no more of
// the others than where they end: the sender waits for this. What is no object has
// none, and of one that is broken there are those before the break.
func members(body []byte, wanted ...string) map[string]json.RawMessage {
	values := make([]json.RawMessage, len(wanted))
	pick(body, wanted, values)
	found := make(map[string]json.RawMessage, len(wanted))
	for i, value := range values {
		if value != nil {
			found[wanted[i]] = value
		}
	}
	return found
}

// pick is members into a slice, in the order in which they are wanted; nil for one that
// is not there.
func pick(body []byte, wanted []string, found []json.RawMessage) {
	s := scanner{rest: body}
	if !s.take('{') {
		return
	}
	for left := len(wanted); left > 0; {
		name, ok := s.value()
		if !ok || name[0] != '"' || !s.take(':') {
			return
		}
		value, ok := s.value()
		if !ok {
			return
		}
		for i, want := range wanted {
			if found[i] == nil && named(name, want) {
				found[i] = value
				left--
			}
		}
		if !s.take(',') {
			return
		}
	}
}

// named compares a name as it is written.
func named(written []byte, want string) bool {
	if bytes.IndexByte(written, '\\') >= 0 {
		return jsonText(written) == want
	}
	return string(written[1:len(written)-1]) == want
}

// scanner finds where the values of JSON end, without judging what is in them.
type scanner struct{ rest []byte }

// take takes one character, after white space, if it comes next.
func (s *scanner) take(c byte) bool {
	s.rest = bytes.TrimLeft(s.rest, " \t\r\n")
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// value takes a value, after white space; it has at least one byte, and a string both
// its quotes.
func (s *scanner) value() ([]byte, bool) {
	s.rest = bytes.TrimLeft(s.rest, " \t\r\n")
	n := length(s.rest)
	if n == 0 {
		return nil, false
	}
	value := s.rest[:n:n]
	s.rest = s.rest[n:]
	return value, true
}

// length is that of the value at the beginning of text; 0 if there is none, or not
// all of it.
func length(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	switch text[0] {
	case '"':
		return stringLength(text)
	case '{', '[':
		return nestedLength(text)
	}
	if n := bytes.IndexAny(text, ",:{}[]\" \t\r\n"); n >= 0 {
		return n
	}
	return len(text)
}

func stringLength(text []byte) int {
	at := 1
	for {
		n := bytes.IndexByte(text[at:], '"')
		if n < 0 {
			return 0
		}
		end := at + n
		escapes := 0
		for text[end-1-escapes] == '\\' { // ends at the opening quote
			escapes++
		}
		if at = end + 1; escapes%2 == 0 {
			return at
		}
	}
}

func nestedLength(text []byte) int {
	depth := 0
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		case '"':
			n := stringLength(text[at:])
			if n == 0 {
				return 0
			}
			at += n - 1
		}
	}
	return 0
}

// text is a JSON string, or the digits of a number; "" for anything else.
func text(value json.RawMessage) string {
	if len(value) == 0 {
		return ""
	}
	if plain := simple(value); plain != nil {
		return string(plain)
	}
	if value[0] == '"' {
		var s string
		_ = json.Unmarshal(value, &s) // one that is no string is none
		return s
	}
	if (value[0] == '-' || value[0] >= '0' && value[0] <= '9') && json.Valid(value) {
		return string(value)
	}
	return ""
}

// simple is what stands in a JSON string that is written as it is meant: of printable
// ASCII, without an escape. Most are, and need no decoder.
func simple(value json.RawMessage) []byte {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return nil
	}
	inner := value[1 : len(value)-1]
	for _, c := range inner {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return nil
		}
	}
	return inner
}

// moment reads a time: RFC 3339, or unix seconds or milliseconds, as a number or as
// its digits. What is none of these is the zero time, as is what lies outside of the
// years 1 to 9999.
func moment(value json.RawMessage) time.Time {
	written := text(value)
	if written == "" {
		return time.Time{}
	}
	if len(written) > 4 && written[4] == '-' { // behind the year
		if at, err := time.Parse(time.RFC3339, written); err == nil {
			return at
		}
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
