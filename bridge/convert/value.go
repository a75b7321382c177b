package convert

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kinds is a set of JSON kinds. An integer is a number, too: a schema that takes
// numbers has both bits, one that takes integers only the one.
type kinds uint8

const (
	kindNull kinds = 1 << iota
	kindBoolean
	kindInteger
	kindNumber
	kindString
	kindArray
	kindObject

	kindsNumeric = kindInteger | kindNumber
	kindsAll     = kindObject<<1 - 1
)

func (k kinds) has(other kinds) bool { return k&other != 0 }

// count is how many kinds there are, numbers and integers being one.
func (k kinds) count() int {
	if k.has(kindNumber) {
		k &^= kindInteger
	}
	return bits.OnesCount8(uint8(k))
}

// value is a JSON value that keeps what decoding into Go's own types loses: the
// order of members, and the spelling of numbers.
type value struct {
	kind    kinds  // one of them; a number is kindNumber, whole or not
	text    string // of a string: its characters; of a number, true and false: their spelling
	items   []*value
	members []member
}

type member struct {
	name  string
	value *value
}

// A new one each time: where a value came from is remembered by its address.
func nullValue() *value { return &value{kind: kindNull, text: "null"} }

func stringValue(s string) *value { return &value{kind: kindString, text: s} }

// get gives the member of that name, nil if there is none.
func (v *value) get(name string) *value {
	for i := range v.members {
		if v.members[i].name == name {
			return v.members[i].value
		}
	}
	return nil
}

// count is how many values there are, those within included.
func (v *value) count() int {
	n := 1
	for _, item := range v.items {
		n += item.count()
	}
	for _, m := range v.members {
		n += m.value.count()
	}
	return n
}

// isOf reports whether a value is of one of the kinds.
func (v *value) isOf(k kinds) bool {
	if v.kind != kindNumber {
		return k.has(v.kind)
	}
	return k.has(kindNumber) || k.has(kindInteger) && isWhole(v.text)
}

// identity is the same for values that are equal and for no others: "1" is not 1,
// and 1.0 is.
func identity(v *value) string {
	switch v.kind {
	case kindString:
		return "\"" + v.text
	case kindArray, kindObject:
		return string(appendIdentity(nil, v))
	case kindNumber:
		return numberIdentity(v.text)
	}
	return v.text
}

func appendIdentity(b []byte, v *value) []byte {
	switch v.kind {
	case kindString:
		return appendString(b, v.text)
	case kindNumber:
		return append(b, numberIdentity(v.text)...)
	case kindArray:
		b = append(b, '[')
		for _, item := range v.items {
			b = append(appendIdentity(b, item), ',')
		}
		return append(b, ']')
	case kindObject:
		b = append(b, '{')
		byName := slices.SortedFunc(slices.Values(v.members), func(a, b member) int { return strings.Compare(a.name, b.name) })
		for _, m := range byName {
			b = append(appendString(b, m.name), ':')
			b = append(appendIdentity(b, m.value), ',')
		}
		return append(b, '}')
	}
	return append(b, v.text...)
}

// keysOf is a set of values, by their identity.
func keysOf(values []*value) map[string]bool {
	known := make(map[string]bool, len(values))
	for _, v := range values {
		known[identity(v)] = true
	}
	return known
}

// equal compares as JSON Schema does: 1 and 1.0 are the same, and so are objects
// whose members stand in another order.
func equal(a, b *value) bool {
	if a == b {
		return true
	}
	if a.kind != b.kind || len(a.items) != len(b.items) || len(a.members) != len(b.members) {
		return false
	}
	switch a.kind {
	case kindNumber:
		return a.text == b.text || compareNumbers(a.text, b.text) == 0
	case kindArray:
		for i := range a.items {
			if !equal(a.items[i], b.items[i]) {
				return false
			}
		}
		return true
	case kindObject:
		return equalMembers(a, b)
	}
	return a.text == b.text
}

func equalMembers(a, b *value) bool {
	const few = 8 // up to here looking through them is quicker than a map
	find := b.get
	if len(b.members) > few {
		index := make(map[string]*value, len(b.members))
		for _, m := range b.members {
			index[m.name] = m.value
		}
		find = func(name string) *value { return index[name] }
	}
	for _, m := range a.members {
		if other := find(m.name); other == nil || !equal(m.value, other) {
			return false
		}
	}
	return true
}

// appendValue writes compact JSON.
func appendValue(b []byte, v *value) []byte {
	switch v.kind {
	case kindString:
		return appendString(b, v.text)
	case kindArray:
		b = append(b, '[')
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, item)
		}
		return append(b, ']')
	case kindObject:
		b = append(b, '{')
		for i, m := range v.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, m.name), ':')
			b = appendValue(b, m.value)
		}
		return append(b, '}')
	}
	return append(b, v.text...)
}

func spell(v *value) string { return string(appendValue(nil, v)) }

// brief is cut(spell(v), most), at no more than the cost of what is left of it.
func brief(v *value, most int) string { return cut(string(appendBrief(nil, v, most)), most) }

// appendBrief writes compact JSON until there are more than so many bytes.
func appendBrief(b []byte, v *value, most int) []byte {
	switch {
	case len(b) > most:
		return b
	case v.kind == kindString:
		return appendString(b, v.text[:min(len(v.text), most+1)])
	case v.kind == kindArray:
		b = append(b, '[')
		for i, item := range v.items {
			if len(b) > most {
				return b
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = appendBrief(b, item, most)
		}
		return append(b, ']')
	case v.kind == kindObject:
		b = append(b, '{')
		for i, m := range v.members {
			if len(b) > most {
				return b
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, m.name[:min(len(m.name), most+1)]), ':')
			b = appendBrief(b, m.value, most)
		}
		return append(b, '}')
	}
	return append(b, v.text...)
}

// appendString quotes as JSON, and leaves what JSON does not insist on as it is:
// a model reads < more easily than \u003c.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, c)
		start = i + 1
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\t':
		return append(b, '\\', 't')
	case '\r':
		return append(b, '\\', 'r')
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// cut shortens a text to about n bytes, between characters, and shows that it did.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func quote(s string) string { return strconv.Quote(s) }
