package restmount

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	// What of one operation's schemas is taken at most.
	maxSchemaNodes = 20_000
	maxSchemaDepth = 100
	maxInput       = 512 << 10 // bytes
	// maxNote bounds a description inside of a schema, maxExample an example, in bytes.
	maxNote    = 600
	maxExample = 200
)

// object is a JSON object in the making. It is written with its names in order.
type object map[string]any

// schemas writes JSON Schemas (2020-12) of those of a document: for what is sent to the
// API, so that what only comes from it is left out.
type schemas struct {
	names map[*openapi3.Schema]string // of those that are referred to
	taken map[string]bool
	defs  object
	nodes int
}

func newSchemas() *schemas {
	return &schemas{names: map[*openapi3.Schema]string{}, taken: map[string]bool{}, defs: object{}}
}

// of writes a schema, or a reference to it.
func (s *schemas) of(ref *openapi3.SchemaRef, depth int) (any, error) {
	if s.nodes++; s.nodes > maxSchemaNodes {
		return nil, fmt.Errorf("its input has more than %d schemas", maxSchemaNodes)
	}
	if depth > maxSchemaDepth {
		return nil, fmt.Errorf("its input is nested more than %d deep", maxSchemaDepth)
	}
	if ref == nil || ref.Value == nil {
		return nil, errors.New("a schema of its input refers to nothing")
	}
	if ref.Ref == "" {
		return s.plain(ref.Value, depth)
	}
	name, known := s.names[ref.Value]
	if !known {
		name = s.nameFor(ref.Ref)
		s.names[ref.Value] = name
		written, err := s.plain(ref.Value, depth)
		if err != nil {
			return nil, err
		}
		s.defs[name] = written
	}
	return object{"$ref": "#/$defs/" + name}, nil
}

// nameFor makes a name of the last part of a reference.
func (s *schemas) nameFor(ref string) string {
	ref = ref[strings.LastIndexAny(ref, "/#")+1:]
	base := legalName(ref)
	if base == "" {
		base = "schema"
	}
	name := base
	for i := 2; s.taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	s.taken[name] = true
	return name
}

// plain writes a schema itself.
func (s *schemas) plain(v *openapi3.Schema, depth int) (any, error) {
	if v.Always != nil {
		return *v.Always, nil
	}
	out := object{}
	s.values(v, out)
	words(v, out)
	// In one order, always: names of references follow from it.
	for _, k := range []struct {
		name string
		list openapi3.SchemaRefs
	}{{"oneOf", v.OneOf}, {"anyOf", v.AnyOf}, {"allOf", v.AllOf}, {"prefixItems", v.PrefixItems}} {
		if err := s.list(out, k.name, k.list, depth); err != nil {
			return nil, err
		}
	}
	for _, k := range []struct {
		name string
		one  *openapi3.SchemaRef
	}{{"not", v.Not}, {"items", v.Items}, {"contains", v.Contains}, {"propertyNames", v.PropertyNames}, {"if", v.If}, {"then", v.Then}, {"else", v.Else},
		{"additionalProperties", v.AdditionalProperties.Schema}} {
		if err := s.one(out, k.name, k.one, depth); err != nil {
			return nil, err
		}
	}
	if has := v.AdditionalProperties.Has; has != nil {
		out["additionalProperties"] = *has
	}
	for _, k := range []struct {
		name    string
		members openapi3.Schemas
	}{{"properties", v.Properties}, {"patternProperties", v.PatternProperties}, {"dependentSchemas", v.DependentSchemas}} {
		if err := s.members(out, k.name, k.members, depth); err != nil {
			return nil, err
		}
	}
	if required := requiredOf(v); len(required) > 0 {
		out["required"] = required
	}
	if len(v.DependentRequired) > 0 {
		out["dependentRequired"] = v.DependentRequired
	}
	return nullable(v, out), nil
}

func (s *schemas) list(out object, name string, list openapi3.SchemaRefs, depth int) error {
	if len(list) == 0 {
		return nil
	}
	written := make([]any, len(list))
	for i, one := range list {
		var err error
		if written[i], err = s.of(one, depth+1); err != nil {
			return err
		}
	}
	out[name] = written
	return nil
}

func (s *schemas) one(out object, name string, one *openapi3.SchemaRef, depth int) error {
	if one == nil {
		return nil
	}
	written, err := s.of(one, depth+1)
	out[name] = written
	return err
}

