package convert_test

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"

	"drawbridge/bridge/convert"
)

// A failing check is reproduced by the seed that it prints: without this it would
// also leave a file in testdata.
func init() {
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		panic(err)
	}
}

// subject is one tool under test: its schema, an independent validator of it, and
// its function. The parts are nil where they cannot be made.
type subject struct {
	label    string
	repaired bool // the tool means something else than its schema says by the letter
	schema   json.RawMessage
	root     any                // the schema, decoded
	original *jsonschema.Schema // formats as its draft has them
	closed   *jsonschema.Schema // the same, taking only what it declares: see closedForm
	kind     *jsonschema.Schema // the same without formats: nothing says that a format must be checked
	function *convert.Function
	shown    any                // the parameters, decoded
	shownFit *jsonschema.Schema // formats asserted
}

func newSubject(label string, t tool) *subject {
	s := &subject{label: label, schema: t.InputSchema}
	if v, err := decode(t.InputSchema); err == nil {
		s.root = v
		s.original, _ = compile(t.InputSchema)
		s.closed, _ = compile2019(encode(closedForm(v, v)))
		s.kind, _ = compile(encode(withoutFormats(v)))
	}
	f, err := convert.Convert(t.input())
	if err != nil {
		return s
	}
	s.function = f
	if v, err := decode(f.Parameters); err == nil {
		s.shown = v
		s.shownFit, _ = compileShown(f)
	}
	return s
}

// withoutFormats is a schema whose formats say nothing.
func withoutFormats(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			_, isText := value.(string)
			switch {
			case name == "format" && isText:
			case name == "enum", name == "const", name == "default", name == "examples":
				out[name] = value
			default:
				out[name] = withoutFormats(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = withoutFormats(v[i])
		}
		return out
	}
	return v
}

// subjects makes them when they are first drawn: a full corpus takes a while.
type subjects struct {
	makers []func() *subject
}

var allSubjects = sync.OnceValue(func() *subjects {
	all := &subjects{}
	add := func(label string, t tool, repaired bool) {
		all.makers = append(all.makers, sync.OnceValue(func() *subject {
			s := newSubject(label, t)
			s.repaired = repaired
			return s
		}))
	}
	files, _ := filepath.Glob("testdata/cases/*.json")
	for _, file := range files {
		for _, c := range readCases(discard{}, file) {
			add(c.Name, c.Tool, c.Repaired)
		}
	}
	lists, _ := corpus()
	for _, file := range slices.Sorted(maps.Keys(lists)) {
		for _, tool := range lists[file] {
			add(file+" "+tool.Name, tool, false)
		}
	}
	return all
})

// discard is a testing.TB for reading what other tests have read with their own.
type discard struct{ testing.TB }

func (discard) Helper()                      {}
func (discard) Fatal(args ...any)            { panic(args) }
func (discard) Fatalf(_ string, args ...any) { panic(args) }

// perCheck is how many tools one check looks at.
const perCheck = 25

func (s *subjects) draw(t *rapid.T) []*subject {
	out := make([]*subject, perCheck)
	for i := range out {
		out[i] = s.makers[rapid.IntRange(0, len(s.makers)-1).Draw(t, "tool")]()
	}
	return out
}

// tallies say in the end whether a property was tested at all.
type tallies struct{ drawn, usable, refused atomic.Int64 }

func (n *tallies) report(t *testing.T, least float64) {
	drawn, usable := n.drawn.Load(), n.usable.Load()
	t.Logf("%d instances drawn, %d usable, %d refused", drawn, usable, n.refused.Load())
	if float64(usable) < least*float64(drawn) {
		t.Errorf("only %d of %d drawn instances were usable: this tests nothing", usable, drawn)
	}
}

func TestArgumentsOfTheToolGoForwardAndComeBackEqual(t *testing.T) {
	readCorpus(t)
	var n tallies
	rapid.Check(t, func(t *rapid.T) {
		for _, s := range allSubjects().draw(t) {
			s.comesBack(t, &n)
		}
	})
	n.report(t, 0.5)
}

func TestArgumentsOfComposedSchemasGoForwardAndComeBackEqual(t *testing.T) {
	var n tallies
	rapid.Check(t, func(t *rapid.T) {
		s := newSubject("composed", tool{Name: "composed", InputSchema: encode(composed(t))})
		for range 5 {
			s.comesBack(t, &n)
		}
	})
	n.report(t, 0.2)
}

