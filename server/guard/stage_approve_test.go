package guard_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/tools"
)

// asks is a policy that wants everything approved.
type asks struct{ verdict guard.Verdict }

func (p asks) Version() string { return p.verdict.Policy }

func (p asks) Judge(context.Context, guard.Question) guard.Verdict { return p.verdict }

// office is a world in which people are asked, under a clock that the test moves.
type office struct {
	*world
	approvals *guardtest.Approvals
	now       time.Time
}

func newOffice(t *testing.T, v guard.Verdict) *office {
	t.Helper()
	o := &office{world: newWorld(t, guard.Options{}), now: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)}
	o.approvals = guardtest.NewApprovals(o.ledger)
	o.under(v)
	return o
}

// under has the rules be others from now on, as after a restart with another file.
func (o *office) under(v guard.Verdict) {
	v.Action, v.Rule = guard.Approve, "careful"
	o.Guard = guard.New(catalogOf(o.world), o.ledger, guard.Options{Policy: asks{v}, Approvals: o.approvals, Now: func() time.Time { return o.now }})
}

// says has somebody decide about the newest approval.
func (o *office) says(t *testing.T, who string, approve bool, note string) {
	t.Helper()
	all := o.approvals.All()
	if _, err := o.approvals.Decide(all[len(all)-1].ID, guard.Decider{Name: who}, guard.ApprovalVerdict{Approve: approve, Note: note, At: o.now}); err != nil {
		t.Fatal(err)
	}
}

func (o *office) wants(t *testing.T, result guard.Result, want tools.Code, calls int, words ...string) {
	t.Helper()
	if code(result) != want || o.calls() != calls {
		t.Errorf("got %v after %d calls, want %q after %d", result.Err, o.calls(), want, calls)
	}
	for _, word := range words {
		if result.Err == nil || !strings.Contains(result.Err.Message, word) {
			t.Errorf("%v does not say %q", result.Err, word)
		}
	}
}

var keyed = []string{"k1", ""}

func TestCallWaitsForItsApprovalAndIsMadeOnce(t *testing.T) {
	for _, tool := range writers {
		for _, key := range keyed {
			o := newOffice(t, guard.Verdict{Reason: "money goes out.", Terms: guard.Terms{By: []string{"key:boss"}}})
			call := callFor(tool, goodOrder, key)
			asked := o.Call(t.Context(), call)
			o.wants(t, asked, tools.ApprovalRequired, 0, asked.Approval, "key:boss", "2026-11-01T10:00:00Z", "money goes out", "with exactly these arguments")
			if again := o.Call(t.Context(), call); again.Approval != asked.Approval || asked.Approval == "" || again.ApprovalState != guard.ApprovalPending {
				t.Errorf("asked again: %+v after %+v", again, asked)
			}
			if row := o.lastRow(t, 2); row.Approval != asked.Approval || row.Decision != guard.Refused || !strings.Contains(row.Rule, "approve: pending") {
				t.Errorf("row %+v", row)
			}
			o.says(t, "key:boss", true, "")
			o.wants(t, o.Call(t.Context(), call), "", 1)
			if row := o.lastRow(t, 3); row.Approval != asked.Approval || row.Decision != guard.Allowed {
				t.Errorf("row %+v", row)
			}
			next := o.Call(t.Context(), call)
			if key != "" {
				if o.wants(t, next, "", 1); !next.Repeated {
					t.Error("under its key the call got no first result")
				}
				continue
			}
			if o.wants(t, next, tools.ApprovalRequired, 1); next.Approval == asked.Approval {
				t.Error("an approval was good for two calls")
			}
		}
	}
}

