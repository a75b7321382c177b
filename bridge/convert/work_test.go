package convert_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/bridge/convert"
)

// overrun is what may be worked after the last step is gone: one look at each of what
// is being looked through.
const overrun = convert.MaxWork / 5

// selfish are small schemas that contain themselves without a reference to the part
// that does. The first was found by fuzzing, most others by the property below. They
// were unrolled
// until 20,000 forms were made: seconds of work, or megabytes of text.
var selfish = map[string]string{
	"a member that is all of the whole":              `{"properties":{"":{"allOf":[{"$ref":""},{"":2},{"":[7]}],"":""}},"":{"":{"":"","":""}}}`,
	"a member beside whose reference a rule stands":  `{"properties":{"c":{"$ref":"#/$defs/d1","unevaluatedProperties":{"oneOf":[{"$ref":"#/$defs/d1"}]}},"d":{"$ref":"#/$defs/d1"}},"$defs":{"d1":{"$ref":"#"}}}`,
	"a member of what the whole is all of":           `{"allOf":[{"$ref":"#/$defs/d"},{"allOf":[{"$ref":"#"}],"properties":{"b":{"allOf":[{"$ref":"#"}]},"c":{"$ref":"#"}}},true],"$defs":{"d":{}}}`,
	"items that are tuples of themselves":            `{"prefixItems":[{"allOf":[{"$ref":"#"}],"properties":{"a":{"$ref":"#"},"d":{"$ref":"#"}}},{},{"$ref":"#/properties/a"}]}`,
	"members by pattern that are one of the whole":   `{"allOf":[{"patternProperties":{"b":{"$ref":"#"},"d":{"additionalProperties":{},"allOf":[{"items":{},"oneOf":[{"oneOf":[{"$ref":"#"}]}]}],"not":true}}},{"$ref":"#"}]}`,
	"further members that are all of the whole":      `{"additionalProperties":{"allOf":[true,{"$ref":"#"}],"properties":{"a":{"enum":["a","b"]},"d":{"else":{"$ref":"#"},"items":{}}}}}`,
	"unevaluated members that are all of the whole":  `{"unevaluatedProperties":{"allOf":[{},{"$ref":"#"}],"dependentSchemas":{"a":{"type":"object"},"b":{}},"oneOf":[{"properties":{"d":{}},"then":{}}]}}`,
	"a member that is the whole under a condition":   `{"allOf":[{"$ref":"#"}],"dependentSchemas":{"a":{"type":"string"},"d":{"$ref":"#"}},"properties":{"c":{},"d":{"allOf":[{"$ref":"#"},{}],"else":{"anyOf":[{"$ref":"#"},{},true]}}}}`,
	"two members that are all of each other":         `{"properties":{"a":{"properties":{"x":{"allOf":[{"$ref":"#/properties/b"}]}}},"b":{"properties":{"y":{"allOf":[{"$ref":"#/properties/a"}],"title":"y"}}}}}`,
	"eight members that are all of the whole":        giants()["members that contain the whole, 8 of them"],
	"an option that is all of the whole":             `{"properties":{"v":{"anyOf":[{"allOf":[{"$ref":"#"}],"title":"w"},{"type":"null"}]}}}`,
	"a condition that is the whole":                  `{"properties":{"v":{"if":{"$ref":"#"},"then":{"allOf":[{"$ref":"#"}],"title":"w"},"else":{"$ref":"#/properties/v"}}}}`,
	"a name that is the whole":                       `{"propertyNames":{"allOf":[{"$ref":"#"}]},"additionalProperties":{"not":{"allOf":[{"$ref":"#"}]}}}`,
	"definitions that double, each all of the whole": doubling(30, `{"allOf":[{"$ref":"#"},{"$ref":"#/$defs/%[1]s"}],"properties":{"l":{"allOf":[{"$ref":"#/$defs/%[1]s"}]},"r":{"allOf":[{"$ref":"#/$defs/%[1]s"}]}}}`),
}

