package guard

import (
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"

	"drawbridge/tools"
)

// keywords draws a schema: what has a quick form, and now and then something that has none.
func keywords(levels int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		if rapid.IntRange(0, 15).Draw(t, "bare") == 0 {
			return rapid.Bool().Draw(t, "always")
		}
		s := map[string]any{}
		may := func(name string, one int, draw func() any) {
			if rapid.IntRange(0, one).Draw(t, name+"?") == 0 {
				s[name] = draw()
			}
		}
		count := func() any { return rapid.IntRange(0, 3).Draw(t, "count") }
		number := func() any {
			return json.Number(rapid.SampledFrom([]string{"-1", "0", "1.0", "1.5", "100", "1e2", "9223372036854775807", "1e30"}).Draw(t, "number"))
		}
		may("type", 1, func() any {
			return rapid.SampledFrom([]any{"string", "integer", "number", "boolean", "null", "array", "object", []any{"string", "null"}, []any{"integer", "array"}, []any{"number", "object"}}).Draw(t, "type")
		})
		for _, name := range []string{"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"} {
			may(name, 5, count)
		}
		for _, name := range []string{"minimum", "maximum"} {
			may(name, 4, number)
		}
		may("enum", 5, func() any {
			return rapid.SampledFrom([]any{[]any{"a", "ab"}, []any{"a", nil}, []any{json.Number("1")}, []any{}}).Draw(t, "enum")
		})
		may("pattern", 5, func() any { return rapid.SampledFrom([]string{"^a", "[0-9]{2}", "b$"}).Draw(t, "pattern") })
		may("format", 5, func() any { return rapid.SampledFrom([]string{"email", "date", "no-such-format"}).Draw(t, "format") })
		may("required", 5, func() any {
			return rapid.SliceOfNDistinct(rapid.SampledFrom([]any{"a", "b"}), 0, 2, rapid.ID[any]).Draw(t, "required")
		})
		rare := func(name string, draw func() any) { may(name, 40, draw) }
		rare("const", func() any { return "a" })
		rare("uniqueItems", func() any { return true })
		rare("multipleOf", func() any { return json.Number("2") })
		rare("exclusiveMinimum", number)
		rare("exclusiveMaximum", number)
		rare("contentEncoding", func() any { return "base64" })
		rare("contentMediaType", func() any { return "application/json" })
		rare("dependentRequired", func() any { return map[string]any{"a": []any{"b"}} })
		if levels == 0 {
			return s
		}
		below := func() any { return keywords(levels-1).Draw(t, "below") }
		list := func() any { return rapid.SliceOfN(keywords(levels-1), 1, 2).Draw(t, "list") }
		may("properties", 1, func() any {
			return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), keywords(levels-1), 0, 3).Draw(t, "properties")
		})
		may("additionalProperties", 2, below)
		may("items", 2, below)
		for _, name := range []string{"not", "if", "contains", "propertyNames", "unevaluatedProperties", "unevaluatedItems"} {
			rare(name, below)
		}
		for _, name := range []string{"allOf", "anyOf", "oneOf", "prefixItems"} {
			rare(name, list)
		}
		rare("patternProperties", func() any { return map[string]any{"a": below()} })
		rare("dependentSchemas", func() any { return map[string]any{"a": below()} })
		rare("$ref", func() any { return "#/properties/a" })
		return s
	})
}

// instances draws values that have a chance to fit.
func instances(levels int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.SampledFrom([]any{"", "a", "ab", "ä", "aé1", "12", "ada@example.com", "2026-01-02", "\ufffd", "YWI="}),
		rapid.Map(rapid.SampledFrom([]string{"-1", "0", "-0", "1", "1.0", "1.5", "1e2", "100", "9223372036854775807", "9223372036854775808", "1e30", "10e-1"}), func(s string) any { return json.Number(s) }),
		rapid.SampledFrom([]any{nil, true, false}),
	}
	if levels == 0 {
		return rapid.OneOf(leaves...)
	}
	below := instances(levels - 1)
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(below, 0, 3), func(items []any) any { return items }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), below, 0, 4), func(members map[string]any) any { return members }),
	)...)
}

