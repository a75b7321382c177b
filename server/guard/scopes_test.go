package guard_test

import (
	"slices"
	"strings"
	"testing"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

// TestTokenThatLacksAScopeIsToldWhich: the narrowest that would do, beside those it has; and
// of a tool that no scope opens it learns nothing.
func TestTokenThatLacksAScopeIsToldWhich(t *testing.T) {
	opening := func(scope string, effects []string, tools ...string) auth.Opening {
		return auth.Opening{Scope: scope, Pair: auth.Pair{Tools: tools, Effects: effects}}
	}
	read, all := []string{"read", "write"}, []string{"read", "write", "message", "money"}
	openings := []auth.Opening{
		opening("admin", all, "*"),
		opening("orders", read, "shop_*"),
		opening("orders.exact", read, "shop_order", "shop_ord*"),
		opening("quotes", []string{"read"}, "shop_quote"),
		opening("zoo", read, "*"),
	}
	holder := func(openings []auth.Opening, has ...string) auth.Principal {
		p := auth.Principal{Kind: auth.JWT, Name: "corp/alice", Openings: openings}
		for _, o := range openings {
			if slices.Contains(has, o.Scope) {
				p = p.Widened(o)
			}
		}
		return p
	}
	for name, c := range map[string]struct {
		p    auth.Principal
		tool string
		want []string
	}{
		"the most exact":             {holder(openings, "quotes"), "shop_order", []string{"orders.exact", "quotes"}},
		"the one with fewer effects": {holder(openings[:1:1], "quotes"), "shop_order", []string{"admin"}},
		"the only one with money":    {holder(openings, "orders", "quotes"), "shop_charge", []string{"admin", "orders", "quotes"}},
		"none with money":            {holder(openings[1:], "quotes"), "shop_charge", nil},
		"no tool":                    {holder(openings, "quotes"), "shop_nothing", nil},
		"one without a token":        {auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"shop_quote"}}, "shop_order", nil},
		"an agent of its":            {auth.Principal{Kind: auth.Agent, Name: "a", Tools: []string{"*"}}.Acting("jwt:corp/alice", auth.BoundsOf(holder(openings, "quotes"))), "shop_order", nil},
	} {
		w := newWorld(t, guard.Options{})
		result := w.Call(t.Context(), guard.Call{Principal: c.p, Tool: c.tool, Arguments: []byte(goodOrder)})
		if result.Err == nil || !slices.Equal(result.Scopes, c.want) || w.calls() > 0 {
			t.Errorf("%s: %v (%v), want %v", name, result.Scopes, result.Err, c.want)
		}
		if says := strings.Contains(result.Err.Message, "scope"); says != (c.want != nil) {
			t.Errorf("%s: it says %s", name, result.Err)
		}
	}
	w := newWorld(t, guard.Options{})
	if result := w.Call(t.Context(), guard.Call{Principal: holder(openings, "orders"), Tool: "shop_order", Arguments: []byte(goodOrder)}); result.Err != nil || result.Scopes != nil {
		t.Errorf("with the scope: %v, %v", result.Err, result.Scopes)
	}
}
