package guard_test

import (
	"testing"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

// ofRun is a call that an agent's run makes under the run's own key.
func ofRun(tool, arguments, key string) guard.Call {
	call := callFor(tool, arguments, key)
	call.Principal = auth.Principal{Kind: auth.Agent, Name: "a", Run: "run_1", Tools: []string{"*"}}
	call.Run = "run_1"
	return call
}

func TestOnlyARunsReadIsPutAside(t *testing.T) {
	for name, c := range map[string]struct {
		call  guard.Call
		aside bool
	}{
		"a run's read":           {ofRun("shop_quote", goodOrder, "k1"), true},
		"a run's write":          {ofRun("shop_order", goodOrder, "k1"), false},
		"a run's refused read":   {ofRun("shop_quote", `{}`, "k1"), false},
		"a read without a key":   {ofRun("shop_quote", goodOrder, ""), false},
		"somebody else's read":   {callFor("shop_quote", goodOrder, "k1"), false},
		"a tool there is not":    {ofRun("shop_nothing", goodOrder, "k1"), false},
		"a charge without claim": {ofRun("shop_charge", goodOrder, "k1"), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, guard.Options{})
			ctx, aside := guard.WithAside(t.Context())
			w.Call(ctx, c.call)
			kept, recorded := aside.Take(), w.ledger.Rows()
			if len(kept)+len(recorded) != 1 || (len(kept) == 1) != c.aside {
				t.Errorf("%d put aside, %d recorded", len(kept), len(recorded))
			}
			if len(kept) == 1 && (kept[0].Tool != "shop_quote" || kept[0].Run != "run_1" || kept[0].Outcome != "ok") {
				t.Errorf("put aside %+v", kept[0])
			}
			if left := aside.Take(); len(left) != 0 {
				t.Errorf("taken twice: %+v", left)
			}
		})
	}
}
