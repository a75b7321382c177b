package guard_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

// writers are a tool whose backend honours keys, and one whose does not.
var writers = []string{"shop_order", "shop_charge"}

func TestRepeatedCallGetsTheFirstResultAndIsNotMade(t *testing.T) {
	for _, tool := range writers {
		w := newWorld(t, guard.Options{})
		first := w.Call(t.Context(), callFor(tool, goodOrder, "k1"))
		w.do = func(context.Context, order) (receipt, error) { return receipt{ID: "another"}, nil }
		// The same arguments, spelled differently.
		again := w.Call(t.Context(), callFor(tool, ` {"amount": 2.5e2, "email":"ada\u0040example.com"}`, "k1"))
		if again.Err != nil || string(again.Output) != string(first.Output) || !again.Repeated || first.Repeated {
			t.Errorf("%s: first %+v, again %+v", tool, first, again)
		}
		if w.calls() != 1 {
			t.Errorf("%s: %d calls", tool, w.calls())
		}
		if row := w.lastRow(t, 2); row.Decision != guard.Repeated || row.Rule != "once: the key was used before" || row.Key != "k1" || row.Outcome != "ok" {
			t.Errorf("%s: row %+v", tool, row)
		}
	}
}

func TestKeyStandsForOneToolAndItsArguments(t *testing.T) {
	for _, tool := range writers {
		w := newWorld(t, guard.Options{})
		w.Call(t.Context(), callFor(tool, goodOrder, "k1"))
		others := []guard.Call{callFor(tool, `{"email":"ada@example.com","amount":251}`, "k1")}
		for _, other := range writers {
			if other != tool {
				others = append(others, callFor(other, goodOrder, "k1"))
			}
		}
		for _, other := range others {
			if result := w.Call(t.Context(), other); code(result) != tools.Conflict {
				t.Errorf("%s after %s: got %+v", other.Tool, tool, result)
			}
		}
		if w.calls() != 1 {
			t.Errorf("%s: %d calls", tool, w.calls())
		}
	}
}

func TestKeysOfTwoPrincipalsAreTwoKeys(t *testing.T) {
	for _, tool := range writers {
		w := newWorld(t, guard.Options{})
		shop := auth.Principal{Kind: auth.Key, Name: "shop", Tools: []string{"*"}, Effects: auth.AllEffects()}
		w.Call(t.Context(), callFor(tool, goodOrder, "k1"))
		result := w.Call(t.Context(), guard.Call{Principal: shop, Tool: tool, Arguments: []byte(goodOrder), Key: "k1"})
		if result.Err != nil || result.Repeated || w.calls() != 2 {
			t.Fatalf("%s: got %+v after %d calls", tool, result, w.calls())
		}
		if w.keys[0] == w.keys[1] {
			t.Errorf("%s: the backend cannot tell the two apart: %q", tool, w.keys)
		}
	}
}

func TestKeyOfARunReachesTheBackendAsItIs(t *testing.T) {
	w := newWorld(t, guard.Options{})
	agent := auth.Principal{Kind: auth.Agent, Name: "billing", Tools: []string{"*"}, Effects: auth.AllEffects(), Run: "run_1"}
	w.Call(t.Context(), guard.Call{Principal: agent, Tool: "shop_order", Arguments: []byte(goodOrder), Key: "minted-by-the-runtime"})
	if got := w.keys[0]; got != "minted-by-the-runtime" {
		t.Errorf("got %q", got)
	}
}

func TestCallWithoutAKeyGetsOneOfItsOwn(t *testing.T) {
	for _, tool := range writers {
		w := newWorld(t, guard.Options{})
		for range 2 {
			if result := w.Call(t.Context(), callFor(tool, goodOrder, "")); result.Err != nil || result.Repeated {
				t.Fatalf("got %+v", result)
			}
		}
		if w.keys[0] == w.keys[1] || len(w.keys[0]) < 20 {
			t.Errorf("%s: keys %q", tool, w.keys)
		}
		if row := w.lastRow(t, 2); row.Key != w.keys[1] {
			t.Errorf("%s: recorded under %q", tool, row.Key)
		}
	}
}

