package convert_test

import (
	"fmt"

	"pgregory.net/rapid"
)

// tangler draws small schemas that are mostly references: to the whole, to
// definitions, to parts of each other, in every keyword that takes a schema.
type tangler struct {
	t    *rapid.T
	fuel int
	defs int
}

// tangled draws the input schema of a tool.
func tangled(t *rapid.T) map[string]any {
	c := &tangler{t: t, fuel: rapid.IntRange(4, 80).Draw(t, "fuel"), defs: rapid.IntRange(0, 6).Draw(t, "definitions")}
	root := c.parts(0)
	if c.defs > 0 {
		defs := map[string]any{}
		for i := range c.defs {
			defs[fmt.Sprint("d", i)] = c.schema(1)
		}
		root["$defs"] = defs
	}
	return root
}

func (c *tangler) pick(n int) int { return rapid.IntRange(0, n-1).Draw(c.t, "pick") }

// schema is a reference, a scalar, or something of several parts.
func (c *tangler) schema(depth int) any {
	if c.fuel--; c.fuel < 0 || depth > 8 {
		return c.leaf()
	}
	if c.pick(5) == 0 {
		return c.leaf()
	}
	return c.parts(depth)
}

func (c *tangler) leaf() any {
	if c.pick(4) == 0 {
		return rapid.SampledFrom([]any{true, map[string]any{}, map[string]any{"type": "string"}, map[string]any{"enum": []any{"a", "b"}}, map[string]any{"type": "object"}}).Draw(c.t, "scalar")
	}
	return map[string]any{"$ref": c.target()}
}

func (c *tangler) target() string {
	targets := []string{"#", "#", "#/properties/a", "#/properties/b", "#/allOf/0", "#/anyOf/0"}
	for i := range c.defs {
		targets = append(targets, fmt.Sprint("#/$defs/d", i), fmt.Sprint("#/$defs/d", i))
	}
	return rapid.SampledFrom(targets).Draw(c.t, "target")
}

// parts has one to three keywords that hold schemas.
func (c *tangler) parts(depth int) map[string]any {
	s := map[string]any{}
	for range 1 + c.pick(3) {
		c.keyword(s, depth+1)
	}
	return s
}

func (c *tangler) keyword(s map[string]any, depth int) {
	switch name := rapid.SampledFrom([]string{
		"allOf", "allOf", "anyOf", "oneOf", "properties", "properties", "properties", "$ref",
		"not", "if", "then", "else", "items", "prefixItems", "contains", "patternProperties",
		"additionalProperties", "propertyNames", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems",
	}).Draw(c.t, "keyword"); name {
	case "allOf", "anyOf", "oneOf", "prefixItems":
		list := make([]any, 1+c.pick(3))
		for i := range list {
			list[i] = c.schema(depth)
		}
		s[name] = list
	case "properties", "patternProperties", "dependentSchemas":
		members := map[string]any{}
		for range 1 + c.pick(3) {
			members[rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(c.t, "name")] = c.schema(depth)
		}
		s[name] = members
	case "$ref":
		s[name] = c.target()
	default:
		s[name] = c.schema(depth)
	}
}
