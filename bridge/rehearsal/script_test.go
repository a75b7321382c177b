package rehearsal

import (
	"strings"
	"testing"
)

func TestMistakeInScriptIsNamedWithItsLine(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"nothing":             {"", "no scenes"},
		"no list":             {"scenes: 3\n", "line 1: "},
		"unknown field":       {"scenes:\n  - say: hi\n    then: bye\n", `line 3: unknown field "then"`},
		"unknown condition":   {"scenes:\n  - say: hi\n    when:\n      users: x\n", `line 4: unknown field "users"`},
		"bad expression":      {"scenes:\n  - say: hi\n    when:\n      user: '(a'\n", "line 4: expected a regular expression"},
		"expression is a map": {"scenes:\n  - say: hi\n    when:\n      user: {a: b}\n", "expected a regular expression"},
		"bad template":        {"scenes:\n  - say: hi\n  - say: '{{ match }'\n", "line 3: expected a template"},
		"unknown function":    {"scenes:\n  - say: '{{ frob }}'\n", `line 2: expected a template`},
		"bad argument":        {"scenes:\n  - call:\n      - tool: x\n        with:\n          a: {b: ['{{ nope }}']}\n", `line 5: expected a template`},
		"no answer":           {"scenes:\n  - when: {turn: 1}\n", `expected "say", "call" or both`},
		"no tool":             {"scenes:\n  - call:\n      - with: {a: 1}\n", `expected "tool: name"`},
		"both arguments":      {"scenes:\n  - call: [{tool: x, with: {a: 1}, arguments: '{}'}]\n", "expected one of them"},
		"bad turn":            {"scenes:\n  - say: hi\n    when: {turn: -1}\n", "expected 1 or more"},
		"bad delay":           {"scenes:\n  - say: hi\n    delay: soon\n", `"soon": expected a duration`},
		"same field twice":    {"scenes:\n  - say: hi\n    say: ho\n", "line 3: "},
		"not YAML":            {"scenes: [\n", "line "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load([]byte(c.source))
			if err == nil {
				t.Fatal("no error")
			}
			if got := err.Error(); !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
				t.Errorf("got %q, want one line with %q", got, c.want)
			}
		})
	}
}

func FuzzLoadTakesAnything(f *testing.F) {
	f.Add([]byte("scenes:\n  - when: {user: 'a(b)', turn: 1, last_tool: t, last_result: x, system: y}\n    say: 'hi {{ match \"a\" }}'\n    delay: 1ms\n"))
	f.Add([]byte("scenes:\n  - call: [{tool: x, with: {a: 1, b: [true, '{{ turn }}']}}, {tool: y, arguments: '{'}]\n"))
	f.Add([]byte("scenes: [{say: '{{ user }}{{/* c */}}'}]"))
	talk := listen([]message{{Role: "user", Content: content{text: "ab", given: true}}})
	f.Fuzz(func(t *testing.T, source []byte) {
		script, err := Load(source)
		if (script == nil) == (err == nil) {
			t.Fatalf("script %v with error %v", script, err)
		}
		if err == nil && !strings.Contains(string(source), "range") { // a template may well loop for hours
			script.play(talk, (&Server{}).strict(nil))
		}
	})
}
