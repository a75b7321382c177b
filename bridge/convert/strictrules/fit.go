package strictrules

import (
	"strconv"
	"strings"
)

// hasType tells whether the schema's type is, or includes, the one named.
func (n *node) hasType(name string) bool {
	t := n.get("type")
	if t == nil {
		return false
	}
	if t.text() == name {
		return true
	}
	for i := range t.items {
		if t.items[i].text() == name {
			return true
		}
	}
	return false
}

// fits tells whether a value is of a type of the schema, which has one.
func (n *node) fits(value *node) bool {
	switch value.kind {
	case object:
		return n.hasType("object")
	case array:
		return n.hasType("array")
	case text:
		return n.hasType("string")
	case boolean:
		return n.hasType("boolean")
	case null:
		return n.hasType("null")
	}
	return n.hasType("number") || n.hasType("integer") && isInteger(value.raw)
}

// isInteger tells whether a JSON number is whole, however it is spelt: 1.0 and
// 1e2 are. It never computes the number: 1e999999999 is one as well.
func isInteger(raw string) bool {
	digits, decimals, exponent := parts(raw)
	if digits == "" {
		return true // zero
	}
	if decimals <= exponent {
		return true
	}
	trailing := len(digits) - len(strings.TrimRight(digits, "0"))
	return decimals-trailing <= exponent
}

// sign is that of a JSON number.
func sign(raw string) int {
	digits, _, _ := parts(raw)
	switch {
	case digits == "":
		return 0
	case raw[0] == '-':
		return -1
	}
	return 1
}

// parts takes a JSON number apart: its digits without leading zeros, how many of
// them follow the point, and its exponent.
func parts(raw string) (digits string, decimals, exponent int) {
	mantissa := raw
	if i := strings.IndexAny(raw, "eE"); i >= 0 {
		mantissa = raw[:i]
		exponent = exponentOf(raw[i+1:])
	}
	mantissa = strings.TrimPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	return strings.TrimLeft(whole+fraction, "0"), len(fraction), exponent
}

// exponentOf reads an exponent; one beyond all reason counts as a very large one.
func exponentOf(s string) int {
	const large = 1 << 40
	value, err := strconv.Atoi(s)
	if err != nil {
		value = large
		if s[0] == '-' {
			value = -large
		}
	}
	return max(-large, min(value, large))
}
