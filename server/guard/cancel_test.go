package guard_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

// lostIt is what a mount says of a write whose answer did not come.
var lostIt = tools.Errorf(tools.OutcomeUnknown, "the call was sent and no answer came")

func TestCancelledCallEndsAsWhatItDoes(t *testing.T) {
	const cancelled = "invoke: cancelled by the caller"
	for _, test := range []struct {
		name    string
		effect  tools.Effect
		cause   error // why the caller's context ends
		lost    error // what the tool says then
		outcome string
		rule    string
	}{
		{"read taken back", tools.Read, guard.ErrCancelled, context.Canceled, "cancelled", cancelled},
		{"read taken back, in the mount's words", tools.Read, guard.ErrCancelled, tools.Errorf(tools.Unavailable, "no answer came"), "cancelled", cancelled},
		{"read whose caller has gone", tools.Read, nil, context.Canceled, "unavailable", ""},
		{"write taken back", tools.Write, guard.ErrCancelled, lostIt, "outcome_unknown", cancelled},
		{"write taken back, tool without words", tools.Write, guard.ErrCancelled, context.Canceled, "outcome_unknown", cancelled},
		{"write taken back that was not sent", tools.Write, guard.ErrCancelled, tools.Errorf(tools.Unavailable, "not sent"), "cancelled", cancelled},
		{"write whose caller has gone", tools.Write, nil, nil, "ok", ""},
		{"money taken back", tools.Money, guard.ErrCancelled, nil, "ok", ""},
		{"message taken back", tools.Message, guard.ErrCancelled, nil, "ok", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFar(guard.Options{})
				f.mount(t, f.tool("slow", test.effect, `{"type":"object"}`))
				ctx, cancel := context.WithCancelCause(t.Context())
				f.do = func(ctx context.Context) (json.RawMessage, error) {
					cancel(test.cause)
					synctest.Wait() // whoever looks out for that has heard of it
					if test.lost == nil {
						if ctx.Err() != nil {
							t.Error("the call was broken off")
						}
						return json.RawMessage(`{"content":[]}`), nil
					}
					<-ctx.Done()
					return nil, test.lost
				}
				result := f.Call(ctx, farCall("slow", `{}`, ""))
				rows := f.ledger.Rows()
				if len(rows) != 1 || rows[0].Outcome != test.outcome || rows[0].Rule != test.rule || rows[0].Decision != guard.Allowed {
					t.Errorf("rows %+v", rows)
				}
				if test.outcome == "outcome_unknown" && strings.Contains(result.Err.Message, "nothing was changed") {
					t.Errorf("nobody knows that: %v", result.Err)
				}
			})
		})
	}
}

func TestBuiltInWriteThatIsTakenBackGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, guard.Options{})
		ctx, cancel := context.WithCancelCause(t.Context())
		w.do = func(ctx context.Context, _ order) (receipt, error) {
			cancel(guard.ErrCancelled)
			synctest.Wait()
			return receipt{ID: "r1"}, ctx.Err()
		}
		if result := w.Call(ctx, callFor("shop_order", goodOrder, "k")); result.Err != nil {
			t.Errorf("got %v", result.Err)
		}
	})
}

// TestCallThatIsTakenBackBeforeItIsMadeIsNot: and its key stays free.
func TestCallThatIsTakenBackBeforeItIsMadeIsNot(t *testing.T) {
	w := newWorld(t, guard.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(guard.ErrCancelled)
	result := w.Call(ctx, callFor("shop_charge", goodOrder, "k"))
	if code(result) != tools.Cancelled || w.calls() != 0 || w.lastRow(t, 1).Outcome != "cancelled" {
		t.Errorf("%v after %d calls", result.Err, w.calls())
	}
	if again := w.Call(t.Context(), callFor("shop_charge", goodOrder, "k")); again.Err != nil || again.Repeated || w.calls() != 1 {
		t.Errorf("again: %+v after %d calls", again, w.calls())
	}
}

// TestCallTakenBackInTheMiddleIsInDoubt: whether it took effect is not known, and its key
// must not have it made again.
func TestCallTakenBackInTheMiddleIsInDoubt(t *testing.T) {
	f := newFar(guard.Options{})
	f.mount(t, f.tool("put", tools.Write, `{"type":"object"}`))
	ctx, cancel := context.WithCancelCause(t.Context())
	f.do = func(ctx context.Context) (json.RawMessage, error) {
		cancel(guard.ErrCancelled)
		<-ctx.Done()
		return nil, lostIt
	}
	first, again := f.Call(ctx, farCall("put", `{}`, "k")), f.Call(t.Context(), farCall("put", `{}`, "k"))
	if code(first) != tools.OutcomeUnknown || code(again) != tools.OutcomeUnknown || len(f.calls) != 1 {
		t.Errorf("first %v, again %v, %d calls", first.Err, again.Err, len(f.calls))
	}
}

func TestCancelledCallGivesItsPlaceBack(t *testing.T) {
	f := newFar(guard.Options{Limits: []guard.Limit{{Name: "one", Tool: "far__*", Concurrent: 1}}})
	f.mount(t, f.tool("look", tools.Read, `{"type":"object"}`))
	ctx, cancel := context.WithCancelCause(t.Context())
	f.do = func(ctx context.Context) (json.RawMessage, error) {
		if busy := f.Call(t.Context(), farCall("look", `{}`, "")); code(busy) != tools.RateLimited {
			t.Errorf("a second one at once: %+v", busy)
		}
		cancel(guard.ErrCancelled)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if result := f.Call(ctx, farCall("look", `{}`, "")); code(result) != tools.Cancelled {
		t.Errorf("got %+v", result)
	}
	f.do = func(context.Context) (json.RawMessage, error) { return json.RawMessage(`{"content":[]}`), nil }
	if next := f.Call(t.Context(), farCall("look", `{}`, "")); next.Err != nil {
		t.Errorf("the next: %v", next.Err)
	}
}
