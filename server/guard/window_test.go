package guard_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

// clock is one that a test sets.
type clock struct{ at time.Time }

func newClock() *clock                   { return &clock{time.UnixMilli(1_790_000_000_000).UTC()} }
func (c *clock) now() time.Time          { return c.at }
func (c *clock) pass(span time.Duration) { c.at = c.at.Add(span) }

// tenMinutes is a guard whose window holds for both of the writers.
func tenMinutes(t *testing.T, c *clock) *world {
	t.Helper()
	return newWorld(t, guard.Options{RepeatWindow: 10 * time.Minute, RepeatEffects: []tools.Effect{tools.Write, tools.Money}, Now: c.now})
}

func TestSameWriteWithinTheWindowGetsTheFirstResultAndSaysSo(t *testing.T) {
	for _, tool := range writers {
		c := newClock()
		w := tenMinutes(t, c)
		first := w.Call(t.Context(), callFor(tool, goodOrder, ""))
		w.do = func(context.Context, order) (receipt, error) { return receipt{ID: "another"}, nil }
		c.pass(3 * time.Minute)
		again := w.Call(t.Context(), callFor(tool, ` {"amount": 2.5e2, "email":"ada\u0040example.com"}`, ""))
		if again.Err != nil || string(again.Output) != string(first.Output) || !again.Repeated || first.Repeated || first.Note != "" || w.calls() != 1 {
			t.Errorf("%s: first %+v, again %+v after %d calls", tool, first, again, w.calls())
		}
		for _, says := range []string{"not made again", "3m0s ago", guard.MetaKey, c.at.Add(7 * time.Minute).Format(time.RFC3339)} {
			if !strings.Contains(again.Note, says) {
				t.Errorf("%s: does not say %q: %s", tool, says, again.Note)
			}
		}
		if row := w.lastRow(t, 2); row.Decision != guard.Repeated || row.Rule != "once: the same call was made before" {
			t.Errorf("%s: row %+v", tool, row)
		}
	}
}

// It slides, from the end of the call that was made; a repeated one does not prolong it.
func TestWindowEndsTenMinutesAfterTheCallThatWasMade(t *testing.T) {
	for _, tool := range writers {
		c := newClock()
		w := tenMinutes(t, c)
		fine := w.do
		w.do = func(ctx context.Context, in order) (receipt, error) {
			c.pass(time.Minute)
			return fine(ctx, in)
		}
		w.Call(t.Context(), callFor(tool, goodOrder, ""))
		for _, step := range []struct {
			after time.Duration
			calls int
		}{{9 * time.Minute, 1}, {time.Minute, 1}, {time.Millisecond, 2}, {10 * time.Minute, 2}, {time.Millisecond, 3}} {
			c.pass(step.after)
			result := w.Call(t.Context(), callFor(tool, goodOrder, ""))
			if result.Err != nil || w.calls() != step.calls {
				t.Fatalf("%s, %v later: %+v after %d calls, want %d", tool, step.after, result, w.calls(), step.calls)
			}
		}
		if w.keys[0] == w.keys[1] || w.keys[1] == w.keys[2] {
			t.Errorf("%s: the backend would take one call for the other: %q", tool, w.keys)
		}
	}
}

func TestAnotherWriteIsNoRepeatedOne(t *testing.T) {
	shop := auth.Principal{Kind: auth.Key, Name: "shop", Tools: []string{"*"}, Effects: desk.Effects}
	agent := auth.Principal{Kind: auth.Agent, Name: "billing", Run: "run_1", Tools: []string{"*"}, Effects: desk.Effects}
	for name, change := range map[string]func(*guard.Call){
		"other arguments":   func(c *guard.Call) { c.Arguments = []byte(`{"email":"ada@example.com","amount":251}`) },
		"another tool":      func(c *guard.Call) { c.Tool = "shop_order" },
		"another principal": func(c *guard.Call) { c.Principal = shop },
		"a key of its own":  func(c *guard.Call) { c.Key = "k1" },
		"a run's":           func(c *guard.Call) { c.Principal, c.Run = agent, "run_1" },
	} {
		w := tenMinutes(t, newClock())
		w.Call(t.Context(), callFor("shop_charge", goodOrder, ""))
		other := callFor("shop_charge", goodOrder, "")
		change(&other)
		if result := w.Call(t.Context(), other); result.Err != nil || result.Repeated || w.calls() != 2 {
			t.Errorf("%s: %+v after %d calls", name, result, w.calls())
		}
	}
}

func TestWindowHoldsForMoneyAndMessagesUnlessSaidOtherwise(t *testing.T) {
	w := newWorld(t, guard.Options{RepeatWindow: 10 * time.Minute})
	for tool, calls := range map[string]int{"shop_quote": 2, "shop_order": 2, "shop_charge": 1} {
		before := w.calls()
		for range 2 {
			w.Call(t.Context(), callFor(tool, goodOrder, ""))
		}
		if made := w.calls() - before; made != calls {
			t.Errorf("%s was called %d times, want %d", tool, made, calls)
		}
	}
}

// That a second try did nothing says nothing of the first, which may have had its effect:
// the key that the backend knows it by is kept.
func TestSecondTryThatDidNothingDoesNotFreeTheFirst(t *testing.T) {
	c := newClock()
	w := tenMinutes(t, c)
	for i, fails := range []error{tools.Errorf(tools.OutcomeUnknown, "sent, no answer"), tools.Errorf(tools.Unavailable, "not reached"), nil} {
		w.do = func(context.Context, order) (receipt, error) { return receipt{}, fails }
		c.pass(time.Minute)
		w.Call(t.Context(), callFor("shop_order", goodOrder, ""))
		if len(w.keys) != i+1 || w.keys[i] != w.keys[0] {
			t.Fatalf("try %d: keys %q", i+1, w.keys)
		}
	}
}

