package convert

import (
	"encoding/json"
	"testing"
)

// judged are values that a schema accepts and refuses, one a rule.
var judged = []struct{ schema, yes, no string }{
	{`{"type":"integer"}`, `1.0`, `1.5`},
	{`{"enum":[1,{"a":[2]}]}`, `{"a":[2.0]}`, `{"a":[3]}`},
	{`{"minimum":9007199254740993}`, `9007199254740993`, `9007199254740992`},
	{`{"exclusiveMinimum":0.1}`, `0.11`, `0.10`},
	{`{"maximum":-1e2}`, `-100.0`, `-99`},
	{`{"exclusiveMaximum":1}`, `0`, `1`},
	{`{"multipleOf":0.01}`, `19.99`, `19.995`},
	{`{"minLength":2}`, `"üü"`, `"ü"`},
	{`{"maxLength":2}`, `"üü"`, `"üüü"`},
	{`{"pattern":"^\\u00fc+$"}`, `"üü"`, `"u"`},
	{`{"format":"uri"}`, `"https://example.com"`, `"no uri"`},
	{`{"$schema":"https://json-schema.org/draft/2020-12/schema","minLength":1,"format":"uri"}`, `"no uri"`, `""`},
	{`{"items":{"type":"string"}}`, `["a"]`, `["a",1]`},
	{`{"prefixItems":[{"type":"string"}],"items":false}`, `["a"]`, `["a","b"]`},
	{`{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string"}],"additionalItems":{"type":"null"}}`, `["a",null]`, `["a","b"]`},
	{`{"minItems":1}`, `[1]`, `[]`},
	{`{"maxItems":1}`, `[1]`, `[1,2]`},
	{`{"uniqueItems":true}`, `[1,"1"]`, `[1,1.0]`},
	{`{"contains":{"type":"string"},"minContains":2,"maxContains":2}`, `["a",1,"b"]`, `["a"]`},
	{`{"contains":{"type":"string"},"maxContains":1}`, `["a",1]`, `["a","b"]`},
	{`{"required":["a"]}`, `{"a":null}`, `{}`},
	{`{"properties":{"a":{"type":"string"}}}`, `{"a":"x","b":1}`, `{"a":1}`},
	{`{"patternProperties":{"^x":{"type":"string"}},"additionalProperties":false}`, `{"xa":"1"}`, `{"y":"1"}`},
	{`{"additionalProperties":{"type":"integer"}}`, `{"a":1}`, `{"a":"1"}`},
	{`{"propertyNames":{"maxLength":1}}`, `{"a":1}`, `{"ab":1}`},
	{`{"minProperties":1}`, `{"a":1}`, `{}`},
	{`{"maxProperties":1}`, `{"a":1}`, `{"a":1,"b":2}`},
	{`{"dependentRequired":{"a":["b"]}}`, `{"b":1}`, `{"a":1}`},
	{`{"dependencies":{"a":{"required":["b"]}}}`, `{"a":1,"b":1}`, `{"a":1}`},
	{`{"allOf":[{"minimum":1},{"maximum":2}]}`, `2`, `3`},
	{`{"anyOf":[{"type":"string"},{"minimum":5}]}`, `5`, `4`},
	{`{"oneOf":[{"minimum":1},{"minimum":5}]}`, `4`, `5`},
	{`{"not":{"type":"string"}}`, `1`, `"a"`},
	{`{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}`, `{"a":1,"b":1}`, `{"a":1,"c":1}`},
	{`{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false}`, `{"a":1}`, `{"a":1,"b":1}`},
	{`{"prefixItems":[true],"unevaluatedItems":{"type":"string"}}`, `[1,"a"]`, `[1,1]`},
	{`{"$ref":"#/$defs/x","maximum":5,"$defs":{"x":{"minimum":1}}}`, `5`, `6`},
	{`{"$ref":"#there","$defs":{"x":{"$anchor":"there","type":"null"}}}`, `null`, `1`},
	{`{"$ref":"/x.json","$id":"https://example.com/root.json","$defs":{"x":{"$id":"x.json","type":"null"}}}`, `null`, `1`},
	{`{"$ref":"#/definitions/x","$defs":{"x":{"type":"null"}}}`, `null`, `1`},
	{`{"properties":{"down":{"$ref":"#"}},"additionalProperties":false}`, `{"down":{"down":{}}}`, `{"down":{"up":1}}`},
	{`{"type":"string","nullable":true}`, `null`, `1`},
	{`{"properties":{"a":{"type":"string","required":true}}}`, `{"a":"x"}`, `{}`},
}

func TestCheckerJudgesByEachRule(t *testing.T) {
	for _, c := range judged {
		s, _, err := readSchema(json.RawMessage(c.schema), &notes{})
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]bool{c.yes: true, c.no: false} {
			v, err := parseArguments([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if found := violations(s, v); (len(found) == 0) != want {
				t.Errorf("%s: %s: got %v", c.schema, text, found)
			}
			steps := maxSteps
			if fits(s.alone(), v, &steps) != want {
				t.Errorf("%s: %s: fits is not %v", c.schema, text, want)
			}
		}
	}
}

func TestSchemaThatIsOnlyItselfAcceptsAnything(t *testing.T) {
	for _, schema := range []string{
		`{"$ref":"#"}`,
		`{"allOf":[{"$ref":"#"}]}`,
		`{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`,
	} {
		f := converted(t, schema)
		if err := f.Validate(json.RawMessage(`{"a":1}`)); err != nil {
			t.Errorf("%s: %v", schema, err)
		}
	}
}

func TestLoopThroughAlternativesAddsNothing(t *testing.T) {
	f := converted(t, `{"type":"object","properties":{"v":{"$ref":"#/$defs/a"}},"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"string"}]}}}`)
	if f.Validate(json.RawMessage(`{"v":"x"}`)) != nil || f.Validate(json.RawMessage(`{"v":1}`)) == nil {
		t.Errorf("got %s", f.Parameters)
	}
}
