package guard_test

import (
	"context"
	"testing"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

func TestToolKnowsTheRunThatCallsIt(t *testing.T) {
	w := newWorld(t, guard.Options{})
	var got tools.Caller
	w.do = func(ctx context.Context, _ order) (receipt, error) {
		got, _ = tools.CallerOf(ctx)
		return receipt{ID: "r1"}, nil
	}
	all := []string{"*"}
	for name, c := range map[string]struct {
		principal auth.Principal
		want      tools.Caller
	}{
		"a run":            {auth.Principal{Kind: auth.Agent, Name: "billing", Run: "run_1", Tainted: true, Tools: all}, tools.Caller{Agent: "billing", Run: "run_1", Tainted: true}},
		"a key":            {auth.Principal{Kind: auth.Key, Name: "billing", Tools: all}, tools.Caller{}},
		"a key with a run": {auth.Principal{Kind: auth.Key, Name: "billing", Run: "run_1", Tools: all}, tools.Caller{}},
		"somebody local":   {auth.Principal{Kind: auth.Local, Name: "stdio", Tools: all}, tools.Caller{}},
		"an agent, no run": {auth.Principal{Kind: auth.Agent, Name: "billing", Tools: all}, tools.Caller{}},
	} {
		result := w.Call(t.Context(), guard.Call{Principal: c.principal, Tool: "shop_order", Arguments: []byte(`{"email":"ada@example.com","amount":5}`)})
		if result.Err != nil {
			t.Fatalf("%s: %v", name, result.Err)
		}
		if got != c.want {
			t.Errorf("%s: the tool is called by %+v, want %+v", name, got, c.want)
		}
	}
}
