package guard

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// formats say in words what a format asks for.
var formats = map[string]string{
	"email":     "an email address",
	"date-time": "a date and time such as \"2026-01-31T09:00:00Z\"",
	"date":      "a date such as \"2026-01-31\"",
	"time":      "a time such as \"09:00:00Z\"",
	"duration":  "a duration such as \"P1DT12H\"",
	"uri":       "a URI such as \"https://example.com/a\"",
	"uuid":      "a UUID",
	"hostname":  "a host name",
	"ipv4":      "an IPv4 address",
	"ipv6":      "an IPv6 address",
}

// maxNested is how deep alternatives of alternatives are described.
const maxNested = 3

// describe says in a few words what a schema accepts, "" if that takes more than
// a few.
func describe(schema any) string { return describeAt(schema, 0) }

func describeAt(schema any, depth int) string {
	s, _ := schema.(map[string]any)
	if value, ok := s["const"]; ok {
		return "exactly " + cut(spell(value), maxExpected)
	}
	if values, ok := s["enum"].([]any); ok {
		return "one of " + choices(values)
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if branches, ok := s[keyword].([]any); ok {
			return alternatives(branches, depth+1)
		}
	}
	var words []string
	for _, name := range types(s) {
		words = append(words, describeType(name, s))
	}
	return strings.Join(words, " or ")
}

func choices(values []any) string {
	var words []string
	for i, value := range values {
		if i == maxNames {
			words = append(words, "…")
			break
		}
		words = append(words, cut(spell(value), maxName))
	}
	return strings.Join(words, ", ")
}

func alternatives(branches []any, depth int) string {
	if depth > maxNested || len(branches) > maxNames {
		return ""
	}
	var words []string
	for _, branch := range branches {
		text := describeAt(branch, depth)
		if text == "" {
			return ""
		}
		words = append(words, text)
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), " or ")
}

// types are the type names of a schema, one or several.
func types(s map[string]any) []string {
	switch t := s["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var all []string
		for _, item := range t {
			if name, ok := item.(string); ok {
				all = append(all, name)
			}
		}
		return all
	}
	return nil
}

func describeType(name string, s map[string]any) string {
	switch name {
	case "string":
		return describeString(s)
	case "integer":
		return "an integer" + numberBounds(s)
	case "number":
		return "a number" + numberBounds(s)
	case "boolean":
		return "true or false"
	case "array":
		return "an array" + span(" of ", s["minItems"], s["maxItems"], "items")
	case "object":
		return "an object"
	}
	return name
}

func describeString(s map[string]any) string {
	format, _ := s["format"].(string)
	text := cmp.Or(formats[format], "a string")
	text += span(" of ", s["minLength"], s["maxLength"], "characters")
	if pattern, ok := s["pattern"].(string); ok {
		text += " that matches " + cut(pattern, maxName)
	}
	return text
}

func numberBounds(s map[string]any) string {
	text := span(" of ", s["minimum"], s["maximum"], "")
	if above, ok := s["exclusiveMinimum"].(json.Number); ok {
		text += " above " + above.String()
	}
	if below, ok := s["exclusiveMaximum"].(json.Number); ok {
		text += " below " + below.String()
	}
	if step, ok := s["multipleOf"].(json.Number); ok {
		text += " that is a multiple of " + step.String()
	}
	return text
}

// span says "at least 1", "at most 9" or "1 to 9", with a unit, "" without bounds.
func span(lead string, least, most any, unit string) string {
	from, hasFrom := least.(json.Number)
	to, hasTo := most.(json.Number)
	if unit != "" {
		unit = " " + unit
	}
	switch {
	case hasFrom && hasTo && from == to:
		return fmt.Sprintf("%sexactly %s%s", lead, from, unit)
	case hasFrom && hasTo:
		return fmt.Sprintf("%s%s to %s%s", lead, from, to, unit)
	case hasFrom:
		return fmt.Sprintf("%sat least %s%s", lead, from, unit)
	case hasTo:
		return fmt.Sprintf("%sat most %s%s", lead, to, unit)
	}
	return ""
}
