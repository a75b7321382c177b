package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"drawbridge/tools"
)

// mountedInput is the schema of a mounted tool, whose checks may take their time: the
// machine may be busy.
func mountedInput(schema string) *input {
	in := hastyInput(schema)
	if in.watch != nil {
		in.watch.limit = time.Hour
	}
	return in
}

// hastyInput is one whose checks may take as long as they may outside of tests.
func hastyInput(schema string) *input {
	return compileMounted(tools.Tool{Name: "wild__t", Input: json.RawMessage(schema)}, slog.New(slog.DiscardHandler))
}

// answerTo is all that is said about arguments that do not fit, "" if they do.
func answerTo(t testing.TB, in *input, arguments string) string {
	t.Helper()
	given, err := decode(json.RawMessage(arguments))
	if err != nil {
		t.Fatal(err)
	}
	problems := in.checkMounted(given)
	if len(problems) == 0 {
		return ""
	}
	return list(problems, "; ") + in.explain("t", problems, given)
}

// doubling is a schema in which each of n definitions asks for the one before twice.
func doubling(n int) string {
	var b strings.Builder
	b.WriteString(`{"$defs":{"d0":{"minProperties":1}`)
	for i := range n {
		fmt.Fprintf(&b, `,"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i+1, i, i)
	}
	fmt.Fprintf(&b, `},"$ref":"#/$defs/d%d"}`, n)
	return b.String()
}

func TestHostileSchemaCostsABoundedTimeOnce(t *testing.T) {
	var log strings.Builder
	in := compileMounted(tools.Tool{Name: "wild__t", Input: json.RawMessage(doubling(600))}, slog.New(slog.NewTextHandler(&log, nil)))
	if in.compiled == nil {
		t.Fatal("the schema does not even compile: nothing is tested")
	}
	for range 20 { // without a bound not one of them would end
		if got := answerTo(t, in, `{}`); got != "" {
			t.Fatalf("got %s", got)
		}
	}
	if strings.Count(log.String(), "checking takes too long") != 1 || !strings.Contains(log.String(), "wild__t") {
		t.Errorf("log %s", log.String())
	}
}

func TestHostileSchemaGetsAnAnswerOfBoundedLength(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	var many, branches, props, required strings.Builder
	for i := range 900 {
		fmt.Fprintf(&many, `"v%d",`, i)
		fmt.Fprintf(&branches, `{"type":"string","maxLength":%d},`, i)
		fmt.Fprintf(&props, `"p%d":{"$ref":"#"},`, i)
		fmt.Fprintf(&required, `"p%d",`, i)
	}
	for name, schema := range map[string]string{
		"long values":       `{"properties":{"a":{"enum":["` + long + `"]},"b":{"const":"` + long + `"}},"examples":[{"a":"` + long + `"}]}`,
		"many values":       `{"properties":{"a":{"enum":[` + many.String() + `"v"]}}}`,
		"many branches":     `{"properties":{"a":{"anyOf":[` + branches.String() + `{"type":"null"}]}}}`,
		"nested branches":   `{"properties":{"a":` + strings.Repeat(`{"anyOf":[{"type":"null"},`, 20) + `{"type":"null"}` + strings.Repeat(`]}`, 20) + `}}`,
		"long names":        `{"properties":{"` + long + `":{}},"additionalProperties":false}`,
		"long names, asked": `{"required":["` + long + `"]}`,
		"many members":      `{"type":"object","properties":{` + props.String() + `"a":false},"required":[` + required.String() + `"a"],"additionalProperties":false}`,
		"a long default":    `{"properties":{"a":{"type":"integer","default":"` + long + `"},"b":{"type":"null","default":"` + long + `"}},"required":["b"]}`,
		"a long pattern":    `{"properties":{"a":{"type":"string","pattern":"(` + strings.Repeat("ab", 2000) + `){100}"}}}`,
	} {
		in := mountedInput(schema)
		if in.compiled == nil {
			t.Errorf("%s: does not compile: nothing is tested", name)
		}
		got := answerTo(t, in, `{"a":5,"b":6,"q":7}`)
		if got == "" || len(got) > 20_000 {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}

func TestOnlySoManyWrongValuesAreLookedInto(t *testing.T) {
	in := mountedInput(`{"properties":{"a":{"items":{"type":"string"}}}}`)
	given, err := decode(json.RawMessage(`{"a":[` + strings.Repeat(`1,`, 3*maxLeaves) + `1]}`))
	if err != nil {
		t.Fatal(err)
	}
	problems := in.checkMounted(given)
	if len(problems) != maxLeaves || problems[0].path != "a[0]" {
		t.Errorf("%d problems, the first at %s", len(problems), problems[0].path)
	}
}

func TestNameThatAPatternAllowsIsNotCalledUnknown(t *testing.T) {
	in := mountedInput(`{"patternProperties":{"^x-":{},"^y-":{}},"additionalProperties":false}`)
	given, err := decode(json.RawMessage(`{"x-a":1,"y-b":2,"b":3}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := list(in.checkMounted(given), "; "); got != "b: unknown; a name has to match ^x-" {
		t.Errorf("got %s", got)
	}
}