func TestReadNeedsNoKey(t *testing.T) {
	w := newWorld(t, guard.Options{})
	for range 2 {
		if result := w.Call(t.Context(), callFor("shop_quote", goodOrder, "k1")); result.Err != nil || result.Repeated {
			t.Errorf("got %+v", result)
		}
	}
	if w.calls() != 2 {
		t.Errorf("%d calls", w.calls())
	}
}

// What a failed call leaves of its key: whether the tool may be called again.
func TestFailedCallKeepsItsKeyOnlyIfItMayHaveTakenEffect(t *testing.T) {
	for _, test := range []struct {
		fails  error
		charge tools.Code // of a second call of shop_charge; shop_order may always be called again
	}{
		{tools.Errorf(tools.Invalid, "no such currency"), ""},
		{tools.Errorf(tools.NotFound, "no such customer"), ""},
		{tools.Errorf(tools.Conflict, "already paid"), ""},
		{tools.Errorf(tools.Denied, "account closed"), ""},
		{tools.Errorf(tools.RateLimited, "slow down"), ""},
		{tools.Errorf(tools.Unavailable, "not reached"), ""},
		{tools.Errorf(tools.OutcomeUnknown, "sent, no answer"), tools.OutcomeUnknown},
		{errors.New("broke half-way"), tools.OutcomeUnknown},
	} {
		for tool, want := range map[string]tools.Code{"shop_order": "", "shop_charge": test.charge} {
			w := newWorld(t, guard.Options{})
			fine := w.do
			w.do = func(context.Context, order) (receipt, error) { return receipt{}, test.fails }
			if first := w.Call(t.Context(), callFor(tool, goodOrder, "k1")); first.Err == nil {
				t.Fatal("did not fail")
			}
			w.do = fine
			again := w.Call(t.Context(), callFor(tool, goodOrder, "k1"))
			if code(again) != want || again.Repeated {
				t.Errorf("%s after %v: got %+v", tool, test.fails, again)
			}
			if want == "" && (w.calls() != 2 || w.keys[0] != w.keys[1]) {
				t.Errorf("%s after %v: keys %q", tool, test.fails, w.keys)
			}
			if want != "" && w.calls() != 1 {
				t.Errorf("%s after %v: called again", tool, test.fails)
			}
		}
	}
}

// A refused call may be corrected under its key.
func TestKeyOfARefusedCallCanCarryACorrectedOne(t *testing.T) {
	w := newWorld(t, guard.Options{})
	fine := w.do
	w.do = func(context.Context, order) (receipt, error) {
		return receipt{}, tools.Errorf(tools.Invalid, "too little")
	}
	w.Call(t.Context(), callFor("shop_charge", goodOrder, "k1"))
	w.do = fine
	corrected := `{"email":"ada@example.com","amount":300}`
	if result := w.Call(t.Context(), callFor("shop_charge", corrected, "k1")); result.Err != nil {
		t.Errorf("got %v", result.Err)
	}
}

// The process died between the call and its row: the claim is all that is left.
func TestCallThatWasNeverSettledIsNotMadeAgain(t *testing.T) {
	w := newWorld(t, guard.Options{})
	w.do = func(context.Context, order) (receipt, error) {
		w.ledger.Break(errors.New("killed"))
		return receipt{ID: "r1"}, nil
	}
	w.Call(t.Context(), callFor("shop_charge", goodOrder, "k1"))
	w.ledger.Break(nil)
	result := w.Call(t.Context(), callFor("shop_charge", goodOrder, "k1"))
	if code(result) != tools.OutcomeUnknown || w.calls() != 1 {
		t.Fatalf("got %+v after %d calls", result, w.calls())
	}
	if !strings.Contains(result.Err.Message, "looked up") {
		t.Errorf("does not say what to do: %s", result.Err.Message)
	}
	if row := w.lastRow(t, 1); row.Decision != guard.Refused || row.Outcome != "outcome_unknown" {
		t.Errorf("row %+v", row)
	}
}

