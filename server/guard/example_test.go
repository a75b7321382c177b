package guard

import (
	"context"
	"encoding/json"
	"testing"

	"drawbridge/tools"
)

func inputOf(t testing.TB, schema string) *input {
	t.Helper()
	tool := tools.Define(tools.Spec{Name: "t", Title: "T", Description: "T.", Effect: tools.Read},
		func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
	tool.Input = json.RawMessage(schema)
	return mustCompile(tool)
}

func TestExampleFitsItsSchema(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type":"object"}`: `{}`,
		`{"type":"object","properties":{"a":{"type":"string","examples":["x"]}},"required":["a"]}`:                                                             `{"a":"x"}`,
		`{"type":"object","properties":{"a":{"type":"string","default":"x"},"b":{"type":"string"}},"required":["a"]}`:                                          `{"a":"x"}`,
		`{"type":"object","properties":{"a":{"const":7}},"required":["a"]}`:                                                                                    `{"a":7}`,
		`{"type":"object","properties":{"a":{"type":"string","pattern":"^cus_[A-Za-z0-9]{4,}$"}},"required":["a"]}`:                                            `{"a":"cus_aaaa"}`,
		`{"type":"object","properties":{"a":{"type":"string","pattern":"^(EUR|USD)\\.x?$"}},"required":["a"]}`:                                                 `{"a":"EUR."}`,
		`{"type":"object","properties":{"a":{"type":"string","pattern":"^[A-Z]{3}$"}},"required":["a"]}`:                                                       `{"a":"AAA"}`,
		`{"type":"object","properties":{"a":{"type":"string","minLength":6}},"required":["a"]}`:                                                                `{"a":"xxxxxx"}`,
		`{"type":"object","properties":{"a":{"type":"string","maxLength":2}},"required":["a"]}`:                                                                `{"a":"te"}`,
		`{"type":"object","properties":{"a":{"type":"integer","minimum":10}},"required":["a"]}`:                                                                `{"a":10}`,
		`{"type":"object","properties":{"a":{"type":"number","maximum":0.5}},"required":["a"]}`:                                                                `{"a":0.5}`,
		`{"type":"object","properties":{"a":{"type":"number","exclusiveMinimum":5}},"required":["a"]}`:                                                         `{"a":6}`,
		`{"type":"object","properties":{"a":{"type":"integer","multipleOf":5}},"required":["a"]}`:                                                              `{"a":5}`,
		`{"type":"object","properties":{"a":{"type":["null","boolean"]}},"required":["a"]}`:                                                                    `{"a":true}`,
		`{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"},"minItems":2}},"required":["a"]}`:                                        `{"a":["text","text"]}`,
		`{"type":"object","properties":{"a":{"anyOf":[{"type":"string","format":"uuid"},{"type":"null"}]}},"required":["a"]}`:                                  `{"a":"3f0c8a52-5d0e-4b7a-9c39-2f6d1b7e8a10"}`,
		`{"type":"object","properties":{"a":{"$ref":"#/$defs/d"}},"required":["a"],"$defs":{"d":{"type":"string","format":"date"}}}`:                           `{"a":"2026-01-31"}`,
		`{"type":"object","properties":{"next":{"$ref":"#"},"n":{"type":"integer"}},"required":["n"]}`:                                                         `{"n":1}`,
		`{"type":"object","properties":{"t":{"type":"object","properties":{"at":{"type":"string","format":"date-time"}},"required":["at"]}},"required":["t"]}`: `{"t":{"at":"2026-01-31T09:00:00Z"}}`,
	} {
		got, ok := inputOf(t, schema).example(nil)
		if !ok || spell(got) != want {
			t.Errorf("%s\n got %s, %v\nwant %s", schema, spell(got), ok, want)
		}
	}
}

func TestEveryFormatHasAnExampleThatFits(t *testing.T) {
	for format := range sampleFormats {
		in := inputOf(t, `{"type":"object","properties":{"a":{"type":"string","format":"`+format+`"}},"required":["a"]}`)
		if _, ok := in.example(nil); !ok {
			t.Errorf("the example for %s does not fit", format)
		}
		if formats[format] == "" {
			t.Errorf("there are no words for %s", format)
		}
	}
}

func TestExampleThatDoesNotFitIsNotShown(t *testing.T) {
	for _, schema := range []string{
		`{"type":"object","not":{}}`,
		`{"type":"object","properties":{"next":{"$ref":"#"}},"required":["next"]}`,
		`{"type":"object","properties":{"a":{"type":"array","items":{"const":1},"minItems":2,"uniqueItems":true}},"required":["a"]}`,
	} {
		in := inputOf(t, schema)
		if got, ok := in.example(nil); ok {
			t.Errorf("%s: got %s", schema, spell(got))
		}
		if text := in.exampleText(nil); text != "" {
			t.Errorf("%s: got %q", schema, text)
		}
	}
}

