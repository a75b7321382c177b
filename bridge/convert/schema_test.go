package convert_test

import (
	"encoding/json"
	"fmt"

	"pgregory.net/rapid"
)

// composer draws whole schemas: every keyword with every other, in few names, so
// that things meet.
type composer struct {
	t    *rapid.T
	fuel int
	defs int
}

// composed draws the input schema of a tool.
func composed(t *rapid.T) map[string]any {
	c := &composer{t: t, fuel: 25, defs: rapid.IntRange(0, 3).Draw(t, "definitions")}
	root := c.object(0)
	defs := map[string]any{}
	for i := range c.defs {
		defs[fmt.Sprint("d", i)] = c.schema(1)
	}
	if c.defs > 0 {
		root["$defs"] = defs
	}
	if c.chance(5) {
		root[c.one("anyOf", "oneOf", "allOf")] = []any{c.object(1), c.object(1)}
	}
	return root
}

func (c *composer) chance(n int) bool { return rapid.IntRange(0, n-1).Draw(c.t, "chance") == 0 }

func (c *composer) one(of ...string) string { return rapid.SampledFrom(of).Draw(c.t, "one") }

func number(n int) json.Number { return json.Number(fmt.Sprint(n)) }

func (c *composer) schema(depth int) any {
	if c.fuel--; c.fuel < 0 || depth > 6 {
		return map[string]any{"type": c.one("string", "integer", "boolean")}
	}
	switch kind := c.one("scalar", "scalar", "scalar", "enum", "object", "object", "map", "array", "tuple", "union", "allOf", "ref", "any", "types", "not", "if", "const"); kind {
	case "enum", "const":
		return c.fixed(kind)
	case "object":
		return c.object(depth)
	case "map":
		return c.openObject(depth)
	case "array":
		return c.array(depth)
	case "tuple":
		return c.tuple(depth)
	case "union", "allOf", "not", "if":
		return c.combined(kind, depth)
	case "ref":
		return c.ref()
	case "any":
		return rapid.SampledFrom([]any{true, map[string]any{}, map[string]any{"description": "whatever"}}).Draw(c.t, "any")
	case "types":
		return map[string]any{"type": rapid.SampledFrom([]any{[]any{"string", "null"}, []any{"integer", "null"}, []any{"string", "integer"}, []any{"string", "number", "boolean", "null"}}).Draw(c.t, "types")}
	}
	return c.scalar()
}

func (c *composer) scalar() any {
	s := map[string]any{"type": c.one("string", "string", "integer", "number", "boolean", "null")}
	switch s["type"] {
	case "string":
		if c.chance(3) {
			s["minLength"] = number(1)
		}
		if c.chance(3) {
			s["maxLength"] = number(5)
		}
		if c.chance(5) {
			s["pattern"] = c.one("^[a-c]+$", "x", "^a|b$")
		}
		if c.chance(5) {
			s["format"] = c.one("date", "uri", "email", "made-up")
		}
	case "integer", "number":
		if c.chance(3) {
			s["minimum"] = number(rapid.IntRange(-5, 5).Draw(c.t, "minimum"))
		}
		if c.chance(3) {
			s["exclusiveMaximum"] = number(rapid.IntRange(6, 50).Draw(c.t, "maximum"))
		}
		if c.chance(6) {
			s["multipleOf"] = json.Number("0.5")
		}
	}
	if c.chance(3) {
		s["description"] = "about this"
	}
	if c.chance(4) {
		s["default"] = nil
	}
	return s
}

func (c *composer) fixed(kind string) any {
	values := []any{"a", "b", "", "null", "<null>", nil, json.Number("1"), json.Number("2.5"), true, []any{json.Number("1")}, map[string]any{"k": "v"}}
	if kind == "const" {
		return map[string]any{"const": rapid.SampledFrom(values).Draw(c.t, "const")}
	}
	return map[string]any{"enum": rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, 4, canonical).Draw(c.t, "enum")}
}

var names = []string{"a", "b", "c", "type", "key", "value", "$ref"}

func (c *composer) object(depth int) map[string]any {
	properties := map[string]any{}
	required := []any{}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 4, rapid.ID[string]).Draw(c.t, "names") {
		properties[name] = c.schema(depth + 1)
		if c.chance(2) {
			required = append(required, name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "required": required}
	if c.chance(3) {
		s["additionalProperties"] = false
	}
	if c.chance(8) {
		s["additionalProperties"] = c.schema(depth + 1)
	}
	if properties["a"] != nil && properties["b"] != nil && c.chance(4) {
		s["dependentRequired"] = map[string]any{"a": []any{"b"}}
	}
	return s
}

func (c *composer) openObject(depth int) any {
	s := map[string]any{"type": "object"}
	if c.chance(2) {
		s["additionalProperties"] = c.schema(depth + 1)
	}
	if c.chance(4) {
		s["patternProperties"] = map[string]any{"^x": c.schema(depth + 1)}
	}
	if c.chance(4) {
		s["minProperties"] = number(1)
	}
	if c.chance(4) {
		s["propertyNames"] = map[string]any{"maxLength": number(8)}
	}
	return s
}

func (c *composer) array(depth int) any {
	s := map[string]any{"type": "array"}
	if !c.chance(5) {
		s["items"] = c.schema(depth + 1)
	}
	if c.chance(3) {
		s["minItems"] = number(1)
	}
	if c.chance(3) {
		s["maxItems"] = number(3)
	}
	if c.chance(5) {
		s["uniqueItems"] = true
	}
	return s
}

func (c *composer) tuple(depth int) any {
	places := make([]any, rapid.IntRange(1, 3).Draw(c.t, "places"))
	for i := range places {
		places[i] = c.schema(depth + 1)
	}
	s := map[string]any{"type": "array", "prefixItems": places}
	if c.chance(2) {
		s["items"] = rapid.SampledFrom([]any{false, map[string]any{"type": "string"}}).Draw(c.t, "rest")
	}
	if c.chance(2) {
		s["minItems"] = number(1)
	}
	return s
}

func (c *composer) combined(kind string, depth int) any {
	two := []any{c.schema(depth + 1), c.schema(depth + 1)}
	switch kind {
	case "union":
		if c.chance(3) {
			two = append(two, map[string]any{"type": "null"})
		}
		return map[string]any{c.one("anyOf", "oneOf"): two}
	case "allOf":
		return map[string]any{"allOf": two}
	case "not":
		return map[string]any{"type": c.one("string", "integer", "object"), "not": two[0]}
	}
	s := c.object(depth)
	s["properties"].(map[string]any)["a"] = two[0]
	s["properties"].(map[string]any)["b"] = two[1]
	s["if"] = map[string]any{"required": []any{"a"}}
	s["then"] = map[string]any{"required": []any{"b"}}
	return s
}

func (c *composer) ref() any {
	if c.defs == 0 {
		return map[string]any{"$ref": "#"}
	}
	s := map[string]any{"$ref": fmt.Sprint("#/$defs/d", rapid.IntRange(0, c.defs-1).Draw(c.t, "definition"))}
	if c.chance(3) {
		s["description"] = "beside the reference"
	}
	return s
}
