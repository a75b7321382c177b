package policy

import (
	"encoding/json"
	"math"
	"strings"
)

// plain gives decoded arguments with numbers as CEL counts: whole ones that fit as int64,
// others as float64.
func plain(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = plain(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = plain(element)
		}
		return out
	case json.Number:
		return number(v)
	}
	return value
}

// number reads a number. 1e3 and 1000.0 are as whole as 1000: a rule that compares an
// amount must not be passed by by writing it otherwise.
func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		if strings.HasPrefix(string(n), "-") {
			return math.Inf(-1)
		}
		return math.Inf(1)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return f
}

// texts gives every text in decoded arguments, names of members too.
func texts(value any, each func(text string)) {
	switch v := value.(type) {
	case string:
		each(v)
	case []any:
		for _, element := range v {
			texts(element, each)
		}
	case map[string]any:
		for name, member := range v {
			each(name)
			texts(member, each)
		}
	}
}

// member is a text in arguments, "" if there is none.
func member(arguments any, name string) string {
	object, _ := arguments.(map[string]any)
	text, _ := object[name].(string)
	return strings.TrimSpace(text)
}
