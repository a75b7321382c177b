package convert_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"drawbridge/bridge/convert"
	"drawbridge/bridge/convert/strictrules"
)

// seeds gives the schemas of all cases, with arguments.
func seeds(f *testing.F, add func(schema, arguments json.RawMessage)) {
	files, err := filepath.Glob("testdata/cases/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		for _, c := range readCases(f, file) {
			arguments := json.RawMessage(`{}`)
			if len(c.Valid) > 0 {
				arguments = c.Valid[len(c.Valid)-1]
			}
			add(c.Tool.InputSchema, arguments)
		}
	}
}

// FuzzConvert wants of any bytes that they become a function that the API takes,
// always the same, or a refusal with a reason; and that neither takes much work. How
// long it takes is not asked: that is up to the machine.
func FuzzConvert(f *testing.F) {
	seeds(f, func(schema, _ json.RawMessage) { f.Add([]byte(schema)) })
	for _, name := range slices.Sorted(maps.Keys(selfish)) {
		f.Add([]byte(selfish[name]))
	}
	f.Fuzz(func(t *testing.T, schema []byte) {
		tool := convert.Tool{Name: "fuzzed", Description: "A tool.", Input: schema}
		if steps, _ := convert.Work(tool); steps > convert.MaxWork+overrun {
			t.Errorf("takes %d steps, of %d", steps, convert.MaxWork)
		}
		function, err := convert.Convert(tool)
		if err != nil {
			if err.Error() == "" {
				t.Error("refused without a reason")
			}
			return
		}
		for _, v := range strictrules.Check("fuzzed", function.Parameters, function.Strict) {
			t.Errorf("breaks a rule (strict %v): %v\n%s", function.Strict, v, clip(function.Parameters))
		}
		isDeterministic(t, tool, function)
	})
}

// FuzzInvert wants of any arguments for any schema that they arrive valid, or are
// refused clearly.
func FuzzInvert(f *testing.F) {
	seeds(f, func(schema, arguments json.RawMessage) {
		f.Add([]byte(schema), []byte(arguments))
		if function, err := convert.Convert(convert.Tool{Name: "seed", Input: schema}); err == nil {
			if said, err := function.Forward(arguments); err == nil {
				f.Add([]byte(schema), []byte(said))
			}
		}
	})
	f.Fuzz(func(t *testing.T, schema, said []byte) {
		function, err := convert.Convert(convert.Tool{Name: "fuzzed", Input: schema})
		if err != nil {
			return
		}
		arguments, err := function.Invert(said)
		if err != nil {
			isClear(t, function, err)
			return
		}
		if err := function.Validate(arguments); err != nil {
			t.Fatalf("%s became %s, which is not valid: %v", said, arguments, err)
		}
	})
}

// FuzzNames wants legal names of their own for any two tools, that do not depend on
// each other.
func FuzzNames(f *testing.F) {
	f.Add("a.b", "a_b")
	f.Add("", "\xff")
	f.Add("find_tools", "find_tools_0123abcd")
	f.Fuzz(func(t *testing.T, a, b string) {
		names := convert.Names([]string{a, b}, "find_tools")
		for _, tool := range []string{a, b} {
			if !functionName.MatchString(names[tool]) || names[tool] == "find_tools" {
				t.Errorf("%q became %q", tool, names[tool])
			}
			if alone := convert.Names([]string{tool}, "find_tools")[tool]; alone != names[tool] {
				t.Errorf("%q is %q alone and %q beside %q", tool, alone, names[tool], b)
			}
		}
		if a != b && names[a] == names[b] {
			t.Errorf("%q and %q are both %q", a, b, names[a])
		}
	})
}