func TestApprovalIsOfTheseArguments(t *testing.T) {
	for _, key := range keyed {
		o := newOffice(t, guard.Verdict{})
		first := o.Call(t.Context(), callFor("shop_charge", goodOrder, key))
		o.says(t, "key:boss", true, "")
		changed := o.Call(t.Context(), callFor("shop_charge", `{"email":"ada@example.com","amount":251}`, key))
		if o.wants(t, changed, tools.ApprovalRequired, 0); changed.Approval == first.Approval {
			t.Error("other arguments found the approval")
		}
		if other := o.Call(t.Context(), callFor("shop_order", goodOrder, key)); other.Approval == first.Approval || code(other) != tools.ApprovalRequired {
			t.Errorf("another tool got %+v", other)
		}
		stranger := callFor("shop_charge", goodOrder, key)
		stranger.Principal.Name = "eve"
		if other := o.Call(t.Context(), stranger); other.Approval == first.Approval || code(other) != tools.ApprovalRequired {
			t.Errorf("another principal got %+v", other)
		}
		// The same arguments, spelled in another way.
		o.wants(t, o.Call(t.Context(), callFor("shop_charge", ` {"amount": 250, "email":"ada\u0040example.com"}`, key)), "", 1)
	}
}

func TestApprovalIsOfTheseRules(t *testing.T) {
	o := newOffice(t, guard.Verdict{Policy: "v1"})
	call := callFor("shop_charge", goodOrder, "k1")
	first := o.Call(t.Context(), call)
	o.says(t, "key:boss", true, "")
	o.under(guard.Verdict{Policy: "v2"})
	if again := o.Call(t.Context(), call); again.Approval == first.Approval || code(again) != tools.ApprovalRequired {
		t.Errorf("under other rules the call got %+v", again)
	}
	o.wants(t, guard.Result{}, "", 0)
}

func TestDenialGoesToTheModelWithItsReason(t *testing.T) {
	o := newOffice(t, guard.Verdict{})
	o.Call(t.Context(), callFor("shop_charge", goodOrder, "k1"))
	o.says(t, "key:boss", false, "the customer was refunded yesterday.")
	for _, key := range []string{"k1", "k2", ""} { // a model that insists
		result := o.Call(t.Context(), callFor("shop_charge", goodOrder, key))
		o.wants(t, result, tools.Denied, 0, "key:boss", "the customer was refunded yesterday", "Nothing was done")
		if result.ApprovalState != guard.ApprovalDenied {
			t.Errorf("it is %s", result.ApprovalState)
		}
	}
	if n := len(o.approvals.All()); n != 1 {
		t.Errorf("people were asked %d times", n)
	}
}

func TestApprovalRunsOutForWhoeverCalls(t *testing.T) {
	o := newOffice(t, guard.Verdict{Terms: guard.Terms{Within: 10 * time.Minute}})
	call := callFor("shop_charge", goodOrder, "k1")
	o.Call(t.Context(), call)
	o.now = o.now.Add(10 * time.Minute)
	o.wants(t, o.Call(t.Context(), call), tools.Denied, 0, "ran out", "not enough people")

	late := callFor("shop_charge", goodOrder, "k2")
	o.Call(t.Context(), late)
	o.says(t, "key:boss", true, "")
	o.now = o.now.Add(10 * time.Minute)
	o.wants(t, o.Call(t.Context(), late), tools.Denied, 0, "ran out", "not made in time")
}

func TestTwoPeopleHaveToAgreeWhereTheRuleSaysSo(t *testing.T) {
	o := newOffice(t, guard.Verdict{Terms: guard.Terms{Count: 2}})
	call := callFor("shop_charge", goodOrder, "k1")
	o.wants(t, o.Call(t.Context(), call), tools.ApprovalRequired, 0, "2 different people")
	o.says(t, "key:boss", true, "")
	o.wants(t, o.Call(t.Context(), call), tools.ApprovalRequired, 0)
	o.says(t, "key:bea", true, "")
	o.wants(t, o.Call(t.Context(), call), "", 1)
}

