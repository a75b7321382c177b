package convert_test

import (
	"encoding/json"
	"fmt"
	"strings"
)

// builtCases are those at the limits of the strict subset, just over them, and
// far beyond what an honest server sends.
func builtCases() []testCase {
	yes := true
	return []testCase{
		{Name: "5,000 properties", Strict: &yes, Tool: built(object(5000, 4, `{"type":"string"}`)), Valid: raws(`{}`, `{"p0000":"x","p4999":"y"}`)},
		{Name: "5,001 properties", Tool: built(object(5001, 4, `{"type":"string"}`)), Valid: raws(`{}`, `{"p0000":"x","p5000":"y"}`)},
		{Name: "10,000 properties", Tool: built(object(10_000, 5, `{"type":"integer"}`)), Valid: raws(`{}`, `{"p09999":1}`)},
		{Name: "120,001 characters of names", Tool: built(object(1200, 100, `{"type":"boolean"}`)), Valid: raws(`{}`, `{"p`+fmt.Sprintf("%0100d", 7)+`":true}`)},
		{Name: "1,000 enum values", Strict: &yes, Tool: built(enum(1000, 5)), Valid: raws(`{"e":"v00999"}`)},
		{Name: "1,001 enum values", Strict: &yes, Tool: built(enum(1001, 5)), Valid: raws(`{"e":"v01000"}`), Invalid: invalid(`{"e":"v01001"}`, "e")},
		{Name: "251 enum values of 15,311 characters", Strict: &yes, Tool: built(enum(251, 60)), Valid: raws(`{"e":"v` + fmt.Sprintf("%060d", 250) + `"}`)},
		{Name: "50 enums of 100 values", Strict: &yes, Tool: built(enums(50, 100)), Valid: raws(`{}`, `{"e49":"v99"}`), Invalid: invalid(`{"e49":"v100"}`, "e49")},
		{Name: "an enum of 20,000 values", Strict: &yes, Tool: built(enum(20_000, 12)), Valid: raws(`{"e":"v000000019999"}`)},
		{Name: "60 levels", Tool: built(nested(60, `{"type":"string"}`)), Valid: raws(strings.Repeat(`{"d":`, 60) + `"x"` + strings.Repeat(`}`, 60))},
		{Name: "5,000 levels", MayRefuse: true, Tool: built(nested(5000, `{"type":"string"}`))},
		{Name: "100,000 levels of brackets", MayRefuse: true, Tool: built(`{"type":"object","properties":{"a":{"default":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}}}`)},
		{Name: "30 definitions that double", Tool: built(doubling(30, `{"type":"object","properties":{"l":{"$ref":"#/$defs/%[1]s"},"r":{"$ref":"#/$defs/%[1]s"}}}`)), Valid: raws(`{}`, `{"v":{"l":{"r":{}}}}`)},
		{Name: "30 definitions that double by allOf", Tool: built(doubling(30, `{"allOf":[{"$ref":"#/$defs/%[1]s"},{"$ref":"#/$defs/%[1]s"}]}`)), Valid: raws(`{}`)},
		{Name: "30 definitions that double by anyOf", Tool: built(doubling(30, `{"anyOf":[{"$ref":"#/$defs/%[1]s"},{"type":"array","items":{"$ref":"#/$defs/%[1]s"}}]}`)), Valid: raws(`{}`)},
		{Name: "30 definitions that triple by oneOf", Tool: built(doubling(30, `{"oneOf":[{"$ref":"#/$defs/%[1]s"},{"$ref":"#/$defs/%[1]s"},{"$ref":"#/$defs/%[1]s"}]}`)), Valid: raws(`{}`)},
		{Name: "a product of unions of objects", Tool: built(product(20, 4)), Valid: raws(`{}`)},
		{Name: "2,000 branches", Tool: built(branches(2000)), Valid: raws(`{}`, `{"v":{"k0":"x"}}`, `{"v":{"k1999":"x"}}`)},
		{Name: "2,000 definitions in a ring", Tool: built(ring(2000)), Valid: raws(`{}`, `{"v":{"next":{"next":{}}}}`)},
		{Name: "a description of 1 MiB", Strict: &yes, MayRefuse: true, Tool: built(`{"type":"object","properties":{"v":{"type":"string","description":"` + strings.Repeat("words ", 170_000) + `"}}}`), Valid: raws(`{"v":"x"}`)},
		{Name: "a schema of 1 MiB", MayRefuse: true, Tool: built(object(400, 4, object(40, 4, `{"type":["string","null"],"minLength":1,"description":"what it is"}`))), Valid: raws(`{}`)},
		{Name: "a pattern of 100 KB", MayRefuse: true, Tool: built(`{"type":"object","properties":{"v":{"type":"string","pattern":"` + strings.Repeat("(a|b)?", 17_000) + `"}}}`)},
		{Name: "a required list of 10,000", Tool: built(`{"type":"object","properties":{"v":{"type":"string"}},"required":["v"` + strings.Repeat(`,"v"`, 10_000) + `]}`), Valid: raws(`{"v":"x"}`)},
	}
}