func TestSchemaThatContainsItselfTakesLittleWork(t *testing.T) {
	const most = 50_000
	for _, name := range slices.Sorted(maps.Keys(selfish)) {
		input := convert.Tool{Name: "selfish", Input: json.RawMessage(selfish[name])}
		if steps, enough := convert.Work(input); steps > most || !enough {
			t.Errorf("%s takes %d steps, not at most %d", name, steps, most)
		}
		f, err := convert.Convert(input)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		obeysTheRules(t, f)
		isDeterministic(t, input, f)
	}
}

func TestGiantSchemaTakesBoundedWork(t *testing.T) {
	all := giants()
	given := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		input := convert.Tool{Name: "giant", Input: json.RawMessage(all[name])}
		steps, enough := convert.Work(input)
		if steps > convert.MaxWork+overrun {
			t.Errorf("%s takes %d steps, of %d", name, steps, convert.MaxWork)
		}
		if !enough {
			given++
		}
		testCase{Tool: tool{Name: "giant", InputSchema: input.Input}, MayRefuse: true, Valid: raws(`{}`)}.run(t)
	}
	if given < len(all)/4 {
		t.Errorf("only %d of %d are too much work: the bound is hardly tested", given, len(all))
	}
}

// What is too much to spell out stays callable, and checked.
func TestToolThatIsTooMuchWorkIsShownAsText(t *testing.T) {
	for _, c := range []testCase{
		{
			Name:    "an object",
			Tool:    built(`{"type":"object","title":"Giant","description":"Much.","required":["p00000"],` + object(60_000, 5, `{"type":"integer"}`)[len(`{"type":"object",`):]),
			Says:    []string{"JSON text of an object", "Giant", "Much."},
			Valid:   raws(`{"p00000":1}`, `{"p00000":1,"p59999":2}`),
			Invalid: slices.Concat(invalid(`{"p00000":"x"}`, "p00000"), invalid(`{}`, "p00000")),
		},
		{
			Name:    "a list",
			Tool:    built(`{"type":"array","items":` + object(60_000, 5, `{"type":"integer"}`) + `}`),
			Says:    []string{"JSON text, by this schema"},
			Valid:   raws(`[]`, `[{},{"p59999":2}]`),
			Invalid: invalid(`[{"p00000":"x"}]`, "p00000"),
		},
	} {
		t.Run(c.Name, func(t *testing.T) {
			if _, enough := convert.Work(c.Tool.input()); enough {
				t.Fatal("it is spelled out: this tests nothing")
			}
			c.run(t)
		})
	}
}

// The same schemas each time: for any schema of this size to be this cheap is likely
// and not certain.
func TestTangledReferencesTakeLittleWork(t *testing.T) {
	const schemas, most, mostOften = 500, 400_000, 3000
	draw := rapid.Custom(tangled)
	often := 0
	for seed := range schemas {
		input := convert.Tool{Name: "tangled", Input: encode(draw.Example(seed))}
		steps, enough := convert.Work(input)
		if steps > most || !enough {
			t.Errorf("%d steps are more than %d: %s", steps, most, input.Input)
		}
		if steps <= mostOften {
			often++
		}
		// What is not counted is found here: nothing that repeats goes without making
		// something.
		allowed := float64(1000 + 4*(steps+len(input.Input)))
		if made := testing.AllocsPerRun(1, func() { convert.Work(input) }); made > allowed {
			t.Errorf("%d steps make %.0f things: something is not counted: %s", steps, made, input.Input)
		}
	}
	if often < schemas*9/10 {
		t.Errorf("only %d of %d schemas take at most %d steps", often, schemas, mostOften)
	}
}

func TestTangledReferencesBecomeFunctions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		input := convert.Tool{Name: "tangled", Input: encode(tangled(t))}
		if steps, _ := convert.Work(input); steps > convert.MaxWork+overrun {
			t.Fatalf("%d steps, of %d: %s", steps, convert.MaxWork, input.Input)
		}
		s := newSubject("tangled", tool{Name: "tangled", InputSchema: input.Input})
		s.mustBeWhole(t)
		if s.function == nil {
			return
		}
		if _, err := s.function.Invert(json.RawMessage(`{}`)); err != nil {
			s.refusesClearly(t, json.RawMessage(`{}`), err)
		}
	})
}
