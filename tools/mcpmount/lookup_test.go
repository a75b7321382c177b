package mcpmount_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

// looks is a mount whose put is looked up.
func looks(t *testing.T, u mcpmount.Unknown) tools.Tool {
	t.Helper()
	s := onStdio("well")
	s.Effects = map[string]tools.Effect{"read": tools.Read}
	s.Unknown = map[string]mcpmount.Unknown{"act*": u}
	w := start(t, s, mcpmount.Options{}).ready()
	return w.tool("shop__act")
}

func TestSettingsSayWhatToDoAboutUnknownOutcomes(t *testing.T) {
	check := mcpmount.Unknown{Do: tools.Check, Tool: "look", Found: "true"}
	for _, c := range []struct {
		unknown    mcpmount.Unknown
		policy     tools.Policy
		idempotent bool
	}{
		{mcpmount.Unknown{Do: tools.Retry}, tools.Retry, true},
		{mcpmount.Unknown{Do: tools.AskPerson}, tools.AskPerson, false},
		{check, tools.Check, false},
	} {
		tool := looks(t, c.unknown)
		if tool.WhenUnknown() != c.policy || tool.Idempotent != c.idempotent || (tool.LookUp != nil) != (c.policy == tools.Check) {
			t.Errorf("%s: policy %s, idempotent %v", c.unknown.Do, tool.WhenUnknown(), tool.Idempotent)
		}
	}
}

func TestLookUpIsMadeOfTheCall(t *testing.T) {
	tool := looks(t, mcpmount.Unknown{Do: tools.Check, Tool: "look", Found: `result.items.exists(i, i.id == arguments.id && i.n == 9007199254740993)`,
		Arguments: map[string]string{"id": "arguments.id", "n": "arguments.n", "q": `{"by": [key, arguments.id], "none": null}`, "yes": "true"}})
	call := tools.MadeCall{Arguments: json.RawMessage(`{"id":"a","n":9007199254740993}`), Key: "k1"}
	got, err := tool.LookUp.Arguments(call)
	if want := `{"id":"a","n":9007199254740993,"q":{"by":["k1","a"],"none":null},"yes":true}`; err != nil || string(got) != want || tool.LookUp.Tool != "shop__look" {
		t.Errorf("%s asks %s (%v), want %s", tool.LookUp.Tool, got, err, want)
	}
	for result, want := range map[string]bool{
		`{"items":[{"id":"a","n":9007199254740993}]}`: true,
		`{"items":[{"id":"a","n":9007199254740992}]}`: false,
		`{"items":[]}`: false,
	} {
		if found, err := tool.LookUp.Found(call, result); err != nil || found != want {
			t.Errorf("%s: found %v (%v)", result, found, err)
		}
	}
	for _, result := range []string{`{}`, `nothing like it`, `{"items":1}`, ""} {
		if found, err := tool.LookUp.Found(call, result); err == nil || found {
			t.Errorf("%q: found %v, want an error: it cannot be told", result, found)
		}
	}
	if _, err := tool.LookUp.Arguments(tools.MadeCall{Arguments: json.RawMessage(`{}`)}); err == nil || !strings.Contains(err.Error(), "id") {
		t.Errorf("arguments that are not there: %v", err)
	}
}

func TestTextOfAResultMayBeLookedAt(t *testing.T) {
	tool := looks(t, mcpmount.Unknown{Do: tools.Check, Tool: "look", Found: `text.contains(arguments.id) && result == text`})
	if found, err := tool.LookUp.Found(tools.MadeCall{Arguments: json.RawMessage(`{"id":"a"}`)}, "there is a"); err != nil || !found {
		t.Errorf("found %v (%v)", found, err)
	}
}

func TestMistakesInLookUpsHaveTheirPlace(t *testing.T) {
	for field, u := range map[string]mcpmount.Unknown{
		"found":        {Do: tools.Check, Tool: "look", Found: `text ==`},
		"arguments.id": {Do: tools.Check, Tool: "look", Found: `true`, Arguments: map[string]string{"id": "argument.id"}},
	} {
		var mistake *mcpmount.ExpressionError
		if err := u.Check(); !errors.As(err, &mistake) || mistake.Field != field || mistake.Line != 1 {
			t.Errorf("%s: %v", field, err)
		}
	}
	for what, u := range map[string]mcpmount.Unknown{
		"not bool":           {Do: tools.Check, Tool: "look", Found: `1 + 1`},
		"there is no":        {Do: tools.Check, Tool: "look"},
		"needs the tool":     {Do: tools.Check, Found: `true`},
		"none of retry":      {Do: "perhaps"},
		"belongs to check":   {Do: tools.AskPerson, Tool: "look"},
		"after is negative":  {Do: tools.Check, Tool: "look", Found: "true", After: -1},
		"undeclared referen": {Do: tools.Check, Tool: "look", Found: `true`, Arguments: map[string]string{"x": "result.id"}},
	} {
		if err := u.Check(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
		s := onStdio("well")
		s.Unknown = map[string]mcpmount.Unknown{"x": u}
		if _, err := mcpmount.New(s, mcpmount.Options{}); err == nil {
			t.Errorf("%s: mounted", what)
		}
	}
}
