package convert_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"drawbridge/bridge/convert"
	"drawbridge/bridge/convert/strictrules"
)

// testCase is a tool, in MCP's words, and what must be true of its function
// however it is encoded: see testdata/cases.
type testCase struct {
	Name, Why string
	Tool      tool
	Strict    *bool             // absent: either will do
	Refused   bool              // nothing can be called here
	MayRefuse bool              // refused or not: either will do
	Says      []string          // the model must be told this; "a|b" is one of the two
	Order     []string          // of the properties
	Exact     bool              // not only equal: the same bytes come back
	Repaired  bool              // the tool means something else than its schema says by the letter
	Valid     []json.RawMessage // arguments that the tool takes
	Invalid   []struct {
		Arguments json.RawMessage
		Names     string // what the error must name
	}
	Inverts []struct{ Model, Arguments json.RawMessage } // what the model says, what the tool gets
}

// tool is a tool as tools/list has it.
type tool struct {
	Name, Title, Description string
	InputSchema              json.RawMessage
}

func (t tool) input() convert.Tool {
	return convert.Tool{Name: t.Name, Title: t.Title, Description: t.Description, Input: t.InputSchema}
}

func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	total := 0
	for _, file := range files {
		cases := readCases(t, file)
		total += len(cases)
		for _, c := range cases {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".json")+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				c.run(t)
			})
		}
	}
	if total < 220 {
		t.Errorf("only %d cases were found", total)
	}
}

func readCases(t testing.TB, file string) []testCase {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var raw []json.RawMessage
	if err := d.Decode(&raw); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	cases := make([]testCase, len(raw))
	for i := range raw {
		if err := json.Unmarshal(raw[i], &cases[i]); err != nil {
			t.Fatalf("reading case %d of %s: %v", i, file, err)
		}
	}
	return cases
}

func (c testCase) run(t *testing.T) {
	f, err := convert.Convert(c.Tool.input())
	if c.Refused || c.MayRefuse && err != nil {
		if err == nil {
			t.Fatalf("a tool that nobody can call became %s", clip(f.Parameters))
		}
		if len(err.Error()) < 10 {
			t.Errorf("the refusal gives no reason: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	if c.Strict != nil && *c.Strict != f.Strict {
		t.Errorf("strict is %v, notes: %v", f.Strict, f.Notes)
	}
	obeysTheRules(t, f)
	isDeterministic(t, c.Tool.input(), f)
	c.saysAll(t, f)
	c.keepsOrder(t, f)
	shown, err := compileShown(f)
	if err != nil {
		t.Fatalf("the parameters do not compile: %v\n%s", err, clip(f.Parameters))
	}
	for _, arguments := range c.Valid {
		c.comesBack(t, f, shown, arguments)
	}
	for _, bad := range c.Invalid {
		isRefused(t, f, bad.Arguments, bad.Names)
	}
	for _, pair := range c.Inverts {
		if got, err := f.Invert(pair.Model); err != nil || !sameJSON(got, pair.Arguments) {
			t.Errorf("%s inverts to %s, %v; want %s", pair.Model, got, err, pair.Arguments)
		}
	}
	if t.Failed() {
		t.Logf("why: %s\nschema: %s\nparameters: %s\ndescription: %s\nnotes: %q", c.Why, clip(c.Tool.InputSchema), clip(f.Parameters), clip([]byte(f.Description)), f.Notes)
	}
}

// obeysTheRules sees that the API would take the function.
func obeysTheRules(t testing.TB, f *convert.Function) {
	t.Helper()
	if len(f.Parameters) == 0 {
		t.Fatal("the function has no parameters")
	}
	for _, v := range strictrules.Check("f", f.Parameters, f.Strict) {
		t.Errorf("breaks a rule (strict %v): %v", f.Strict, v)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, f.Parameters); err != nil || !bytes.Equal(compact.Bytes(), f.Parameters) {
		t.Errorf("parameters are not compact: %v", err)
	}
	if !f.Strict && len(f.Notes) == 0 {
		t.Error("nothing says why the function is not strict")
	}
}

func isDeterministic(t testing.TB, tool convert.Tool, f *convert.Function) {
	t.Helper()
	again, err := convert.Convert(tool)
	if err != nil {
		t.Fatalf("the second time: %v", err)
	}
	if !bytes.Equal(again.Parameters, f.Parameters) || again.Description != f.Description || again.Strict != f.Strict || !slices.Equal(again.Notes, f.Notes) {
		t.Errorf("two conversions differ:\n%s %q\n%s %q", clip(f.Parameters), f.Notes, clip(again.Parameters), again.Notes)
	}
}

// saysAll looks for what the model must be told in all that it is shown.
func (c testCase) saysAll(t *testing.T, f *convert.Function) {
	shown := strings.ToLower(f.Description + "\n" + string(f.Parameters) + "\n" + strings.Join(allTexts(mustDecode(t, f.Parameters)), "\n"))
	for _, want := range c.Says {
		if !containsOne(shown, strings.ToLower(want)) {
			t.Errorf("the model is not told %q", want)
		}
	}
}

func containsOne(s, alternatives string) bool {
	return slices.ContainsFunc(strings.Split(alternatives, "|"), func(a string) bool { return strings.Contains(s, a) })
}

func allTexts(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			out = append(append(out, name), allTexts(value)...)
		}
	case []any:
		for _, value := range v {
			out = append(out, allTexts(value)...)
		}
	case string:
		out = []string{v}
	}
	return out
}