func TestExampleDoesNotRepeatWhatTheCallerGave(t *testing.T) {
	in := inputOf(t, `{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"object","properties":{"c":{"type":"string"}}}}}`)
	given, err := decode(json.RawMessage(`{"a":"private","b":{"c":"private","d":1},"e":2}`))
	if err != nil {
		t.Fatal(err)
	}
	got, ok := in.example(given)
	if want := `{"a":"text","b":{"c":"text"}}`; !ok || spell(got) != want {
		t.Errorf("got %s, want %s", spell(got), want)
	}
}

func TestEveryKeywordIsExplained(t *testing.T) {
	for _, test := range []struct{ schema, arguments, want string }{
		{`{"properties":{"a":{"const":7}}}`, `{"a":8}`, `a: expected exactly 7, got 8`},
		{`{"properties":{"a":{"type":["string","null"]}}}`, `{"a":true}`, `a: expected a string or null, got true`},
		{`{"properties":{"a":{"type":"array","minItems":1,"maxItems":1}}}`, `{"a":[]}`, `a: expected an array of exactly 1 items, got an array of 0 items`},
		{`{"properties":{"a":{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1}}}`, `{"a":1}`, `a: expected a number above 0 below 1, got 1`},
		{`{"properties":{"a":{"type":"integer","multipleOf":5}}}`, `{"a":6}`, `a: expected an integer that is a multiple of 5, got 6`},
		{`{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]}}}`, `{"a":1}`, `a: expected a string or null, got 1`},
		{`{"properties":{"a":{"oneOf":[{"minimum":1},{"minimum":2}]}}}`, `{"a":3}`, `a: expected a value that keeps to the rule "oneOf": [{"minimum":1},{"minimum":2}], got 3`},
		{`{"properties":{"a":{"uniqueItems":true}}}`, `{"a":[1,1]}`, `a: expected a value that keeps to the rule "uniqueItems": true, got an array of 2 items`},
		{`{"properties":{"a":{"$ref":"#/$defs/d"}},"$defs":{"d":{"type":"boolean"}}}`, `{"a":{}}`, `a: expected true or false, got an object of 0 members`},
		{`{"properties":{"a.b":{"properties":{"c d":{"type":"string"}}}}}`, `{"a.b":{"c d":null}}`, `["a.b"]["c d"]: expected a string, got null`},
		{`{"properties":{"a/b":{"properties":{"c%~":{"type":"string"}}}}}`, `{"a/b":{"c%~":null}}`, `a/b.c%~: expected a string, got null`},
		{`{"allOf":[{"required":["a"]},{"properties":{"a":{"type":"string"}}}]}`, `{}`, `a: required, but missing`},
		{`{"additionalProperties":false}`, `{"a":1}`, `a: unknown; nothing may be given here`},
		{`{"properties":{"a":false}}`, `{"a":1}`, `a: nothing is allowed here`},
		{`{"properties":{"a":{}},"unevaluatedProperties":false}`, `{"b":1}`, `b: nothing is allowed here`},
		{`{"properties":{"credentials":{"items":{"maxLength":3}}}}`, `{"credentials":["hunter2"]}`, `credentials[0]: expected a value that keeps to the rule "maxLength": 3, got [redacted]`},
		{`false`, `{}`, `arguments: nothing is allowed here`},
	} {
		in := inputOf(t, test.schema)
		given, err := decode(json.RawMessage(test.arguments))
		if err != nil {
			t.Fatal(err)
		}
		if got := list(in.check(given), "; "); got != test.want {
			t.Errorf("%s with %s\n got %s\nwant %s", test.schema, test.arguments, got, test.want)
		}
	}
}

func FuzzExplainingNeverFails(f *testing.F) {
	in := inputOf(f, `{"type":"object","additionalProperties":false,"required":["email"],"properties":{
		"email":{"type":"string","format":"email"},"n":{"type":"integer","minimum":0,"maximum":10},
		"tags":{"type":"array","uniqueItems":true,"items":{"type":"string","minLength":2}},
		"x":{"oneOf":[{"type":"string"},{"type":"object","properties":{"y":{"type":"null"}}}]}}}`)
	f.Add(`{"email":"x","n":11,"tags":["a","a"],"x":1,"z":{}}`)
	f.Fuzz(func(t *testing.T, raw string) {
		value, err := decode(json.RawMessage(raw))
		if err != nil {
			return
		}
		problems := in.check(value)
		if len(problems) > 0 && len(in.explain("t", problems, value)) > 20_000 {
			t.Errorf("the answer has no bound")
		}
	})
}