// members leaves out what only comes from the API.
func (s *schemas) members(out object, name string, all openapi3.Schemas, depth int) error {
	if len(all) == 0 {
		return nil
	}
	written := object{}
	for _, member := range slices.Sorted(maps.Keys(all)) {
		if readOnly(all[member]) {
			continue
		}
		var err error
		if written[member], err = s.of(all[member], depth+1); err != nil {
			return err
		}
	}
	out[name] = written
	return nil
}

func readOnly(ref *openapi3.SchemaRef) bool {
	return ref != nil && ref.Value != nil && ref.Value.ReadOnly
}

// requiredOf are the required members without those that only come from the API.
func requiredOf(v *openapi3.Schema) []string {
	required := slices.DeleteFunc(slices.Clone(v.Required), func(name string) bool { return readOnly(v.Properties[name]) })
	slices.Sort(required)
	return slices.Compact(required)
}

// values writes what bounds a value.
func (s *schemas) values(v *openapi3.Schema, out object) {
	set := func(name string, isSet bool, value any) {
		if isSet {
			out[name] = value
		}
	}
	set("type", v.Type != nil && len(v.Type.Slice()) > 0, v.Type)
	set("format", v.Format != "", v.Format)
	set("enum", len(v.Enum) > 0, v.Enum)
	set("const", v.Const != nil, v.Const)
	set("default", v.Default != nil, v.Default)
	set("minimum", v.Min != nil, v.Min)
	set("maximum", v.Max != nil, v.Max)
	exclusive(out, "exclusiveMinimum", "minimum", v.ExclusiveMin)
	exclusive(out, "exclusiveMaximum", "maximum", v.ExclusiveMax)
	set("multipleOf", v.MultipleOf != nil && *v.MultipleOf > 0, v.MultipleOf)
	set("minLength", v.MinLength > 0, v.MinLength)
	set("maxLength", v.MaxLength != nil, v.MaxLength)
	set("minItems", v.MinItems > 0, v.MinItems)
	set("maxItems", v.MaxItems != nil, v.MaxItems)
	set("uniqueItems", v.UniqueItems, true)
	set("minProperties", v.MinProps > 0, v.MinProps)
	set("maxProperties", v.MaxProps != nil, v.MaxProps)
	set("minContains", v.MinContains != nil, v.MinContains)
	set("maxContains", v.MaxContains != nil, v.MaxContains)
	set("deprecated", v.Deprecated, true)
	if v.UnevaluatedProperties.Has != nil {
		out["unevaluatedProperties"] = *v.UnevaluatedProperties.Has
	}
	if v.Pattern != "" && checkable(v.Pattern) {
		out["pattern"] = v.Pattern
	}
}

// checkable: patterns are JavaScript's, and some of them no Go program can read. Those
// are said in words.
func checkable(pattern string) bool {
	_, err := regexp.Compile(pattern)
	return err == nil
}

// exclusive is a number from 3.1 on; before, it says that the bound itself is none.
func exclusive(out object, name, bound string, b openapi3.ExclusiveBound) {
	switch {
	case b.Value != nil:
		out[name] = *b.Value
	case b.Bool != nil && *b.Bool && out[bound] != nil:
		out[name] = out[bound]
		delete(out, bound)
	}
}

// words writes what is for reading.
func words(v *openapi3.Schema, out object) {
	text := tidy(v.Description, maxNote)
	if v.Pattern != "" && !checkable(v.Pattern) {
		text = strings.TrimSpace(text + " Matches the pattern " + tidy(v.Pattern, maxExample) + ".")
	}
	if text != "" {
		out["description"] = text
	}
	example := v.Example
	if example == nil && len(v.Examples) > 0 {
		example = v.Examples[0]
	}
	if raw, err := json.Marshal(example); example != nil && err == nil && len(raw) <= maxExample {
		out["examples"] = []any{json.RawMessage(raw)}
	}
}

// nullable is how 3.0 says that a value may be null.
func nullable(v *openapi3.Schema, out object) any {
	if !v.Nullable {
		return out
	}
	if len(v.Enum) > 0 && !slices.Contains(v.Enum, nil) {
		out["enum"] = append(slices.Clone(v.Enum), nil)
	}
	if v.Type != nil && len(v.Type.Slice()) > 0 {
		if !v.Type.Includes("null") {
			out["type"] = append(slices.Clone(v.Type.Slice()), "null")
		}
		return out
	}
	if len(v.AllOf)+len(v.AnyOf)+len(v.OneOf) > 0 {
		note, has := out["description"]
		delete(out, "description")
		either := object{"anyOf": []any{out, object{"type": "null"}}}
		if has {
			either["description"] = note
		}
		return either
	}
	return out
}
