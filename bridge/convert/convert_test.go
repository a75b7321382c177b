package convert

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
)

func converted(t *testing.T, schema string) *Function {
	t.Helper()
	f, err := Convert(Tool{Name: "tool", Input: json.RawMessage(schema)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// inside is the schema that a function shows for the member v of the tool, which
// is the only one and required.
func inside(t *testing.T, schema string) string {
	t.Helper()
	const lead, trail = `{"type":"object","properties":{"v":`, `},"required":["v"],"additionalProperties":false}`
	f := converted(t, `{"type":"object","properties":{"v":`+schema+`},"required":["v"]}`)
	text := string(f.Parameters)
	if !f.Strict || !strings.HasPrefix(text, lead) || !strings.HasSuffix(text, trail) {
		t.Fatalf("strict %v, parameters %s", f.Strict, text)
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, lead), trail)
}

func TestFormsAreShownLikeThis(t *testing.T) {
	for _, c := range []struct{ name, schema, shown string }{
		{"string", `{"type":"string","title":"T","description":"D"}`, `{"title":"T","description":"D","type":"string"}`},
		{"lengths", `{"type":"string","minLength":1,"maxLength":255}`, `{"description":"1 to 255 characters.","type":"string"}`},
		{"portable pattern", `{"type":"string","pattern":"^[a-z]+$"}`, `{"type":"string","pattern":"^[a-z]+$"}`},
		{"lookahead", `{"type":"string","pattern":"^(?!x)"}`, `{"description":"Pattern: ^(?!x) .","type":"string"}`},
		{"format of strict", `{"type":"string","format":"date"}`, `{"type":"string","format":"date"}`},
		{"format of others", `{"type":"string","format":"uri"}`, `{"description":"Format: uri.","type":"string"}`},
		{"bounds", `{"type":"integer","minimum":1,"exclusiveMaximum":9007199254740993}`, `{"type":"integer","minimum":1,"exclusiveMaximum":9007199254740993}`},
		{"bounds of draft 4", `{"type":"number","minimum":0,"exclusiveMinimum":true}`, `{"type":"number","minimum":0,"exclusiveMinimum":0}`},
		{"default", `{"type":"integer","default":10}`, `{"description":"Default: 10.","type":"integer"}`},
		{"default that is said", `{"type":"integer","default":10,"description":"How many (default: 10)"}`, `{"description":"How many (default: 10)","type":"integer"}`},
		{"default like another number", `{"type":"integer","default":10,"description":"Default max: 100"}`, `{"description":"Default max: 100. Default: 10.","type":"integer"}`},
		{"nullable", `{"type":["string","null"]}`, `{"type":["string","null"]}`},
		{"nullable of OpenAPI", `{"type":"integer","nullable":true}`, `{"type":["integer","null"]}`},
		{"enum without a type", `{"enum":["a",null]}`, `{"type":["string","null"],"enum":["a",null]}`},
		{"const", `{"const":7}`, `{"type":"integer","enum":[7]}`},
		{"enum of a list", `{"type":"array","items":{"type":"string"},"enum":["a","b"]}`, `{"type":"array","items":{"type":"string","enum":["a","b"]}}`},
		{"enum of another type", `{"type":"string","enum":[1,2]}`, `{"type":"integer","enum":[1,2]}`},
		{"enum of kinds", `{"enum":["a",1]}`, `{"anyOf":[{"type":"string","enum":["a"]},{"type":"integer","enum":[1]}]}`},
		{"enum of objects", `{"enum":[{"a":1}]}`, `{"type":"string","enum":["{\"a\":1}"]}`},
		{"enum narrowed by a pattern", `{"type":"string","enum":["ab","cd"],"pattern":"^a"}`, `{"type":"string","enum":["ab"]}`},
		{"any", `{}`, `{"description":"JSON text.","type":"string"}`},
		{"free-form object", `{"type":"object"}`, `{"description":"JSON text of an object.","type":"string"}`},
		{"empty object", `{"type":"object","properties":{},"additionalProperties":false}`, `{"type":"string","enum":["{}"]}`},
		{"array without items", `{"type":"array"}`, `{"type":"array","items":{"description":"JSON text.","type":"string"}}`},
		{"map", `{"type":"object","additionalProperties":{"type":"integer"},"minProperties":1}`, `{"description":"At least 1 member.","type":"array","items":{"type":"object","properties":{"key":{"type":"string"},"value":{"type":"integer"}},"required":["key","value"],"additionalProperties":false},"minItems":1}`},
		{"allOf", `{"allOf":[{"type":"integer","minimum":0},{"type":"number","maximum":50}]}`, `{"type":"integer","minimum":0,"maximum":50}`},
		{"literals as alternatives", `{"anyOf":[{"const":"a"},{"const":"b"}]}`, `{"type":"string","enum":["a","b"]}`},
		{"null as an alternative", `{"anyOf":[{"type":"boolean"},{"type":"null"}]}`, `{"type":["boolean","null"]}`},
		{"options that could be mistaken", `{"anyOf":[{"type":"string"},{"type":"object"}]}`, `{"anyOf":[{"type":"string"},{"type":"object","properties":{"json":{"description":"JSON text of an object.","type":"string"}},"required":["json"],"additionalProperties":false}]}`},
		{"type of Python", `{"type":"dict"}`, `{"description":"JSON text of an object.","type":"string"}`},
		{"no schema at all", `"string"`, `{"description":"JSON text.","type":"string"}`},
		{"remote reference", `{"$ref":"https://example.com/x.json"}`, `{"description":"JSON text.","type":"string"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := inside(t, c.schema); got != c.shown {
				t.Errorf("shown as %s\nwanted  %s", got, c.shown)
			}
		})
	}
}

func TestRootsAreShownLikeThis(t *testing.T) {
	const open = `{"type":"object","properties":{"additional_properties":{"description":"Further arguments: JSON text of an object.","type":["string","null"]}},"required":["additional_properties"],"additionalProperties":false}`
	const none = `{"type":"object","properties":{},"required":[],"additionalProperties":false}`
	for _, c := range []struct{ name, schema, shown string }{
		{"no schema", ``, open},
		{"null", `null`, open},
		{"no word", `{"$schema":"http://json-schema.org/draft-07/schema#"}`, open},
		{"only the type", `{"type":"object"}`, open},
		{"no properties", `{"type":"object","properties":{}}`, none},
		{"closed", `{"type":"object","additionalProperties":false}`, none},
		{"two shapes", `{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"type":"object","properties":{"b":{"type":"string"}},"required":["b"]}]}`,
			`{"type":"object","properties":{"arguments":{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false},{"type":"object","properties":{"b":{"type":"string"}},"required":["b"],"additionalProperties":false}]}},"required":["arguments"],"additionalProperties":false}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := converted(t, c.schema)
			if string(f.Parameters) != c.shown {
				t.Errorf("shown as %s\nwanted  %s", f.Parameters, c.shown)
			}
		})
	}
}

