package salesforcefake

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word of a query.
type token struct {
	kind string // name, string, number, time, sign, end
	text string // of a string, as it stands between the quotes
	at   int
}

// lex takes a query apart. A quote that does not end is an error, as is any sign that SOQL
// does not have.
func lex(q string) ([]token, *Problem) {
	var all []token
	for i := 0; i < len(q); {
		r, size := utf8.DecodeRuneInString(q[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return nil, malformed("no UTF-8 at %d", i)
		case unicode.IsSpace(r):
			i += size
		case r == '\'':
			end := i + 1
			for end < len(q) && q[end] != '\'' {
				if q[end] == '\n' || q[end] == '\r' {
					return nil, malformed("line breaks not allowed in string literals at %d", end)
				}
				if q[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(q) {
				return nil, malformed("unterminated string literal at %d", i)
			}
			all = append(all, token{"string", q[i+1 : end], i})
			i = end + 1
		case unicode.IsLetter(r) && r < utf8.RuneSelf:
			end := i
			for end < len(q) && (isWord(q[end]) || q[end] == '.') {
				end++
			}
			all = append(all, token{"name", q[i:end], i})
			i = end
		case r >= '0' && r <= '9' || r == '-':
			end := i + 1
			for end < len(q) && (isWord(q[end]) || strings.IndexByte(".:+-", q[end]) >= 0) {
				end++
			}
			kind := "number"
			if strings.Contains(q[i+1:end], "-") {
				kind = "time"
			}
			all = append(all, token{kind, q[i:end], i})
			i = end
		case strings.HasPrefix(q[i:], "!=") || strings.HasPrefix(q[i:], "<=") || strings.HasPrefix(q[i:], ">="):
			all = append(all, token{"sign", q[i : i+2], i})
			i += 2
		case strings.ContainsRune("=<>(),", r):
			all = append(all, token{"sign", string(r), i})
			i += size
		default:
			return nil, malformed("unexpected token: %q at %d", r, i)
		}
	}
	return append(all, token{"end", "", len(q)}), nil
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// wild stands for any text, and for any one character, in a pattern that was read.
const (
	anything  = rune(-1)
	something = rune(-2)
)

// unquote reads what stands between the quotes. Of a pattern, wildcards become anything and
// something; escapes of wildcards are no escapes anywhere else.
func unquote(raw string, pattern bool) ([]rune, *Problem) {
	var out []rune
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRuneInString(raw[i:])
		i += size
		switch {
		case pattern && r == '%':
			out = append(out, anything)
			continue
		case pattern && r == '_':
			out = append(out, something)
			continue
		case r != '\\':
			out = append(out, r)
			continue
		case i == len(raw):
			return nil, malformed("an escape at the end of a string literal")
		}
		c := raw[i]
		i++
		switch {
		case strings.IndexByte(`\'"`, c) >= 0, pattern && (c == '%' || c == '_'):
			out = append(out, rune(c))
		case c == 'u':
			if i+4 > len(raw) {
				return nil, malformed(`Illegal \u escape`)
			}
			code, err := strconv.ParseUint(raw[i:i+4], 16, 16)
			if err != nil {
				return nil, malformed(`Illegal \u escape`)
			}
			out = append(out, rune(code))
			i += 4
		default:
			means := map[byte]rune{'n': '\n', 'N': '\n', 'r': '\r', 'R': '\r', 't': '\t', 'T': '\t', 'b': '\b', 'B': '\b', 'f': '\f', 'F': '\f'}
			if _, ok := means[c]; !ok {
				return nil, malformed("Invalid string literal. Illegal character sequence '\\%c' in string literal", c)
			}
			out = append(out, means[c])
		}
	}
	return out, nil
}

// matches reports whether a text fits a pattern, in any case.
func matches(text, pattern []rune) bool {
	for len(pattern) > 0 {
		switch pattern[0] {
		case anything:
			for i := 0; i <= len(text); i++ {
				if matches(text[i:], pattern[1:]) {
					return true
				}
			}
			return false
		case something:
			if len(text) == 0 {
				return false
			}
		default:
			if len(text) == 0 || !sameLetter(text[0], pattern[0]) {
				return false
			}
		}
		text, pattern = text[1:], pattern[1:]
	}
	return len(text) == 0
}

func sameLetter(a, b rune) bool {
	return a == b || strings.EqualFold(string(a), string(b)) || unicode.ToLower(a) == unicode.ToLower(b)
}

func malformed(format string, args ...any) *Problem {
	return problem(400, "MALFORMED_QUERY", fmt.Sprintf(format, args...))
}