// What failed without effect may be tried again at once; what may have had one may not.
func TestFailedWriteIsRepeatedOnlyIfItTookNoEffect(t *testing.T) {
	for _, test := range []struct {
		fails         error
		order, charge tools.Code // of a second call
	}{
		{tools.Errorf(tools.Invalid, "no such currency"), "", ""},
		{tools.Errorf(tools.Unavailable, "not reached"), "", ""},
		{tools.Errorf(tools.OutcomeUnknown, "sent, no answer"), "", tools.OutcomeUnknown},
		{errors.New("broke half-way"), "", tools.OutcomeUnknown},
	} {
		for tool, want := range map[string]tools.Code{"shop_order": test.order, "shop_charge": test.charge} {
			c := newClock()
			w := tenMinutes(t, c)
			fine := w.do
			w.do = func(context.Context, order) (receipt, error) { return receipt{}, test.fails }
			w.Call(t.Context(), callFor(tool, goodOrder, ""))
			w.do = fine
			c.pass(time.Minute)
			again := w.Call(t.Context(), callFor(tool, goodOrder, ""))
			if code(again) != want || again.Repeated {
				t.Errorf("%s after %v: got %+v", tool, test.fails, again)
			}
			if want != "" && (w.calls() != 1 || !strings.Contains(again.Err.Message, guard.MetaKey)) {
				t.Errorf("%s after %v: %d calls, says %s", tool, test.fails, w.calls(), again.Err.Message)
			}
			// Under the backend's own key, where one that may have taken effect is made again.
			if tool == "shop_order" && tools.CodeOf(test.fails) != tools.Invalid && tools.CodeOf(test.fails) != tools.Unavailable && w.keys[0] != w.keys[1] {
				t.Errorf("%s after %v: keys %q", tool, test.fails, w.keys)
			}
		}
	}
}

// What nobody ever learnt about does not stand in the way for ever.
func TestWriteInDoubtCountsForAsLongAsItCouldTakeAndTheWindow(t *testing.T) {
	c := newClock()
	w := tenMinutes(t, c)
	fine := w.do
	w.do = func(context.Context, order) (receipt, error) {
		w.ledger.Break(errors.New("killed"))
		return receipt{ID: "r1"}, nil
	}
	w.Call(t.Context(), callFor("shop_charge", goodOrder, ""))
	w.ledger.Break(nil)
	w.do = fine
	for _, step := range []struct {
		after time.Duration
		want  tools.Code
	}{{time.Hour, tools.OutcomeUnknown}, {12 * time.Minute, tools.OutcomeUnknown}, {time.Millisecond, ""}} {
		c.pass(step.after)
		if result := w.Call(t.Context(), callFor("shop_charge", goodOrder, "")); code(result) != step.want {
			t.Errorf("%v later: %+v, want %q", step.after, result, step.want)
		}
	}
}

func TestSameWriteTwiceAtOnceIsMadeOnce(t *testing.T) {
	for _, tool := range writers {
		synctest.Test(t, func(t *testing.T) {
			w := tenMinutes(t, newClock())
			finish := make(chan struct{})
			w.do = func(context.Context, order) (receipt, error) { <-finish; return receipt{ID: "r1"}, nil }
			results := make(chan guard.Result, 2)
			for range 2 {
				go func() { results <- w.Call(t.Context(), callFor(tool, goodOrder, "")) }()
				synctest.Wait()
			}
			close(finish)
			a, b := <-results, <-results
			if a.Repeated == b.Repeated || string(a.Output) != string(b.Output) || a.Err != nil || w.calls() != 1 {
				t.Errorf("%s: %+v and %+v after %d calls", tool, a, b, w.calls())
			}
			if (a.Note == "") == a.Repeated || (b.Note == "") == b.Repeated {
				t.Errorf("%s: notes %q and %q", tool, a.Note, b.Note)
			}
		})
	}
}

// Two nodes, which share nothing but the ledger: where the backend honours keys both may
// call it, under one key; where it does not only one does.
func TestSameWriteAtTwoNodesAtOnceIsOne(t *testing.T) {
	for _, tool := range writers {
		c := newClock()
		w := tenMinutes(t, c)
		other := guard.New(catalogOf(w), w.ledger, guard.Options{RepeatWindow: 10 * time.Minute, RepeatEffects: []tools.Effect{tools.Write, tools.Money}, Now: c.now})
		var second guard.Result
		fine := w.do
		w.do = func(ctx context.Context, in order) (receipt, error) {
			w.do = fine
			c.pass(time.Second)
			second = other.Call(ctx, callFor(tool, goodOrder, ""))
			return fine(ctx, in)
		}
		if first := w.Call(t.Context(), callFor(tool, goodOrder, "")); first.Err != nil {
			t.Fatalf("%s: %+v", tool, first)
		}
		if tool == "shop_order" && (second.Err != nil || w.calls() != 2 || w.keys[0] != w.keys[1]) {
			t.Errorf("%s: %+v under keys %q", tool, second, w.keys)
		}
		if tool == "shop_charge" && (code(second) != tools.OutcomeUnknown || w.calls() != 1) {
			t.Errorf("%s: %+v after %d calls", tool, second, w.calls())
		}
	}
}