func TestToolThatAcceptsNothingIsRefused(t *testing.T) {
	for _, schema := range []string{
		`false`,
		`{"type":"object","properties":{"a":false},"required":["a"]}`,
		`{"type":"object","properties":{"a":{"type":"string","enum":[1,true]}},"required":["a"]}`,
	} {
		if _, err := Convert(Tool{Name: "t", Input: json.RawMessage(schema)}); !errors.Is(err, errNothingFits) {
			t.Errorf("%s: got %v", schema, err)
		}
	}
}

func TestSchemaThatCannotBeReadIsRefusedWithTheReason(t *testing.T) {
	for schema, reason := range map[string]string{
		`{"type":`: "not valid JSON",
		`[]`:       "neither an object nor true or false",
		strings.Repeat(`{"items":`, 300) + `{}` + strings.Repeat(`}`, 300):     "nested deeper than 200 levels",
		strings.Repeat(`{"items":`, 20000) + `{}` + strings.Repeat(`}`, 20000): "nested deeper than 200 levels",
		`{"description":"` + strings.Repeat("x", schemaLimits.bytes) + `"}`:    "bytes of JSON are more than",
		`{"enum":[` + strings.Repeat("1,", schemaLimits.values) + `1]}`:        "holds more than",
	} {
		_, err := Convert(Tool{Name: "t", Input: json.RawMessage(schema)})
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: got %v, wanted %q", cut(schema, 40), err, reason)
		}
	}
}

