package convert_test

import "maps"

// An object that declares properties and does not mention others counts as closed:
// arguments with more than it declares have no place in the converted form. JSON
// Schema has a keyword for just that, unevaluatedProperties, which looks through
// unions, references and conditions at those that hold.

// closedForm is the schema with that keyword wherever a value begins that may be
// such an object. It has no $schema: the drafts before 2019-09 do not know the
// keyword, and mean the same by most others.
func closedForm(schema, root any) any {
	s, ok := schema.(map[string]any)
	if !ok {
		return schema
	}
	out := closedWithin(s, root)
	delete(out, "$schema")
	if declares(s, root, 0) {
		out["unevaluatedProperties"] = false
	}
	return out
}

// closedWithin closes the values inside a schema, not the value it is about.
func closedWithin(s map[string]any, root any) map[string]any {
	out := maps.Clone(s)
	for name, value := range s {
		switch name {
		case "items", "additionalProperties", "additionalItems":
			out[name] = eachOf(value, func(v any) any { return closedForm(v, root) })
		case "properties", "patternProperties":
			out[name] = memberOf(value, func(v any) any { return closedForm(v, root) })
		case "allOf", "anyOf", "oneOf", "not", "if", "then", "else":
			out[name] = eachOf(value, func(v any) any { return within(v, root) })
		case "$defs", "definitions", "dependentSchemas":
			out[name] = memberOf(value, func(v any) any { return within(v, root) })
		}
	}
	if places, there := s["prefixItems"]; there { // as 2019-09 spells it
		out["items"] = eachOf(places, func(v any) any { return closedForm(v, root) })
		delete(out, "prefixItems")
		if rest, there := s["items"]; there {
			out["additionalItems"] = closedForm(rest, root)
		}
	}
	return out
}

func within(v, root any) any {
	if s, ok := v.(map[string]any); ok {
		return closedWithin(s, root)
	}
	return v
}

func eachOf(v any, do func(any) any) any {
	list, ok := v.([]any)
	if !ok {
		return do(v)
	}
	out := make([]any, len(list))
	for i := range list {
		out[i] = do(list[i])
	}
	return out
}

func memberOf(v any, do func(any) any) any {
	members, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for name, value := range members {
		out[name] = do(value)
	}
	return out
}

// declares tells whether a schema, or one that speaks of the same value, lists
// properties.
func declares(schema, root any, depth int) bool {
	s, ok := schema.(map[string]any)
	if !ok || depth > 20 {
		return false
	}
	if properties, _ := s["properties"].(map[string]any); len(properties) > 0 {
		return true
	}
	if ref, ok := s["$ref"].(string); ok {
		if target, ok := pointed(root, ref); ok && declares(target, root, depth+1) {
			return true
		}
	}
	found := false
	for _, name := range []string{"allOf", "anyOf", "oneOf", "if", "then", "else"} {
		eachOf(s[name], func(v any) any {
			found = found || declares(v, root, depth+1)
			return v
		})
	}
	return found
}
