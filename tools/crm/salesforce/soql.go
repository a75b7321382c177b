package salesforce

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// A query is put together of names, which are constants of this package or settings that
// were checked to be names (see [Fields]), and of values, which come from outside. A value
// gets into a query by quote, or as a time that was a time.Time: nothing else writes one.

// quote is a text as a string literal of SOQL. Whatever the text holds, the literal ends
// where it ends, and stands for the text, but for bytes that are no UTF-8.
func quote(value string) string { return "'" + escape(value, false) + "'" }

// containing is a pattern of LIKE for texts that the words occur in, taken literally.
func containing(words string) string { return "'%" + escape(words, true) + "%'" }

// escape writes out the escape sequences that SOQL has. Of a pattern the wildcards are
// escaped as well.
func escape(value string, pattern bool) string {
	var b strings.Builder
	for i, r := range value {
		switch {
		case r == '@' && strings.HasPrefix(value[i+1:], "{"):
			b.WriteString(`\u0040`) // or a composite request would take it for a reference to one of its parts
		case r == '\\' || r == '\'' || r == '"':
			b.WriteByte('\\')
			b.WriteRune(r)
		case pattern && (r == '%' || r == '_'):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r) // of bytes that are no UTF-8, U+FFFD
		}
	}
	return b.String()
}

// instant and date are literals of a time; SOQL does not quote them.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// conditions is a conjunction.
type conditions []string

func (c *conditions) and(condition string) { *c = append(*c, condition) }

// is compares a field with a text; an empty one asks for nothing.
func (c *conditions) is(field, value string) {
	if value != "" {
		c.and(field + " = " + quote(value))
	}
}

// words asks that each word of q occurs in one of the fields.
func (c *conditions) words(q string, fields ...string) error {
	words := strings.Fields(q)
	if len(words) > maxWords {
		return tools.Errorf(tools.Invalid, "q: has %d words, and Salesforce is asked for at most %d at a time; leave out the less telling ones", len(words), maxWords)
	}
	for _, word := range words {
		var either []string
		for _, field := range fields {
			if field != "" {
				either = append(either, field+" LIKE "+containing(word))
			}
		}
		c.and("(" + strings.Join(either, " OR ") + ")")
	}
	return nil
}

// maxWords keeps a query, with several conditions a word, well below the length that an
// address may have.
const maxWords = 20

func (c conditions) where() string {
	if len(c) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c, " AND ")
}

// oneOf asks for a value out of a list, which is not empty.
func oneOf(field string, values []string) string { return field + " IN (" + quoted(values) + ")" }

func noneOf(field string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	return field + " NOT IN (" + quoted(values) + ")"
}

func quoted(values []string) string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = quote(value)
	}
	return strings.Join(all, ", ")
}

func either(conditions ...string) string {
	var given []string
	for _, c := range conditions {
		if c != "" {
			given = append(given, c)
		}
	}
	return "(" + strings.Join(given, " OR ") + ")"
}

func both(conditions ...string) string {
	var given []string
	for _, c := range conditions {
		if c != "" {
			given = append(given, c)
		}
	}
	return "(" + strings.Join(given, " AND ") + ")"
}

// Prefixes of ids: each object has one.
const (
	ofAccount = "001"
	ofContact = "003"
	ofOrder   = "801"
	ofProduct = "01t"
	ofCase    = "500"
	ofTask    = "00T"
	ofDeal    = "006"
	ofUser    = "005"
)

// isID reports whether a text has the form of an id of an object: a query that compares an
// id with anything else is refused as a whole.
func isID(text, prefix string) bool {
	if len(text) != 15 && len(text) != 18 || !strings.HasPrefix(text, prefix) {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf || !alphanumeric(byte(r)) }) < 0
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// missing is the error of a reference that fits nothing.
func missing(what, ref, search string) error {
	return tools.Errorf(tools.NotFound, "no %s %q; search with %s", what, ref, search)
}

func noCustomer(ref string) error { return missing("customer", ref, crm.SearchCustomersTool) }