func (c testCase) keepsOrder(t *testing.T, f *convert.Function) {
	if c.Order == nil {
		return
	}
	var root struct{ Properties json.RawMessage }
	if err := json.Unmarshal(f.Parameters, &root); err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, name := range c.Order {
		at := bytes.Index(root.Properties, []byte(`"`+name+`":`))
		if at <= last {
			t.Errorf("property %q is not in its author's place", name)
		}
		last = at
	}
}

// comesBack sees that arguments that the tool takes can be said by the model, and
// arrive as they were.
func (c testCase) comesBack(t *testing.T, f *convert.Function, shown *jsonschema.Schema, arguments json.RawMessage) {
	t.Helper()
	if err := f.Validate(arguments); err != nil {
		t.Errorf("%s is valid, but Validate says: %v", clip(arguments), err)
	}
	said, err := f.Forward(arguments)
	if err != nil {
		t.Errorf("%s does not go forward: %v", clip(arguments), err)
		return
	}
	if err := check(shown, mustDecode(t, said)); err != nil {
		t.Errorf("%s went forward as %s, which does not fit the parameters: %v", clip(arguments), clip(said), err)
	}
	back, err := f.Invert(said)
	switch {
	case err != nil:
		t.Errorf("%s went forward as %s and not back: %v", clip(arguments), clip(said), err)
	case !sameJSON(back, arguments):
		t.Errorf("%s went forward as %s and came back as %s", clip(arguments), clip(said), clip(back))
	case c.Exact && !sameSpelling(back, arguments):
		t.Errorf("%s came back equal but spelt %s", arguments, back)
	}
}

func sameSpelling(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && x.String() == y.String()
}

// isRefused sees that arguments that the tool does not take cannot be said, or are
// answered with an error that names the place.
func isRefused(t *testing.T, f *convert.Function, arguments json.RawMessage, names string) {
	t.Helper()
	if f.Validate(arguments) == nil {
		t.Errorf("%s is invalid, but Validate takes it", clip(arguments))
	}
	said, err := f.Forward(arguments)
	if err != nil {
		return
	}
	back, err := f.Invert(said)
	if err == nil {
		t.Errorf("%s is invalid, went forward as %s and came back as %s", clip(arguments), clip(said), clip(back))
		return
	}
	isClear(t, f, err)
	if !containsOne(strings.ToLower(err.Error()), strings.ToLower(names)) {
		t.Errorf("the error for %s does not name %q: %v", clip(arguments), names, err)
	}
}

// saidInFull is how many problems an error must say; of the rest it may only say
// that there are more.
const saidInFull = 3

// isClear sees that an error tells the model what to do: problems, each with a
// text, and an example that works, if there is one.
func isClear(t testing.TB, f *convert.Function, err error) {
	t.Helper()
	var wrong *convert.ArgumentError
	if !errors.As(err, &wrong) {
		t.Errorf("not an *ArgumentError: %T %v", err, err)
		return
	}
	if len(wrong.Problems) == 0 {
		t.Errorf("the error has no problems: %v", err)
	}
	for _, p := range wrong.Problems[:min(len(wrong.Problems), saidInFull)] {
		if p.Text == "" || !strings.Contains(err.Error(), p.Text) {
			t.Errorf("a problem is not said: %+v in %v", p, err)
		}
	}
	if len(wrong.Example) == 0 {
		return
	}
	if _, err := f.Invert(wrong.Example); err != nil {
		t.Errorf("the example %s is refused as well: %v", clip(wrong.Example), err)
	}
}

// TestBuiltCases are cases too large to write down.
func TestBuiltCases(t *testing.T) {
	for _, c := range builtCases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			// Not by the clock: the machine may be busy.
			if steps, _ := convert.Work(c.Tool.input()); steps > convert.MaxWork+overrun {
				t.Errorf("takes %d steps, of %d", steps, convert.MaxWork)
			}
			c.run(t)
		})
	}
}