func TestDescriptionSaysTitleDescriptionAndRootRules(t *testing.T) {
	f, err := Convert(Tool{Name: "find_notes", Title: "Search", Description: "Finds notes", Input: json.RawMessage(
		`{"type":"object","properties":{"a":{"type":["string","null"]},"b":{"type":"string"}},"oneOf":[{"required":["a"]},{"required":["b"]}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	want := "Search\nFinds notes. Exactly one of these must hold: a given; b given. " +
		`For arguments marked Nullable, null leaves out and "<null>" sets to null.`
	if f.Description != want {
		t.Errorf("got %q, wanted %q", f.Description, want)
	}
}

func TestTitleThatOnlyRespellsTheNameIsLeftOut(t *testing.T) {
	f, err := Convert(Tool{Name: "find_notes", Title: "Find Notes", Description: "By text.", Input: json.RawMessage(`{}`)})
	if err != nil || f.Description != "By text." {
		t.Errorf("got %q, %v", f.Description, err)
	}
}

func TestRecursionIsADefinition(t *testing.T) {
	f := converted(t, `{"type":"object","properties":{"tree":{"$ref":"#/definitions/No de"}},"required":["tree"],
		"definitions":{"No de":{"type":"object","properties":{"next":{"$ref":"#/definitions/No de"}},"required":["next"]},"unused":{"type":"string"}}}`)
	want := `{"type":"object","properties":{"tree":{"$ref":"#/$defs/No_de"}},"required":["tree"],"additionalProperties":false,` +
		`"$defs":{"No_de":{"type":"object","properties":{"next":{"$ref":"#/$defs/No_de"}},"required":["next"],"additionalProperties":false}}}`
	if string(f.Parameters) != want {
		t.Errorf("got %s", f.Parameters)
	}
}

func TestDeepPartsAreLiftedIntoDefinitions(t *testing.T) {
	schema := `{"type":"string"}`
	for range 30 {
		schema = `{"type":"object","properties":{"down":` + schema + `},"required":["down"]}`
	}
	f := converted(t, schema)
	if !f.Strict || strings.Count(string(f.Parameters), `"$ref"`) < 3 {
		t.Errorf("strict %v: %s", f.Strict, f.Parameters)
	}
	arguments := strings.Repeat(`{"down":`, 30) + `"x"` + strings.Repeat(`}`, 30)
	if got, err := f.Invert(json.RawMessage(arguments)); err != nil || string(got) != arguments {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestMoreThanStrictTakesBecomesJSONText(t *testing.T) {
	var b strings.Builder
	for i := range 6000 {
		b.WriteString(`"p` + strconv.Itoa(i) + `":{"type":"string"},`)
	}
	many := `{"type":"object","properties":{` + strings.TrimSuffix(b.String(), ",") + `}}`
	f := converted(t, `{"type":"object","properties":{"small":{"type":"string"},"large":`+many+`}}`)
	if !f.Strict || !strings.Contains(string(f.Parameters), `"large":{"description":"JSON text, by this schema: {\"type\":\"object\"`) {
		t.Errorf("strict %v: %s", f.Strict, cut(string(f.Parameters), 300))
	}
	if f := converted(t, many); f.Strict || !strings.Contains(strings.Join(f.Notes, "\n"), "not strict: 6000 properties") {
		t.Errorf("strict %v, notes %q", f.Strict, f.Notes)
	}
}

func TestLongEnumIsSaidInWordsAndStillChecked(t *testing.T) {
	var values []string
	for i := range 1200 {
		values = append(values, `"value-`+strconv.Itoa(i)+`"`)
	}
	f := converted(t, `{"type":"object","properties":{"v":{"type":"string","enum":[`+strings.Join(values, ",")+`]}},"required":["v"]}`)
	if !f.Strict || !strings.Contains(string(f.Parameters), "(1200 in all)") {
		t.Errorf("strict %v: %s", f.Strict, cut(string(f.Parameters), 200))
	}
	if _, err := f.Invert(json.RawMessage(`{"v":` + values[1199] + `}`)); err != nil {
		t.Error(err)
	}
	if _, err := f.Invert(json.RawMessage(`{"v":"other"}`)); err == nil {
		t.Error("a value that is not listed went through")
	}
}

func TestNotesFoldPlacesWithTheSameNote(t *testing.T) {
	f := converted(t, `{"type":"object","properties":{"a":{"type":"string","format":"uri"},"b":{"type":"string","format":"uri"}}}`)
	if len(f.Notes) != 1 || f.Notes[0] != "/a, /b: format uri is said in words" && f.Notes[0] != "/b, /a: format uri is said in words" {
		t.Errorf("got %q", f.Notes)
	}
}
