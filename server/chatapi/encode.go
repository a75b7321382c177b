package chatapi

import (
	"strconv"
	"unicode/utf8"
)

func appendInt(out []byte, n int64) []byte { return strconv.AppendInt(out, n, 10) }

// appendString appends text as a JSON string, without reflection and without
// allocating. Bytes that are no UTF-8 become U+FFFD, as encoding/json has it.
func appendString[T string | []byte](out []byte, text T) []byte {
	out = append(out, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			size := runeLen(text[i:])
			if size > 0 {
				i += size
				continue
			}
			out = append(append(out, text[start:i]...), `\ufffd`...)
		} else {
			out = appendEscape(append(out, text[start:i]...), c)
		}
		i++
		start = i
	}
	out = append(out, text[start:]...)
	return append(out, '"')
}

// runeLen is the length of the character that text begins with, 0 if it is none.
func runeLen[T string | []byte](text T) int {
	var head [utf8.UTFMax]byte
	n := copy(head[:], text)
	r, size := utf8.DecodeRune(head[:n])
	if r == utf8.RuneError && size == 1 {
		return 0
	}
	return size
}

func appendEscape(out []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(out, '\\', c)
	case '\n':
		return append(out, '\\', 'n')
	case '\r':
		return append(out, '\\', 'r')
	case '\t':
		return append(out, '\\', 't')
	}
	return append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
