package guard

import (
	"encoding/json"
	"math/big"
	"regexp/syntax"
	"strings"
)

// example makes arguments that fit the schema: the required members, and those
// the caller gave, so that it sees how they should have looked. The values are
// the schema's own examples where there are any, never the caller's. Whatever
// comes out is checked; an example that does not fit is not shown.
func (in *input) example(given any) (any, bool) {
	if in.compiled == nil {
		return nil, false
	}
	for _, like := range []any{given, nil} {
		made := sample{root: in.schema, left: maxSamples}
		value := made.of(in.schema, like, 0)
		// Like what callers send: numbers as json.Number.
		plain, err := decode(json.RawMessage(spell(value)))
		if err == nil && in.validate(plain) == nil {
			return value, true
		}
	}
	return nil, false
}

// maxSamples is how many values an example is made of at most. A schema that asks
// for itself in many members would otherwise take that number to the power of the
// depth.
const maxSamples = 1000

// sample makes values for the schemas of one document.
type sample struct {
	root any
	left int
}

func (m *sample) of(schema, given any, depth int) any {
	s, _ := schema.(map[string]any)
	if m.left--; m.left < 0 || depth > maxDepth/8 {
		return nil // a schema that contains itself
	}
	if ref, ok := s["$ref"].(string); ok && strings.HasPrefix(ref, "#") {
		return m.of(at(m.root, pointer(ref)), given, depth+1)
	}
	if value, ok := stated(s); ok {
		return value
	}
	for _, keyword := range []string{"anyOf", "oneOf", "allOf"} {
		if branches, ok := s[keyword].([]any); ok && len(branches) > 0 {
			return m.of(branches[0], given, depth+1)
		}
	}
	for _, name := range types(s) {
		switch name {
		case "object":
			return m.object(s, given, depth)
		case "array":
			return m.array(s, given, depth)
		case "string":
			return sampleString(s)
		case "integer", "number":
			return sampleNumber(s)
		case "boolean":
			return true
		}
	}
	return nil
}

// stated is a value that the schema itself gives.
func stated(s map[string]any) (any, bool) {
	for _, keyword := range []string{"examples", "enum"} {
		if values, ok := s[keyword].([]any); ok && len(values) > 0 {
			return values[0], true
		}
	}
	for _, keyword := range []string{"const", "default"} {
		if value, ok := s[keyword]; ok {
			return value, true
		}
	}
	return nil, false
}

func (m *sample) object(s map[string]any, given any, depth int) any {
	members := map[string]any{}
	properties, _ := s["properties"].(map[string]any)
	like, _ := given.(map[string]any)
	for name := range like {
		if schema, ok := properties[name]; ok {
			members[name] = m.of(schema, like[name], depth+1)
		}
	}
	required, _ := s["required"].([]any)
	for _, item := range required {
		if name, ok := item.(string); ok && members[name] == nil {
			members[name] = m.of(properties[name], nil, depth+1)
		}
	}
	return members
}

func (m *sample) array(s map[string]any, given any, depth int) any {
	var like any
	if items, ok := given.([]any); ok && len(items) > 0 {
		like = items[0]
	}
	count := max(1, whole(s["minItems"]))
	items := make([]any, 0, min(count, maxNames))
	for range min(count, maxNames) {
		items = append(items, m.of(s["items"], like, depth+1))
	}
	return items
}

// whole is a JSON number as an int, 0 if it is none.
func whole(number any) int {
	n, _ := number.(json.Number)
	i, _ := n.Int64()
	return int(i)
}

var sampleFormats = map[string]string{
	"email":     "ada@example.com",
	"date-time": "2026-01-31T09:00:00Z",
	"date":      "2026-01-31",
	"time":      "09:00:00Z",
	"duration":  "P1D",
	"uri":       "https://example.com",
	"uuid":      "3f0c8a52-5d0e-4b7a-9c39-2f6d1b7e8a10",
	"hostname":  "example.com",
	"ipv4":      "192.0.2.1",
	"ipv6":      "2001:db8::1",
}

func sampleString(s map[string]any) string {
	if format, ok := s["format"].(string); ok && sampleFormats[format] != "" {
		return sampleFormats[format]
	}
	if pattern, ok := s["pattern"].(string); ok {
		if parsed, err := syntax.Parse(pattern, syntax.Perl); err == nil {
			return matching(parsed)
		}
	}
	text := "text"
	if n := whole(s["minLength"]); n > len(text) && n <= maxName {
		text = strings.Repeat("x", n)
	}
	if n, ok := s["maxLength"].(json.Number); ok && whole(n) < len(text) {
		text = text[:max(0, whole(n))]
	}
	return text
}

// sampleNumber is 1 where it fits, else the bound that is nearest to it.
func sampleNumber(s map[string]any) json.Number {
	one := big.NewRat(1, 1)
	if step := rational(s["multipleOf"]); step != nil {
		return s["multipleOf"].(json.Number)
	}
	if least := rational(s["minimum"]); least != nil && least.Cmp(one) > 0 {
		return s["minimum"].(json.Number)
	}
	if most := rational(s["maximum"]); most != nil && most.Cmp(one) < 0 {
		return s["maximum"].(json.Number)
	}
	if above := rational(s["exclusiveMinimum"]); above != nil && above.Cmp(one) >= 0 {
		return json.Number(above.Add(above, one).FloatString(0))
	}
	return "1"
}

func rational(number any) *big.Rat {
	n, ok := number.(json.Number)
	if !ok {
		return nil
	}
	r, _ := new(big.Rat).SetString(string(n))
	return r
}

// matching makes a short text that matches a regular expression.
func matching(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return string(friendly(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCapture, syntax.OpPlus:
		return matching(re.Sub[0])
	case syntax.OpRepeat:
		return strings.Repeat(matching(re.Sub[0]), min(re.Min, maxName))
	case syntax.OpConcat:
		var b strings.Builder
		for _, part := range re.Sub {
			b.WriteString(matching(part))
		}
		return b.String()
	case syntax.OpAlternate:
		return matching(re.Sub[0])
	}
	return "" // anchors, and what may be left out
}

// friendly picks a letter or digit from the ranges of a class, if it has one.
func friendly(ranges []rune) rune {
	for _, liked := range "aA1" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= liked && liked <= ranges[i+1] {
				return liked
			}
		}
	}
	if len(ranges) == 0 {
		return 'x'
	}
	return ranges[0]
}