// Somebody has looked: it did not take effect. The call settles the claim like any other.
func TestCallThatIsKnownNotToHaveHappenedIsMadeUnderItsKey(t *testing.T) {
	w := newWorld(t, guard.Options{})
	fine := w.do
	w.do = func(context.Context, order) (receipt, error) {
		w.ledger.Break(errors.New("killed"))
		return receipt{}, nil
	}
	w.Call(t.Context(), callFor("shop_charge", goodOrder, "k1"))
	w.ledger.Break(nil)
	w.do = fine
	again := guard.WithAgain(t.Context())
	if result := w.Call(again, callFor("shop_charge", `{"email":"ada@example.com","amount":251}`, "k1")); code(result) != tools.Conflict {
		t.Errorf("other arguments: %+v", result)
	}
	if result := w.Call(again, callFor("shop_charge", goodOrder, "k1")); result.Err != nil || result.Repeated || w.calls() != 2 {
		t.Errorf("got %+v after %d calls", result, w.calls())
	}
	// It has a result now, which the mark does not undo.
	if result := w.Call(again, callFor("shop_charge", goodOrder, "k1")); result.Err != nil || !result.Repeated || w.calls() != 2 {
		t.Errorf("repeated: %+v after %d calls", result, w.calls())
	}
}

// The same for a tool whose backend has the key: it gives the first result.
func TestUnsettledCallIsMadeAgainWhereTheBackendHonoursKeys(t *testing.T) {
	w := newWorld(t, guard.Options{})
	fine := w.do
	w.do = func(ctx context.Context, in order) (receipt, error) {
		w.ledger.Break(errors.New("killed"))
		return fine(ctx, in)
	}
	w.Call(t.Context(), callFor("shop_order", goodOrder, "k1"))
	w.ledger.Break(nil)
	w.do = fine
	result := w.Call(t.Context(), callFor("shop_order", goodOrder, "k1"))
	if result.Err != nil || w.calls() != 2 || w.keys[0] != w.keys[1] {
		t.Errorf("got %+v with keys %q", result, w.keys)
	}
}

func TestLedgerOutOfOrderMakesNoCall(t *testing.T) {
	for _, tool := range writers {
		w := newWorld(t, guard.Options{})
		w.ledger.Break(errors.New("disk full"))
		if result := w.Call(t.Context(), callFor(tool, goodOrder, "k1")); code(result) != tools.Unavailable || w.calls() != 0 {
			t.Errorf("%s: got %v after %d calls", tool, result.Err, w.calls())
		}
	}
}

func TestSameCallTwiceAtOnceIsMadeOnce(t *testing.T) {
	for _, tool := range writers {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, guard.Options{})
			finish := make(chan struct{})
			w.do = func(context.Context, order) (receipt, error) { <-finish; return receipt{ID: "r1"}, nil }
			results := make(chan guard.Result, 3)
			call := func(arguments string) { results <- w.Call(t.Context(), callFor(tool, arguments, "k1")) }
			go call(goodOrder)
			synctest.Wait()
			go call(goodOrder)
			synctest.Wait()
			call(`{"email":"ada@example.com","amount":251}`)
			if other := <-results; code(other) != tools.Conflict {
				t.Errorf("%s: other arguments under the key got %+v", tool, other)
			}
			close(finish)
			a, b := <-results, <-results
			if a.Repeated == b.Repeated || string(a.Output) != string(b.Output) || a.Err != nil || w.calls() != 1 {
				t.Errorf("%s: %+v and %+v after %d calls", tool, a, b, w.calls())
			}
		})
	}
}

func TestWaitForTheSameCallEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, guard.Options{})
		finish := make(chan struct{})
		w.do = func(context.Context, order) (receipt, error) { <-finish; return receipt{ID: "r1"}, nil }
		go w.Call(t.Context(), callFor("shop_order", goodOrder, "k1"))
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if result := w.Call(ctx, callFor("shop_order", goodOrder, "k1")); code(result) != tools.Unavailable {
			t.Errorf("got %+v", result)
		}
		close(finish)
	})
}

