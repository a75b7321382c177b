package strictrules

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Refusal words the first violation as the API does when it refuses a request
// because of a function.
func Refusal(name string, violations []Violation) string {
	if len(violations) == 0 {
		return ""
	}
	first := violations[0]
	switch first.Rule {
	case RuleName, RuleCount:
		return fmt.Sprintf("Invalid 'tools': %s", first.Text)
	}
	return fmt.Sprintf("Invalid schema for function '%s': In context=%s, %s", name, context(first.Path), first.Text)
}

// context writes a JSON pointer as the API does, as a Python tuple.
func context(pointer string) string {
	if pointer == "" {
		return "()"
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, token := range tokens {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		tokens[i] = "'" + strings.ReplaceAll(token, "'", `\'`) + "'"
	}
	if len(tokens) == 1 {
		return "(" + tokens[0] + ",)"
	}
	return "(" + strings.Join(tokens, ", ") + ")"
}

// longestQuote is how much of somebody else's text a message repeats, in bytes.
const longestQuote = 80

func quote(s string) string {
	if len(s) > longestQuote {
		cut := longestQuote
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "..."
	}
	return strconv.Quote(s)
}

// show is a value for a message.
func (n *node) show() string {
	switch {
	case n == nil:
		return `"None"`
	case n.kind == text:
		return quote(n.text())
	case n.kind == object:
		return fmt.Sprintf("an object of %d members", len(n.members))
	case n.kind == array && len(n.items) > 3:
		return fmt.Sprintf("an array of %d items", len(n.items))
	case n.kind == array:
		shown := make([]string, len(n.items))
		for i := range n.items {
			shown[i] = n.items[i].show()
		}
		return "[" + strings.Join(shown, ", ") + "]"
	}
	return n.raw[:min(len(n.raw), longestQuote)]
}
