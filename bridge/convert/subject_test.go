package convert_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"

	"drawbridge/bridge/convert"
)

// subject is one tool under test: its schema, independent validators of it, and its
// function. The parts are nil where they cannot be made; those that take long are
// made when they are first asked for.
type subject struct {
	label    string
	repaired bool // the tool means something else than its schema says by the letter
	schema   json.RawMessage
	root     any       // the schema, decoded
	original validator // formats as its draft has them
	closed   validator // the same, taking only what it declares: see closedForm
	kind     validator // the same with formats ignored
	function *convert.Function
	shown    any                // the parameters, decoded
	shownFit *jsonschema.Schema // formats asserted
	broken   error              // why there is no shownFit
}

type validator func() *jsonschema.Schema

// whenAsked makes a validator once, or nothing of a schema that does not compile.
func whenAsked(make func() (*jsonschema.Schema, error)) validator {
	return sync.OnceValue(func() *jsonschema.Schema {
		v, err := make()
		if err != nil {
			return nil
		}
		return v
	})
}

func newSubject(label string, t tool) *subject {
	s := &subject{label: label, schema: t.InputSchema}
	s.root, _ = decode(t.InputSchema)
	s.repaired = contradicts(s.root)
	s.original = whenAsked(func() (*jsonschema.Schema, error) { return compile(t.InputSchema) })
	s.closed = whenAsked(func() (*jsonschema.Schema, error) { return compile2019(encode(closedForm(s.root, s.root))) })
	s.kind = whenAsked(func() (*jsonschema.Schema, error) { return compile(encode(withoutFormats(s.root))) })
	f, err := convert.Convert(t.input())
	if err != nil {
		return s
	}
	s.function = f
	s.shown, _ = decode(f.Parameters)
	s.shownFit, s.broken = compileShown(f)
	return s
}

// mustBeWhole fails when the parameters are no valid JSON Schema.
func (s *subject) mustBeWhole(t *rapid.T) {
	if s.broken != nil {
		t.Fatalf("%s: the parameters do not compile: %v\n%s", s.label, s.broken, clip(s.function.Parameters))
	}
}

// contradicts tells whether an enum in the schema has no value of its type. By the
// letter nothing is accepted there, which nobody means.
func contradicts(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, contradicts)
	case map[string]any:
		enum, _ := v["enum"].([]any)
		names := typeNames(v["type"])
		if len(enum) > 0 && len(names) > 0 && !slices.ContainsFunc(enum, func(value any) bool { return isOneOf(value, names) }) {
			return true
		}
		for _, value := range v {
			if contradicts(value) {
				return true
			}
		}
	}
	return false
}

func isOneOf(value any, names []string) bool {
	is := func(name string) bool { return slices.Contains(names, name) }
	switch v := value.(type) {
	case nil:
		return is("null")
	case bool:
		return is("boolean")
	case string:
		return is("string")
	case []any:
		return is("array")
	case json.Number:
		return is("number") || is("integer") && !strings.Contains(reduced(string(v)), "e-")
	}
	return is("object")
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
			s.repaired = s.repaired || repaired
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