func TestWaiterIsToldWhenTheFirstCallCouldNotBeRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, guard.Options{})
		finish := make(chan struct{})
		w.do = func(context.Context, order) (receipt, error) {
			<-finish
			w.ledger.Break(errors.New("disk full"))
			return receipt{ID: "r1"}, nil
		}
		results := make(chan guard.Result, 2)
		for range 2 {
			go func() { results <- w.Call(t.Context(), callFor("shop_charge", goodOrder, "k1")) }()
			synctest.Wait()
		}
		close(finish)
		for range 2 {
			if result := <-results; result.Err == nil || result.Output != nil {
				t.Errorf("got %+v", result)
			}
		}
	})
}

// TestRUN03_CallThatWasHeldBackLeavesItsClaim: another process makes it under the same key,
// whose claim must not be given up from here.
func TestRUN03_CallThatWasHeldBackLeavesItsClaim(t *testing.T) {
	w := newWorld(t, guard.Options{})
	fine := w.do
	w.do = func(ctx context.Context, _ order) (receipt, error) {
		if err := tools.FenceOf(ctx).Check(ctx); err != nil {
			return receipt{}, tools.Errorf(tools.Unavailable, "the shop could not be reached; nothing was changed")
		}
		t.Error("the call got past its fence")
		return receipt{}, nil
	}
	fenced := tools.WithFence(t.Context(), func(context.Context) error { return errors.New("somebody else has it") })
	result := w.Call(fenced, callFor("shop_charge", goodOrder, "k1"))
	if code(result) != tools.OutcomeUnknown || !strings.Contains(result.Err.Message, "another process") {
		t.Errorf("got %+v, want an unknown outcome that says why", result)
	}
	w.do = fine
	if result := w.Call(t.Context(), callFor("shop_charge", goodOrder, "k1")); code(result) != tools.OutcomeUnknown {
		t.Errorf("the claim was given up: the key's next call gave %+v", result)
	}
	if w.calls() != 1 {
		t.Errorf("%d calls, want the one that was held back", w.calls())
	}
}

// What an error tells of an earlier call under the key: nothing, unless the call got to
// where it would have been known, or is known to be the first.
func TestErrorSaysWhetherItIsAboutAnEarlierCallToo(t *testing.T) {
	for name, c := range map[string]struct {
		tool, arguments string
		fails           error
		rules           guard.Policy
		earlier         bool // a call whose outcome nobody knows
		want            bool
	}{
		"refused by the arguments":               {tool: "shop_order", arguments: `{}`, want: true},
		"refused by a rule":                      {tool: "shop_order", rules: judge{Action: guard.Deny}, want: true},
		"the same of a tool that is claimed":     {tool: "shop_charge", rules: judge{Action: guard.Deny}, want: false},
		"and behind a claim":                     {tool: "shop_charge", earlier: true, want: true},
		"not reached":                            {tool: "shop_order", fails: tools.Errorf(tools.Unavailable, "away"), want: true},
		"not reached, of a tool that is claimed": {tool: "shop_charge", fails: tools.Errorf(tools.Unavailable, "away"), want: false},
		"later":                                  {tool: "shop_order", fails: tools.Errorf(tools.RateLimited, "later"), want: true},
		"no leave":                               {tool: "shop_order", fails: tools.Errorf(tools.Denied, "no leave"), want: true},
		"a word of the tool's":                   {tool: "shop_order", fails: tools.Errorf(tools.Conflict, "refunded already"), want: false},
		"nobody knows":                           {tool: "shop_order", fails: tools.Errorf(tools.OutcomeUnknown, "lost"), want: false},
		"done":                                   {tool: "shop_order", want: false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, guard.Options{Policy: c.rules})
			if c.arguments == "" {
				c.arguments = goodOrder
			}
			if c.earlier {
				w.do = func(context.Context, order) (receipt, error) {
					return receipt{}, tools.Errorf(tools.OutcomeUnknown, "lost")
				}
				w.Call(t.Context(), callFor(c.tool, c.arguments, "k1"))
			}
			w.do = func(context.Context, order) (receipt, error) { return receipt{ID: "r1"}, c.fails }
			if got := w.Call(t.Context(), callFor(c.tool, c.arguments, "k1")); got.Inconclusive != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}