// A call that definitely took no effect has not used its approval up.
func TestApprovalIsGivenBackByACallWithoutEffect(t *testing.T) {
	for _, tool := range writers {
		for _, key := range keyed {
			o := newOffice(t, guard.Verdict{})
			call := callFor(tool, goodOrder, key)
			o.Call(t.Context(), call)
			o.says(t, "key:boss", true, "")
			do := o.do
			o.do = func(context.Context, order) (receipt, error) {
				return receipt{}, tools.Errorf(tools.Unavailable, "the shop is closed")
			}
			o.wants(t, o.Call(t.Context(), call), tools.Unavailable, 1)
			o.do = do
			o.wants(t, o.Call(t.Context(), call), "", 2)

			unknown := newOffice(t, guard.Verdict{})
			unknown.Call(t.Context(), call)
			unknown.says(t, "key:boss", true, "")
			unknown.do = func(context.Context, order) (receipt, error) { return receipt{}, errors.New("half-way") }
			unknown.wants(t, unknown.Call(t.Context(), call), tools.Internal, 1)
			if a := unknown.approvals.All()[0]; a.State != guard.ApprovalUsed {
				t.Errorf("%s: a call that may have taken effect left its approval %s", tool, a.State)
			}
		}
	}
}

// Eight at once under one approval: one call.
func TestApprovalIsGoodForOneOfManyAtOnce(t *testing.T) {
	for _, key := range keyed {
		o := newOffice(t, guard.Verdict{})
		call := callFor("shop_charge", goodOrder, key)
		o.Call(t.Context(), call)
		o.says(t, "key:boss", true, "")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { o.Call(t.Context(), call) })
		}
		all.Wait()
		if o.calls() != 1 {
			t.Errorf("key %q: %d calls were made", key, o.calls())
		}
	}
}

// What an agent's trigger may not approve either: see Approval.MayDecide.
func TestAgentsTriggerIsAmongThoseWhoAsked(t *testing.T) {
	o := newOffice(t, guard.Verdict{})
	o.Call(t.Context(), guard.Call{Principal: auth.Principal{Kind: auth.Agent, Name: "desk", Tools: []string{"*"}, Effects: []string{"read", "write", "money"}, For: "key:front", Run: "run_1"}, Tool: "shop_charge",
		Arguments: []byte(goodOrder), Key: "k1", Run: "run_1"})
	a := o.approvals.All()[0]
	for name, may := range map[string]bool{"agent:desk": false, "key:front": false, "key:boss": true, "client:agent:desk": false, "local:ada": true} {
		if err := a.MayDecide(guard.Decider{Name: name}); (err == nil) != may {
			t.Errorf("%s may decide: %v", name, err)
		}
	}
}

func TestNobodyToAskRefuses(t *testing.T) {
	w := newWorld(t, guard.Options{Policy: asks{guard.Verdict{Action: guard.Approve, Rule: "r"}}})
	if result := w.Call(t.Context(), callFor("shop_charge", goodOrder, "k1")); code(result) != tools.Denied || w.calls() != 0 {
		t.Errorf("got %+v after %d calls", result, w.calls())
	}
}

// A call that was broken off behind its approval: what comes then under the same key.
func TestUsedApprovalLetsTheSameCallGoOn(t *testing.T) {
	for tool, want := range map[string]tools.Code{"shop_order": "", "shop_charge": tools.OutcomeUnknown} {
		o := newOffice(t, guard.Verdict{Policy: "v1"})
		call := callFor(tool, goodOrder, "k1")
		o.Call(t.Context(), call)
		o.says(t, "key:boss", true, "")
		o.do = func(context.Context, order) (receipt, error) {
			o.ledger.Break(errors.New("killed")) // nothing of this call is written any more
			return receipt{ID: "r1"}, nil
		}
		o.Call(t.Context(), call)
		o.ledger.Break(nil)
		o.do = func(context.Context, order) (receipt, error) { return receipt{ID: "r1"}, nil }
		o.under(guard.Verdict{Policy: "v2"}) // whatever the rules are by now
		o.wants(t, o.Call(t.Context(), call), want, map[tools.Code]int{"": 2, tools.OutcomeUnknown: 1}[want])
		// Somebody has found out that it took no effect.
		if want != "" {
			o.wants(t, o.Call(guard.WithAgain(t.Context()), call), "", 2)
		}
	}
}
