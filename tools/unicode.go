package tools

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// WellFormed gives JSON that others sent with its text made well-formed: what is
// not UTF-8, and escapes of half a character (\ud83d alone), become U+FFFD. Some
// readers refuse a whole list or message for either of them. All else, blanks and
// the order of members included, stays as it is; if there is nothing to mend, the
// very same slice is returned.
func WellFormed(raw json.RawMessage) json.RawMessage {
	if !utf8.Valid(raw) {
		raw = bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	}
	var out []byte
	done := 0
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		unit, ok := escaped(raw[i:])
		switch {
		case !ok:
			i++ // the escaped character is no backslash
		case isHigh(unit) && isLowNext(raw[i+6:]):
			i += 11
		case unit >= 0xD800 && unit < 0xE000:
			out = append(append(out, raw[done:i]...), `\ufffd`...)
			i += 5
			done = i + 1
		default:
			i += 5
		}
	}
	if done == 0 {
		return raw
	}
	return append(out, raw[done:]...)
}

func isHigh(unit rune) bool { return unit >= 0xD800 && unit < 0xDC00 }

func isLowNext(rest []byte) bool {
	unit, ok := escaped(rest)
	return ok && unit >= 0xDC00 && unit < 0xE000
}

// escaped reads \uXXXX.
func escaped(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var unit rune
	for _, c := range text[2:6] {
		switch {
		case c >= '0' && c <= '9':
			unit = unit<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			unit = unit<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			unit = unit<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return unit, true
}