// comesBack draws arguments that the tool takes and sends them there and back.
func (s *subject) comesBack(t *rapid.T, n *tallies) {
	if s.original == nil || s.closed == nil || s.function == nil {
		return
	}
	n.drawn.Add(1)
	value, ok := instance(t, s.root, false)
	if _, isObject := value.(map[string]any); !ok || !isObject || check(s.original, value) != nil || check(s.closed, value) != nil {
		return
	}
	n.usable.Add(1)
	arguments := encode(value)
	fail := func(what string, args ...any) {
		t.Helper()
		t.Fatalf("%s: %s\n"+what, append([]any{s.label, arguments}, append(args, clip(s.schema), clip(s.function.Parameters), s.function.Notes)...)...)
	}
	said, err := s.function.Forward(arguments)
	if err != nil {
		fail("does not go forward: %v\nschema %s\nparameters %s\nnotes %q", err)
	}
	if s.shownFit != nil {
		if err := check(s.shownFit, mustDecodeRapid(t, said)); err != nil {
			fail("went forward as %s, which does not fit the parameters: %v\nschema %s\nparameters %s\nnotes %q", clip(said), err)
		}
	}
	back, err := s.function.Invert(said)
	if err != nil {
		fail("went forward as %s, which does not invert: %v\nschema %s\nparameters %s\nnotes %q", clip(said), err)
	}
	if !sameJSON(back, arguments) {
		fail("went forward as %s and came back as %s\nschema %s\nparameters %s\nnotes %q", clip(said), clip(back))
	}
}

func mustDecodeRapid(t *rapid.T, data []byte) any {
	v, err := decode(data)
	if err != nil {
		t.Fatalf("%s is not JSON: %v", clip(data), err)
	}
	return v
}

func TestWhatTheModelSaysArrivesValidOrIsRefusedClearly(t *testing.T) {
	readCorpus(t)
	var n tallies
	rapid.Check(t, func(t *rapid.T) {
		for _, s := range allSubjects().draw(t) {
			s.arrivesValid(t, &n)
		}
	})
	n.report(t, 0.5)
}

func TestWhatTheModelSaysToComposedSchemasArrivesValidOrIsRefusedClearly(t *testing.T) {
	var n tallies
	rapid.Check(t, func(t *rapid.T) {
		s := newSubject("composed", tool{Name: "composed", InputSchema: encode(composed(t))})
		for range 5 {
			s.arrivesValid(t, &n)
		}
	})
	n.report(t, 0.2)
}

// arrivesValid draws what a model could say under the parameters, and inverts it.
func (s *subject) arrivesValid(t *rapid.T, n *tallies) {
	if s.kind == nil || s.shownFit == nil || !s.function.Strict || s.repaired {
		return
	}
	n.drawn.Add(1)
	value, ok := instance(t, s.shown, true)
	if !ok || check(s.shownFit, value) != nil {
		return
	}
	n.usable.Add(1)
	said := encode(value)
	arguments, err := s.function.Invert(said)
	if err != nil {
		n.refused.Add(1)
		if s.losesNothing() {
			t.Fatalf("%s: the parameters carry all of the schema, and take %s, yet it is refused: %v\nschema %s\nparameters %s", s.label, said, err, clip(s.schema), clip(s.function.Parameters))
		}
		s.refusesClearly(t, said, err)
		return
	}
	if err := check(s.kind, mustDecodeRapid(t, arguments)); err != nil {
		t.Fatalf("%s: the model said %s, and the tool got %s, which it does not take: %v\nschema %s\nparameters %s\nnotes %q",
			s.label, said, arguments, err, clip(s.schema), clip(s.function.Parameters), s.function.Notes)
	}
}

// losesNothing tells whether strict carries every constraint of the schema: then
// what fits the parameters must be taken. Notes name what it cannot carry; that
// text is JSON, that keys differ and that a tuple has no gaps, it never can.
func (s *subject) losesNothing() bool {
	shown := string(s.function.Parameters) + s.function.Description
	return len(s.function.Notes) == 0 && !strings.Contains(shown, "JSON") && !strings.Contains(shown, `"key"`) && !strings.Contains(shown, `"item_`)
}

func (s *subject) refusesClearly(t *rapid.T, said json.RawMessage, err error) {
	var wrong *convert.ArgumentError
	if !errors.As(err, &wrong) || len(wrong.Problems) == 0 {
		t.Fatalf("%s: %s is refused with no problem named: %T %v", s.label, said, err, err)
	}
	for _, p := range wrong.Problems[:min(len(wrong.Problems), saidInFull)] {
		if p.Text == "" || !strings.Contains(err.Error(), p.Text) {
			t.Fatalf("%s: %s: a problem is not said: %+v in %v", s.label, said, p, err)
		}
		// The root has no name; every other place must be in the text.
		if p.Path != "" && !strings.Contains(err.Error(), p.Path) {
			t.Fatalf("%s: %s: place %q is not in the text: %v", s.label, said, p.Path, err)
		}
	}
	if len(wrong.Example) == 0 {
		return
	}
	if _, err := s.function.Invert(wrong.Example); err != nil {
		t.Fatalf("%s: the example %s is refused as well: %v", s.label, wrong.Example, err)
	}
}