// What the quick form takes the validator takes, whatever the schema asks for; and what it
// does not take is judged by the validator.
func TestQuickFormTakesNothingThatTheValidatorRefuses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schema, _ := json.Marshal(keywords(2).Draw(t, "schema"))
		tool := tools.Tool{Name: "t", Input: schema}
		own, err := compileOwn(tool)
		if err != nil {
			t.Skip("it does not compile")
		}
		mounted := compileMounted(tool, slog.New(slog.DiscardHandler))
		judge := func(in *input, value any) error {
			without := *in
			without.quick = nil
			return without.validate(value)
		}
		if mounted.watch != nil {
			mounted.watch.limit = time.Hour // the machine may be busy
		}
		for range 10 {
			value := instances(3).Draw(t, "value")
			for _, in := range []*input{own, mounted} {
				if in.compiled == nil {
					continue
				}
				if want := judge(in, value) == nil; in.quick.fits(value) && !want || (in.validate(value) == nil) != want {
					t.Fatalf("%s of %s: quick says %t, the validator %t", spell(value), schema, in.quick.fits(value), want)
				}
			}
		}
	})
}

// It would be of no use if it took nothing.
func TestQuickFormTakesOrdinaryArguments(t *testing.T) {
	type line struct {
		SKU      string `json:"sku" pattern:"^[A-Z]+$"`
		Quantity int    `json:"quantity,omitempty" minimum:"1" maximum:"9"`
	}
	type in struct {
		Email string             `json:"email" format:"email" maxLength:"30"`
		Kind  string             `json:"kind,omitempty" enum:"a,b"`
		Lines []line             `json:"lines,omitempty" maxItems:"2"`
		Open  bool               `json:"open,omitempty"`
		Share float64            `json:"share,omitempty"`
		Tags  map[string]float64 `json:"tags,omitempty"`
	}
	tool := tools.Define(tools.Spec{Name: "t", Title: "t", Description: "t", Effect: tools.Read}, func(context.Context, in) (struct{}, error) { return struct{}{}, nil })
	quick := mustCompile(tool).quick
	for arguments, want := range map[string]bool{
		`{"email":"ada@example.com"}`: true,
		`{"email":"ada@example.com","kind":"b","open":true,"share":0.5,"tags":{"x":1}}`: true,
		`{"email":"ada@example.com","lines":[{"sku":"A"},{"sku":"B","quantity":9}]}`:    true,
		`{}`:                                     false,
		`{"email":"ada"}`:                        false,
		`{"email":"ada@example.com","kind":"c"}`: false,
		`{"email":"ada@example.com","more":1}`:   false,
		`{"email":"ada@example.com","lines":[{"sku":"A"},{"sku":"B"},{"sku":"C"}]}`: false,
		`{"email":"ada@example.com","lines":[{"sku":"a"}]}`:                         false,
		`{"email":"ada@example.com","lines":[{"sku":"A","quantity":10}]}`:           false,
		`{"email":"ada@example.com","open":"true"}`:                                 false,
		`[]`: false,
	} {
		value, err := decode(json.RawMessage(arguments))
		if err != nil {
			t.Fatal(err)
		}
		if got := quick.fits(value); got != want {
			t.Errorf("%s: %t", arguments, got)
		}
	}
}

