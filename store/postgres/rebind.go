package postgres

import (
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// forUpdate in a text of SQL locks the rows that it reads until the transaction ends.
// SQLite, which has one writer, passes over a comment.
const forUpdate = "/*FOR UPDATE*/"

// words are what the texts say for both engines, and PostgreSQL otherwise.
var words = strings.NewReplacer(
	forUpdate, "FOR UPDATE",
	// The next number of an event, which the sequence gives to nobody else.
	"(SELECT MAX(seq) + 1 FROM events)", "nextval(pg_get_serial_sequence('events', 'seq'))",
	"json_each(?)", "json_array_elements_text(CAST(? AS json))",
)

// bound keeps what each text came to: they are constants, but for a few that are put
// together of constants.
var bound sync.Map

func rebind(query string) string {
	if known, ok := bound.Load(query); ok {
		return known.(string)
	}
	said := number(greatest(words.Replace(query)))
	bound.Store(query, said)
	return said
}

// greatest names MAX and MIN of several values as PostgreSQL does; those of one are of
// all rows.
func greatest(query string) string {
	for _, name := range []struct{ lite, ours string }{{"MAX(", "GREATEST("}, {"MIN(", "LEAST("}} {
		for from := 0; ; {
			i := strings.Index(query[from:], name.lite)
			if i < 0 {
				break
			}
			if i += from; several(query[i+len(name.lite):]) {
				query = query[:i] + name.ours + query[i+len(name.lite):]
			}
			from = i + len(name.lite)
		}
	}
	return query
}

// several reports whether arguments are more than one: there is a comma before the
// parenthesis that ends them.
func several(arguments string) bool {
	depth := 0
	for _, c := range arguments {
		switch {
		case c == '(':
			depth++
		case c == ')' && depth == 0:
			return false
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			return true
		}
	}
	return false
}

// number gives the places of values their numbers: ? in their order, ?2 that one. What
// is quoted stays as it is.
func number(query string) string {
	var out strings.Builder
	next := 1
	for i := 0; i < len(query); {
		switch c := query[i]; {
		case c == '\'' || c == '"':
			end := strings.IndexByte(query[i+1:], c)
			if end < 0 {
				end = len(query) - i - 2 // the server will say so
			}
			out.WriteString(query[i : i+end+2])
			i += end + 2
		case c == '-' && strings.HasPrefix(query[i:], "--"):
			end := strings.IndexByte(query[i:], '\n')
			if end < 0 {
				end = len(query) - i
			}
			out.WriteString(query[i : i+end])
			i += end
		case c == '?':
			i++
			digits := i
			for i < len(query) && '0' <= query[i] && query[i] <= '9' {
				i++
			}
			out.WriteByte('$')
			if digits < i {
				out.WriteString(query[digits:i])
			} else {
				out.WriteString(strconv.Itoa(next))
				next++
			}
		default:
			out.WriteByte(c)
			i++
		}
	}
	return out.String()
}

// escapes is where the bytes go that no text of PostgreSQL may hold: U+0000, and what
// is not UTF-8. Texts that differ stay different, so that two keys do not become one.
const escapes = 0x10FF00 // private use: U+10FF00 to U+10FFFF

// storable gives a text that PostgreSQL takes.
func storable(text string) string {
	if strings.IndexByte(text, 0) < 0 && utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == 0 || r == utf8.RuneError && size == 1 {
			r = escapes + rune(text[i])
		}
		out.WriteRune(r)
		i += size
	}
	return out.String()
}