func built(schema string) tool {
	return tool{Name: "built", InputSchema: json.RawMessage(schema)}
}

func raws(texts ...string) []json.RawMessage {
	out := make([]json.RawMessage, len(texts))
	for i := range texts {
		out[i] = json.RawMessage(texts[i])
	}
	return out
}

func invalid(arguments, names string) []struct {
	Arguments json.RawMessage
	Names     string
} {
	return []struct {
		Arguments json.RawMessage
		Names     string
	}{{json.RawMessage(arguments), names}}
}

// object has n optional properties whose names have so many digits.
func object(n, digits int, property string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"p%0*d":%s`, digits, i, property)
	}
	return `{"type":"object","properties":{` + strings.Join(list, ",") + `}}`
}

func values(n, digits int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"v%0*d"`, digits, i)
	}
	return strings.Join(list, ",")
}

func enum(n, digits int) string {
	return `{"type":"object","properties":{"e":{"type":"string","enum":[` + values(n, digits) + `]}},"required":["e"]}`
}

func enums(n, each int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"e%d":{"type":"string","enum":[%s]}`, i, values(each, 1))
	}
	return `{"type":"object","properties":{` + strings.Join(list, ",") + `}}`
}

func nested(levels int, inner string) string {
	return strings.Repeat(`{"type":"object","properties":{"d":`, levels) + inner + strings.Repeat(`}}`, levels)
}

// doubling has n definitions, each made of the next by the form.
func doubling(n int, form string) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"d%d":`, i)+fmt.Sprintf(form, fmt.Sprintf("d%d", i+1)))
	}
	list = append(list, fmt.Sprintf(`"d%d":{"type":"object","properties":{"x":{"type":"string"}}}`, n))
	return `{"type":"object","properties":{"v":{"$ref":"#/$defs/d0"}},"$defs":{` + strings.Join(list, ",") + `}}`
}

// product is an allOf of n unions of so many objects each.
func product(n, each int) string {
	var unions []string
	for i := range n {
		var list []string
		for j := range each {
			list = append(list, fmt.Sprintf(`{"type":"object","properties":{"u%dv%d":{"type":"string"}},"required":["u%dv%d"]}`, i, j, i, j))
		}
		unions = append(unions, `{"anyOf":[`+strings.Join(list, ",")+`]}`)
	}
	return `{"type":"object","properties":{"v":{"allOf":[` + strings.Join(unions, ",") + `]}}}`
}

func branches(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"type":"object","properties":{"k%d":{"type":"string"}},"required":["k%d"],"additionalProperties":false}`, i, i)
	}
	return `{"type":"object","properties":{"v":{"anyOf":[` + strings.Join(list, ",") + `]}}}`
}

func ring(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"d%d":{"type":"object","properties":{"next":{"$ref":"#/$defs/d%d"}}}`, i, (i+1)%n)
	}
	return `{"type":"object","properties":{"v":{"$ref":"#/$defs/d0"}},"$defs":{` + strings.Join(list, ",") + `}}`
}