func TestLongArrayIsNotSearchedForEqualItems(t *testing.T) {
	in := mountedInput(`{"properties":{"a":{"uniqueItems":true}}}`)
	if got := answerTo(t, in, `{"a":[1,1]}`); !strings.Contains(got, "uniqueItems") {
		t.Errorf("a short one is: got %q", got)
	}
	if got := answerTo(t, in, `{"b":{"a":[`+strings.Repeat("1,", maxUnique)+`1]}}`); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestPanicOfACheckIsNotOurs(t *testing.T) {
	var reasons []string
	watch := &stopwatch{steps: maxSteps, limit: time.Minute, gaveUp: func(reason string) { reasons = append(reasons, reason) }}
	if err := watch.run(func() error { panic("the validator's") }); err != errTooLong {
		t.Errorf("got %v", err)
	}
	if err := watch.run(func() error { t.Error("checked again"); return nil }); err != errTooLong {
		t.Errorf("got %v", err)
	}
	if len(reasons) != 1 || reasons[0] != "the validator's" {
		t.Errorf("gave up because of %q", reasons)
	}
}

func FuzzWildSchemaIsExplainedOrLeftAlone(f *testing.F) {
	for _, seed := range []string{
		`{"$ref":"#"}`, `{"properties":{"a":{"$ref":"#/properties/a"}}}`, `true`, `false`, `{"type":["object","null"],"required":["a"]}`,
		`{"items":[{"type":"string"},false],"properties":{"a":true}}`, `{"oneOf":[{"required":["a"]},{"required":["b"]}]}`,
		`{"$dynamicRef":"#x","$defs":{"x":{"$dynamicAnchor":"x","unevaluatedProperties":false}}}`, `{"not":{},"examples":[{}]}`,
		`{"properties":{"a":{"type":"string","pattern":"^(a|b){3,9}\\d$","minLength":99}},"required":["a"],"additionalProperties":{"enum":[null]}}`,
		`{"$id":"x:y","properties":{"a":{"$id":"z","$ref":"#/d","d":{"type":"integer"}}}}`, `{"if":{"required":["a"]},"then":false,"else":{"multipleOf":0.1}}`,
	} {
		f.Add(seed, `{"a":1,"b":[{}]}`)
	}
	f.Fuzz(func(t *testing.T, schema, arguments string) {
		given, err := decode(json.RawMessage(arguments))
		if err != nil {
			return
		}
		in := hastyInput(schema)
		problems := in.checkMounted(given)
		var invalid *jsonschema.ValidationError
		if in.compiled != nil && len(problems) == 0 && errors.As(in.validate(given), &invalid) && !(in.unique && longest(given) > maxUnique) {
			t.Errorf("let through: %v", invalid)
		}
		if len(problems) > 0 && len(in.explain("t", problems, given)) > 20_000 {
			t.Errorf("the answer has no bound")
		}
		in.exampleText(nil)
	})
}

func TestSchemasOfRealServersAreChecked(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/corpus/*.json")
	if len(files) == 0 {
		t.Skip("there is no corpus beside the project")
	}
	all, left := 0, 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var server struct {
			Tools []struct {
				Name        string          `json:"name"`
				InputSchema json.RawMessage `json:"inputSchema"`
			} `json:"tools"`
		}
		if err := json.Unmarshal(raw, &server); err != nil {
			t.Fatal(err)
		}
		for i, tool := range server.Tools {
			if i%4 > 0 {
				continue // a part of them is enough to notice, and all take their time
			}
			all++
			in, err := tryDrafts(tools.Tool{Name: "t", Input: tool.InputSchema})
			if err != nil {
				left++
				t.Logf("%s, %s: %v", filepath.Base(file), tool.Name, err)
				continue
			}
			problems := in.checkMounted(map[string]any{"no such member": json.Number("1")})
			if text := in.explain("t", problems, map[string]any{}); len(text) > 20_000 {
				t.Errorf("%s, %s: %d bytes of explanation", filepath.Base(file), tool.Name, len(text))
			}
		}
	}
	if left*100 > all {
		t.Errorf("%d of %d schemas are left to their servers to check", left, all)
	}
}

// TestBusyMachineMakesNoSchemaHostile: an ordinary check that was held up is done all the
// same, and so is the next.
func TestBusyMachineMakesNoSchemaHostile(t *testing.T) {
	in := mountedInput(`{"properties":{"a":{"type":"integer"}}}`)
	in.watch.limit = -time.Second // it was over before it began
	in.watch.gaveUp = func(reason string) { t.Errorf("gave up: %s", reason) }
	for range 2 {
		if got := answerTo(t, in, `{"a":"x"}`); !strings.Contains(got, "integer") {
			t.Errorf("got %q", got)
		}
	}
}

// TestChecksEndByTheirSteps, however quick those are.
func TestChecksEndByTheirSteps(t *testing.T) {
	in := mountedInput(`{"properties":{"a":{"items":{"properties":{"b":{"type":"integer"}}}}}}`)
	in.watch.steps, in.watch.limit = 1000, time.Hour
	var reasons []string
	in.watch.gaveUp = func(reason string) { reasons = append(reasons, reason) }
	many := func(n int) string { return `{"a":[` + strings.Repeat(`{"b":"x"},`, n) + `{"b":"x"}]}` }
	if got := answerTo(t, in, many(100)); !strings.Contains(got, "integer") || len(reasons) > 0 {
		t.Errorf("a short list: got %q, gave up because of %q", got, reasons)
	}
	if got := answerTo(t, in, many(1000)); got != "" || len(reasons) != 1 {
		t.Errorf("a long one: got %q, gave up because of %q", got, reasons)
	}
}