// Each of these is refused for a keyword of its own.
func TestQuickFormTakesNoneOfThese(t *testing.T) {
	for schema, value := range map[string]any{
		`{"enum":["a"]}`: true, `{"enum":["a","b"]}`: json.Number("1"), `{"enum":["null"]}`: nil, `{"enum":[1,"a"]}`: "b", `{"enum":["x"],"type":["array","string"]}`: []any{"x"},
		`{"enum":["{}"]}`: map[string]any{}, `{"const":"a"}`: "b", `{"uniqueItems":true}`: []any{"a", "a"}, `{"multipleOf":2}`: json.Number("3"),
		`{"exclusiveMinimum":2}`: json.Number("2"), `{"exclusiveMaximum":2}`: json.Number("2"), `{"minimum":1.5}`: json.Number("1"), `{"maximum":1e30}`: json.Number("2e30"),
		`{"type":"integer"}`: json.Number("1.5"), `{"not":{"type":"string"}}`: "a",
		`{"anyOf":[{"type":"string"}]}`: true, `{"oneOf":[{},{}]}`: true, `{"allOf":[{"type":"string"}]}`: true, `{"if":{"type":"string"},"then":false}`: "a",
		`{"contains":{"type":"string"}}`: []any{true}, `{"prefixItems":[{"type":"string"}]}`: []any{true}, `{"items":{"type":"string"}}`: []any{true},
		`{"patternProperties":{"a":false}}`: map[string]any{"a": true}, `{"propertyNames":{"maxLength":1}}`: map[string]any{"ab": true}, `{"minProperties":1}`: map[string]any{},
		`{"dependentRequired":{"a":["b"]}}`: map[string]any{"a": true}, `{"dependentSchemas":{"a":false}}`: map[string]any{"a": true}, `{"required":["a"]}`: map[string]any{},
		`{"additionalProperties":false}`: map[string]any{"a": true}, `{"additionalProperties":{"type":"string"}}`: map[string]any{"a": true}, `{"maxProperties":0}`: map[string]any{"a": true},
		`{"unevaluatedProperties":false}`: map[string]any{"a": true}, `{"unevaluatedItems":false}`: []any{true}, `{"properties":{"a":{"$ref":"#/$defs/no"}},"$defs":{"no":false}}`: map[string]any{"a": true},
		`{"properties":{"a":false}}`: map[string]any{"a": true}, `{"minLength":2}`: "é", `{"maxLength":1}`: "aa", `{"minItems":1}`: []any{}, `{"maxItems":0}`: []any{true}, `{"pattern":"^a"}`: "b", `false`: true,
	} {
		in, err := compileOwn(tools.Tool{Name: "t", Input: json.RawMessage(schema)})
		if err != nil {
			t.Fatal(schema, err)
		}
		if in.quick.fits(value) || in.validate(value) == nil {
			t.Errorf("%s takes %s", schema, spell(value))
		}
	}
}

// A version of the validator that knows another keyword has to be looked at: a schema with
// it must have no quick form, or one that checks it.
func TestEveryKeywordOfTheValidatorIsConsidered(t *testing.T) {
	considered := []string{"Location", "Draft", "RecursiveAnchor", "DynamicAnchor", // where it stands
		"Title", "Description", "Default", "Comment", "ReadOnly", "WriteOnly", "Examples", "Deprecated", // for people
		"Always", "Types", "Enum", "Format", "Pattern", "MinLength", "MaxLength", "Minimum", "Maximum", "MinItems", "MaxItems", "MinProperties", "MaxProperties",
		"Required", "Properties", "AdditionalProperties", "Items", "Items2020",
		"Ref", "RecursiveRef", "DynamicRef", "Constant", "Not", "If", "Then", "Else", "AllOf", "AnyOf", "OneOf", "PropertyNames", "RegexProperties", "PatternProperties",
		"Dependencies", "DependentRequired", "DependentSchemas", "UnevaluatedProperties", "UnevaluatedItems", "UniqueItems", "AdditionalItems", "PrefixItems",
		"Contains", "ContainsEval", "MinContains", "MaxContains", "ContentEncoding", "ContentMediaType", "ContentSchema", "MultipleOf", "ExclusiveMinimum", "ExclusiveMaximum", "Extensions"}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[jsonschema.Schema]()) {
		if field.IsExported() && !slices.Contains(considered, field.Name) {
			t.Errorf("%s is not considered", field.Name)
		}
	}
}
