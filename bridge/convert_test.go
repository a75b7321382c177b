package bridge

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLegalNamesStayAndOthersAreToldApart(t *testing.T) {
	names := []string{"crm_get", "todo.add", "todo_add", "todo add", "Crm-Get_2", "read_result", strings.Repeat("x", 65), strings.Repeat("x", 64), "é"}
	var tools []Tool
	for _, name := range names {
		tools = append(tools, Tool{Name: name})
	}
	got := nameAll(tools)
	for _, same := range []string{"crm_get", "todo_add", "Crm-Get_2", strings.Repeat("x", 64)} {
		if got[same] != same {
			t.Errorf("%q became %q", same, got[same])
		}
	}
	for original, prefix := range map[string]string{"todo.add": "todo_add_", "read_result": "read_result_", strings.Repeat("x", 65): strings.Repeat("x", 55) + "_"} {
		if !strings.HasPrefix(got[original], prefix) || len(got[original]) != min(64, len(prefix)+8) {
			t.Errorf("%q became %q, want %q and a hash", original, got[original], prefix)
		}
	}
}

func TestNamesAreUniqueAndMapBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-c._]{1,3}(_[0-9a-f]{8})?`), rapid.StringN(60, 70, -1))
		names := rapid.SliceOfNDistinct(name, 1, 20, rapid.ID).Draw(rt, "names")
		tools := make([]Tool, len(names))
		for i, n := range names {
			tools[i] = Tool{Name: n, Input: json.RawMessage(`{"type":"object","properties":{}}`)}
			if rapid.Bool().Draw(rt, "spoil") { // take the name that another would get
				tools = append(tools, Tool{Name: legalName(n, 8)})
			}
		}
		f := convert(tools)
		back := map[string]bool{}
		for function, tool := range f.tools {
			if !functionName.MatchString(function) || function == readResultName || back[tool.Name] {
				rt.Fatalf("tool %q is function %q", tool.Name, function)
			}
			back[tool.Name] = true
		}
		for _, n := range names {
			if !back[n] {
				rt.Fatalf("no function leads to %q", n)
			}
		}
		shuffled := slices.Clone(tools)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if again := convert(shuffled); string(encode(again.offered)) != string(encode(f.offered)) && len(f.dropped) == 0 {
			rt.Fatal("another order of tools gives other bytes")
		}
	})
}

func TestSchemaIsPassedOnExactButForItsRoot(t *testing.T) {
	for given, want := range map[string]string{
		`{"type":"object","properties":{"z":{},"a":{}},"if":{}}`: `{"type":"object","properties":{"z":{},"a":{}},"if":{}}`,
		`{"type":"object","additionalProperties":false}`:         `{"properties":{},"type":"object","additionalProperties":false}`,
		` {"$schema":"x"}`: `{"type":"object","properties":{},"$schema":"x"}`,
		`{}`:               `{"type":"object","properties":{}}`,
		``:                 `{"type":"object","properties":{}}`,
		`null`:             `{"type":"object","properties":{}}`,
		`[1]`:              `{"type":"object","properties":{}}`,
	} {
		got := parameters(json.RawMessage(given))
		if diff := cmp.Diff(want, string(got)); diff != "" || !json.Valid(got) {
			t.Errorf("%s: %s", given, diff)
		}
	}
}

func TestSecondToolOfANameIsLeftOut(t *testing.T) {
	f := convert([]Tool{{Name: "a", Description: "first"}, {Name: "a", Description: "second"}})
	if len(f.offered) != 2 || f.tools["a"].Description != "first" || !slices.Equal(f.dropped, []string{"a"}) {
		t.Errorf("functions %+v", f)
	}
}

func TestCloseNamesAreTheLikeliest(t *testing.T) {
	f := convert([]Tool{{Name: "crm_get_customer"}, {Name: "crm_get_customers"}, {Name: "email_send"}})
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

func TestCutFallsBetweenCharacters(t *testing.T) {
	for limit, want := range map[int]string{
		0: "\n[bytes 0 to 0 of 5 of the result r1.0; read on with read_result from offset 0]",
		2: "a\n[bytes 0 to 1 of 5 of the result r1.0; read on with read_result from offset 1]",
		3: "aé\n[bytes 0 to 3 of 5 of the result r1.0; read on with read_result from offset 3]",
		5: "aébc",
	} {
		if diff := cmp.Diff(want, cut("aébc", limit, handle(1, 0))); diff != "" {
			t.Errorf("limit %d: %s", limit, diff)
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
