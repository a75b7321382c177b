package guard_test

import (
	"strings"
	"testing"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

func TestForbiddenToolCannotBeToldFromAnUnknownOne(t *testing.T) {
	w := newWorld(t, guard.Options{})
	reader := auth.Principal{Kind: auth.Key, Name: "reader", Tools: []string{"shop_quote"}}
	answer := func(tool string) string {
		result := w.Call(t.Context(), guard.Call{Principal: reader, Tool: tool, Arguments: []byte(goodOrder)})
		return strings.ReplaceAll(result.Err.Error(), tool, "<tool>")
	}
	forbidden, unknown := answer("shop_order"), answer("shop_nothing")
	if forbidden != unknown {
		t.Errorf("forbidden: %s\nunknown:   %s", forbidden, unknown)
	}
	if !strings.Contains(unknown, "tools/list") {
		t.Errorf("does not say what to do: %s", unknown)
	}
}

// An agent never opens to its caller what the caller may not do.
func TestAgentCallsOnlyWhatItsCallerMayCallToo(t *testing.T) {
	w := newWorld(t, guard.Options{})
	for name, c := range map[string]struct {
		tools, within []string
		want          bool
	}{
		"nobody it acts for":       {[]string{"*"}, nil, true},
		"a caller who may":         {[]string{"*"}, []string{"shop_quote", "shop_o*"}, true},
		"a caller who may less":    {[]string{"*"}, []string{"shop_quote"}, false},
		"a caller who may nothing": {[]string{"*"}, []string{}, false},
		"a caller who may more":    {[]string{"shop_quote"}, []string{"*"}, false},
	} {
		agent := auth.Principal{Kind: auth.Agent, Name: "desk", Tools: c.tools, Within: c.within}
		result := w.Call(t.Context(), guard.Call{Principal: agent, Tool: "shop_order", Arguments: []byte(goodOrder)})
		if called := result.Err == nil; called != c.want {
			t.Errorf("%s: called %v (%v), want %v", name, called, result.Err, c.want)
		}
	}
}

// What moves money has to be granted; the refusal tells it from nothing else.
func TestEffectThatWasNotGrantedIsNeitherListedNorCalled(t *testing.T) {
	w := newWorld(t, guard.Options{})
	for name, c := range map[string]struct {
		effects []string
		want    map[string]bool
	}{
		"nothing said": {nil, map[string]bool{"shop_quote": true, "shop_order": true, "shop_charge": false}},
		"granted":      {[]string{"read", "money"}, map[string]bool{"shop_quote": true, "shop_order": false, "shop_charge": true}},
		"none at all":  {[]string{}, map[string]bool{"shop_quote": false, "shop_order": false, "shop_charge": false}},
	} {
		p := auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}, Effects: c.effects}
		for tool, want := range c.want {
			before := w.calls()
			result := w.Call(t.Context(), guard.Call{Principal: p, Tool: tool, Arguments: []byte(goodOrder)})
			if got := w.calls() > before; got != want || w.Visible(p, tool) != want {
				t.Errorf("%s: %s called %v, visible %v, want %v (%v)", name, tool, got, w.Visible(p, tool), want, result.Err)
			}
		}
	}
}
