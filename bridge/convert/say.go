package convert

import (
	"fmt"
	"strconv"
	"strings"
)

const maxShown = 60 // characters of a value that is quoted in an error

// show quotes a value that came, cut short.
func show(v *value) string {
	switch v.kind {
	case kindArray:
		return "an array of " + plural(len(v.items), "item")
	case kindObject:
		return "an object of " + plural(len(v.members), "member")
	case kindString:
		return cut(quote(v.text), maxShown)
	}
	return cut(v.text, maxShown)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// describeKinds says "a string or null".
func describeKinds(k kinds) string {
	if k&kindsAll == kindsAll {
		return "a value"
	}
	if k.has(kindNumber) {
		k &^= kindInteger
	}
	var words []string
	for _, one := range []struct {
		kind kinds
		word string
	}{{kindString, "a string"}, {kindInteger, "an integer"}, {kindNumber, "a number"}, {kindBoolean, "true or false"},
		{kindArray, "an array"}, {kindObject, "an object"}, {kindNull, "null"}} {
		if k.has(one.kind) {
			words = append(words, one.word)
		}
	}
	return strings.Join(words, " or ")
}

// oneOf lists values, not all of them if they are many.
func oneOf(values []*value) string {
	const most = 12
	var words []string
	for i, v := range values {
		if i == most {
			words = append(words, fmt.Sprintf("… (%d in all)", len(values)))
			break
		}
		words = append(words, brief(v, maxShown))
	}
	if len(words) == 1 {
		return words[0]
	}
	return "one of " + strings.Join(words, ", ")
}

// ruleText is a keyword as the schema spells it.
func ruleText(rules []member, name string) string {
	for _, r := range rules {
		if r.name == name {
			return brief(r.value, 200)
		}
	}
	return ""
}
