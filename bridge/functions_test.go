package bridge

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// list is a tool list with these names and no arguments.
func list(names ...string) []Tool {
	tools := make([]Tool, len(names))
	for i, name := range names {
		tools[i] = Tool{Name: name, Input: json.RawMessage(`{"type":"object","properties":{}}`)}
	}
	return tools
}

func TestFunctionsMapBackToTheirTools(t *testing.T) {
	names := []string{"crm_get", "todo.add", "todo_add", "read_result", "find_tools", strings.Repeat("x", 65)}
	f := functionsOf(list(names...))
	if len(f.leftOut) > 0 || len(f.byName) != len(names) {
		t.Fatalf("%d functions, left out %v", len(f.byName), f.leftOut)
	}
	back := map[string]bool{}
	for function, fn := range f.byName {
		if !functionName.MatchString(function) || function == readResultName || function == findToolsName || function != fn.definition.Name {
			t.Errorf("tool %q is function %q", fn.Name, function)
		}
		back[fn.Name] = true
	}
	for _, name := range names {
		if !back[name] {
			t.Errorf("no function leads to %q", name)
		}
	}
}

func TestOrderOfTheListDoesNotMatter(t *testing.T) {
	tools := list("b", "a.b", "a_b", "c", "d.", "d,")
	want := functionsOf(tools)
	for range 20 {
		rand.Shuffle(len(tools), func(i, j int) { tools[i], tools[j] = tools[j], tools[i] })
		if got := functionsOf(tools); got.hash != want.hash {
			t.Fatalf("another order of tools gives other functions: %v, %v", got.names(), want.names())
		}
	}
}

func TestOneBadToolHarmsNoOther(t *testing.T) {
	tools, unreadable, err := ParseTools(json.RawMessage(`{"tools":[{"name":"good","inputSchema":{"type":"object"}},{"name":5},{"description":"nameless"},
		{"name":"never","inputSchema":false},{"name":"good","description":"again"},"tool"]}`))
	if err != nil {
		t.Fatal(err)
	}
	f := functionsOf(tools)
	var left []string
	for _, l := range append(unreadable, f.leftOut...) {
		if l.Why == "" {
			t.Errorf("%s is left out without a reason", l.Tool)
		}
		left = append(left, l.Tool)
	}
	if diff := cmp.Diff([]string{"tools[1]", "tools[2]", "tools[5]", "good", "never"}, left); diff != "" {
		t.Errorf("left out: %s", diff)
	}
	if diff := cmp.Diff([]string{"good"}, f.names()); diff != "" || f.byName["good"].Description != "" {
		t.Errorf("functions: %s", diff)
	}
}

func TestCloseNamesAreTheLikeliest(t *testing.T) {
	f := functionsOf(list("crm_get_customer", "crm_get_customers", "email_send"))
	for name, want := range map[string][]string{
		"crm_get_custmer":  {"crm_get_customer", "crm_get_customers"},
		"CRM_GET_CUSTOMRS": {"crm_get_customers", "crm_get_customer"},
		"sendmail":         nil,
		"":                 nil,
		"read-result":      {"read_result"},
	} {
		if diff := cmp.Diff(want, f.close(name)); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}

func TestKeyIsStableAndNeverShared(t *testing.T) {
	h := &history{run: "r"}
	key := func(h *history, seq int64, index int) string { return h.key(&turn{seq: seq}, &call{index: index}) }
	if a, b := key(h, 2, 0), key(&history{run: "r"}, 2, 0); a != b || !strings.HasPrefix(a, "dbk_") || len(a) != 44 {
		t.Errorf("keys %q and %q", a, b)
	}
	seen := map[string]bool{}
	for _, run := range []string{"r", "r\x00", "s", ""} {
		for seq := range int64(20) {
			for index := range 20 {
				seen[key(&history{run: run}, seq, index)] = true
			}
		}
	}
	if len(seen) != 4*20*20 {
		t.Errorf("%d keys for 1600 calls", len(seen))
	}
}

func FuzzArgumentsAreAnObjectOrExplained(f *testing.F) {
	for _, seed := range []string{"", "{}", "null", `{"a":1,}`, `[`, "{\"\xff\":1}", `{"a":{"b":[1e999]}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		arguments, problem := parseArguments(text)
		var fields map[string]json.RawMessage
		switch {
		case (problem == "") != (arguments != nil):
			t.Errorf("arguments %q and problem %q", arguments, problem)
		case problem == "" && (json.Unmarshal(arguments, &fields) != nil || fields == nil):
			t.Errorf("took %q for an object", arguments)
		case !utf8.ValidString(problem) && utf8.ValidString(text):
			t.Errorf("cut a character in %q", problem)
		}
	})
}
