package convert

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
)

const everything = `{
	"type": "object",
	"properties": {
		"name": {"type": "string", "minLength": 2},
		"note": {"type": ["string", "null"]},
		"done": {"type": ["boolean", "null"]},
		"count": {"type": "number"},
		"labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}},
		"free": {"type": "object"},
		"any": {},
		"point": {"prefixItems": [{"type": "number"}, {"type": "number"}], "items": false, "minItems": 1},
		"to": {"anyOf": [
			{"type": "object", "properties": {"kind": {"const": "mail"}, "address": {"type": "string", "format": "email"}}, "required": ["kind", "address"]},
			{"type": "object", "properties": {"kind": {"const": "chat"}, "room": {"type": "integer"}}, "required": ["kind", "room"]}
		]}
	},
	"required": ["name"]
}`

func TestArgumentsInvertLikeThis(t *testing.T) {
	f := converted(t, everything)
	for _, c := range []struct{ name, written, own string }{
		{"null leaves out", `{"name":"ab","note":null,"done":null,"count":null,"labels":null,"free":null,"any":null,"point":null,"to":null}`, `{"name":"ab"}`},
		{"missing members are left out", `{"name":"ab"}`, `{"name":"ab"}`},
		{"the mark is null", `{"name":"ab","note":"<null>","done":"<null>"}`, `{"name":"ab","note":null,"done":null}`},
		{"text like the mark loses a bracket", `{"name":"ab","note":"<<null>"}`, `{"name":"ab","note":"<null>"}`},
		{"other text does not", `{"name":"<<null>","note":"<<nul"}`, `{"name":"<<null>","note":"<<nul"}`},
		{"numbers keep their spelling", `{"name":"ab","count":12345678901234567890.10}`, `{"name":"ab","count":12345678901234567890.10}`},
		{"keys and values", `{"name":"ab","labels":[{"key":"a","value":"1"}]}`, `{"name":"ab","labels":{"a":"1"}}`},
		{"a map written as one", `{"name":"ab","labels":{"a":"1"}}`, `{"name":"ab","labels":{"a":"1"}}`},
		{"JSON text", `{"name":"ab","free":"{\"a\":[1.50]}","any":"null"}`, `{"name":"ab","free":{"a":[1.50]},"any":null}`},
		{"JSON itself", `{"name":"ab","free":{"a":1},"any":[true]}`, `{"name":"ab","free":{"a":1},"any":[true]}`},
		{"text that is no JSON", `{"name":"ab","any":"2026-01-31"}`, `{"name":"ab","any":"2026-01-31"}`},
		{"tuple", `{"name":"ab","point":{"item_1":1,"item_2":null}}`, `{"name":"ab","point":[1]}`},
		{"a tuple written as an array", `{"name":"ab","point":[1,2]}`, `{"name":"ab","point":[1,2]}`},
		{"alternative", `{"name":"ab","to":{"kind":"chat","room":5}}`, `{"name":"ab","to":{"kind":"chat","room":5}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if own, err := f.Invert(json.RawMessage(c.written)); err != nil || string(own) != c.own {
				t.Errorf("got %s, %v\nwanted %s", own, err, c.own)
			}
		})
	}
}

func TestProblemsNameThePlaceAndWhatWasExpected(t *testing.T) {
	f := converted(t, everything)
	for _, c := range []struct{ written, path, text string }{
		{`{}`, "name", "required, but missing; expected a string"},
		{`{"name":5}`, "name", "expected a string, got 5"},
		{`{"name":null}`, "name", "expected a string, got null"},
		{`{"name":"a"}`, "name", `expected at least 2 characters, got "a"`},
		{`{"name":"ab","nam":1}`, "nam", `unknown; did you mean "name"?`},
		{`{"name":"ab","labels":[{"key":"a","value":"long"}]}`, "labels[0].value", "expected at most 3 characters, got 4"},
		{`{"name":"ab","labels":[{"key":"a","value":"1"},{"key":"a","value":"2"}]}`, "labels[1].key", `"a" is given twice; give each key once`},
		{`{"name":"ab","labels":[{"key":"a"}]}`, "labels[0].value", "required, but missing; expected a string"},
		{`{"name":"ab","free":"[]"}`, "free", "expected a string with the JSON text of an object, got an array of 0 items"},
		{`{"name":"ab","free":"{"}`, "free", `expected a string with the JSON text of an object, got "{": it is not valid JSON`},
		{`{"name":"ab","point":{"item_1":null,"item_2":1}}`, "point.item_1", "expected a number, got null"},
		{`{"name":"ab","to":{"kind":"chat","room":"x"}}`, "to.room", `expected an integer, got "x"`},
		{`{"name":"ab","to":{"kind":"mail","address":"x"}}`, "to.address", `expected text of format email, got "x"`},
		{`{"name":"ab","name":"cd"}`, "arguments", `"name" is given twice in one object`},
		{`[]`, "arguments", "expected an object, got an array of 0 items"},
		{`{"name":`, "arguments", "it is not valid JSON"},
		{`{"name":"ab","count":1e999999}`, "arguments", "a number is longer or larger than any tool can use"},
	} {
		_, err := f.Invert(json.RawMessage(c.written))
		var wrong *ArgumentError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: got %v", c.written, err)
			continue
		}
		if got := wrong.Problems[0]; got.Path != c.path || got.Text != c.text {
			t.Errorf("%s: got %q: %q", c.written, got.Path, got.Text)
		}
	}
}

func TestErrorShowsAnExampleThatFits(t *testing.T) {
	f := converted(t, everything)
	_, err := f.Invert(json.RawMessage(`{"labels":{"a":5},"to":{"kind":"chat"},"point":7}`))
	var wrong *ArgumentError
	if !errors.As(err, &wrong) || wrong.Example == nil {
		t.Fatalf("got %v", err)
	}
	own, err := f.Invert(wrong.Example)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"name":"text"`, `"labels":{`, `"kind":"chat"`, `"point":[1]`} {
		if !strings.Contains(string(own), part) {
			t.Errorf("the example %s lacks %s", own, part)
		}
	}
}

func TestErrorSaysNoMoreThanAFewProblems(t *testing.T) {
	f := converted(t, everything)
	_, err := f.Invert(json.RawMessage(`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}`))
	if text := err.Error(); strings.Count(text, "\n- ") != maxProblems+1 || !strings.Contains(text, "\n- and more") {
		t.Errorf("got %s", text)
	}
}

func TestForwardSaysWhatInvertGivesBack(t *testing.T) {
	f := converted(t, everything)
	for _, own := range []string{
		`{"name":"ab"}`,
		`{"name":"ab","note":null,"done":null,"any":null}`,
		`{"name":"ab","note":"<null>","count":1.0,"labels":{"a":"1","b":"2"},"free":{"x":{}},"any":"2026","point":[1,2]}`,
		`{"name":"ab","to":{"kind":"mail","address":"ada@example.com"}}`,
	} {
		written, err := f.Forward(json.RawMessage(own))
		if err != nil {
			t.Fatal(err)
		}
		back, err := f.Invert(written)
		if err != nil || string(back) != own {
			t.Errorf("%s went as %s and came back as %s, %v", own, written, back, err)
		}
	}
}

func TestForwardNamesWhatHasNoPlace(t *testing.T) {
	f := converted(t, everything)
	_, err := f.Forward(json.RawMessage(`{"name":"ab","other":1}`))
	if err == nil || !strings.Contains(err.Error(), "other: the function has no place for this") {
		t.Errorf("got %v", err)
	}
}

func TestOptionsWithTheSameMembersAreToldApart(t *testing.T) {
	// Both have the members a and b; where b is left out, only the options' order
	// could tell whether null means null.
	f := converted(t, `{"type":"object","properties":{"v":{"anyOf":[
		{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":["string","null"]}},"required":["a"]},
		{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":["string","null"]}},"required":["a","b"]}]}},"required":["v"]}`)
	for _, own := range []string{`{"v":{"a":1}}`, `{"v":{"a":1,"b":null}}`, `{"v":{"a":1,"b":"x"}}`} {
		written, err := f.Forward(json.RawMessage(own))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := f.Invert(written); err != nil || string(back) != own {
			t.Errorf("%s went as %s and came back as %s, %v", own, written, back, err)
		}
	}
}

func TestSchemaThatDoublesIsCheckedOnce(t *testing.T) {
	schema := `{"type":"object","properties":{"v":{"$ref":"#/$defs/d0"}},"required":["v"],"$defs":{`
	for i := range 40 {
		next := strconv.Itoa(i + 1)
		schema += `"d` + strconv.Itoa(i) + `":{"allOf":[{"$ref":"#/$defs/d` + next + `"},{"$ref":"#/$defs/d` + next + `"}]},`
	}
	f := converted(t, schema+`"d40":{"type":"string"}}}`)
	if _, err := f.Invert(json.RawMessage(`{"v":"x"}`)); err != nil {
		t.Error(err)
	}
}

func TestHopelessArgumentsAreGivenUpOn(t *testing.T) {
	// Either option of each level leads to the other: 2^80 ways to be wrong.
	f := converted(t, `{"type":"object","properties":{"v":{"$ref":"#/$defs/j"}},"required":["v"],"$defs":{"j":{"anyOf":[{"type":"string"},
		{"type":"array","items":{"$ref":"#/$defs/j"}},{"type":"array","items":{"type":"array","items":{"$ref":"#/$defs/j"}}}]}}}`)
	_, err := f.Invert(json.RawMessage(`{"v":` + strings.Repeat("[", 80) + `5` + strings.Repeat("]", 80) + `}`))
	if err == nil || !strings.Contains(err.Error(), "takes too long") {
		t.Errorf("got %v", err)
	}
}
