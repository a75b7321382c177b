package guard_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/tools"
)

func counted(t *testing.T, totals *guardtest.Totals, rules guard.Policy) *world {
	t.Helper()
	return newWorld(t, guard.Options{Totals: totals, Policy: rules, Measure: func(_ context.Context, q guard.Question) guard.Measure {
		return guard.Measure{Minor: 250, Currency: "EUR"}
	}})
}

func sum(t *testing.T, totals *guardtest.Totals) guard.Sum {
	t.Helper()
	got, err := totals.Sum(t.Context(), guard.Tally{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWhatWasDoneCountsAndWhatDidNothingDoesNot(t *testing.T) {
	for name, c := range map[string]struct {
		tool  string
		rules guard.Policy
		do    error
		want  int
	}{
		"done":                {tool: "shop_charge", want: 1},
		"nobody knows":        {tool: "shop_charge", do: tools.Errorf(tools.OutcomeUnknown, "lost"), want: 1},
		"the tool refused":    {tool: "shop_charge", do: tools.Errorf(tools.Invalid, "no"), want: 0},
		"denied":              {tool: "shop_charge", rules: judge{Action: guard.Deny}, want: 0},
		"waits for a person":  {tool: "shop_charge", rules: judge{Action: guard.Approve}, want: 0},
		"a dry run":           {tool: "shop_charge", rules: judge{Action: guard.DryRun}, want: 0},
		"a write":             {tool: "shop_order", want: 0},
		"a read":              {tool: "shop_quote", want: 0},
		"the tool, allowed":   {tool: "shop_charge", rules: judge{Action: guard.Allow}, want: 1},
		"the tool panicked":   {tool: "shop_charge", do: errors.New("panic"), want: 1},
		"the tool is at rest": {tool: "shop_charge", do: tools.Errorf(tools.Unavailable, "later"), want: 0},
	} {
		totals := guardtest.NewTotals()
		w := counted(t, totals, c.rules)
		if c.do != nil {
			w.do = func(context.Context, order) (receipt, error) {
				if c.do.Error() == "panic" {
					panic("no")
				}
				return receipt{}, c.do
			}
		}
		w.Call(t.Context(), callFor(c.tool, goodOrder, "k1"))
		if got := sum(t, totals); got.Calls != c.want || got.Minor != int64(c.want)*250 {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
	}
}

func TestCallUnderWayCountsForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		totals := guardtest.NewTotals()
		w := counted(t, totals, nil)
		finish := make(chan struct{})
		w.do = func(context.Context, order) (receipt, error) { <-finish; return receipt{ID: "r1"}, nil }
		go w.Call(t.Context(), callFor("shop_charge", goodOrder, ""))
		synctest.Wait()
		if got := sum(t, totals); got.Calls != 1 {
			t.Errorf("under way: %+v", got)
		}
		close(finish)
	})
}

func TestRepeatedCallCountsOnce(t *testing.T) {
	totals := guardtest.NewTotals()
	w := counted(t, totals, nil)
	for range 3 {
		w.Call(t.Context(), callFor("shop_charge", goodOrder, "k1"))
	}
	if got := sum(t, totals); got.Calls != 1 || w.calls() != 1 {
		t.Errorf("%+v after %d calls", got, w.calls())
	}
}

// The first try may have had its effect. That a second one is refused, or gets nowhere, takes
// nothing of that back, unless it is known that there was none.
func TestCallOfUnknownOutcomeCountsWhateverBecomesOfItsSecondTry(t *testing.T) {
	for name, c := range map[string]struct {
		ctx   context.Context
		fails error
		want  int
	}{
		"not reached":                        {t.Context(), tools.Errorf(tools.Unavailable, "not reached"), 1},
		"not reached, and it did not happen": {guard.WithAgain(t.Context()), tools.Errorf(tools.Unavailable, "not reached"), 0},
		"done":                               {t.Context(), nil, 1},
		"done, when it had not happened":     {guard.WithAgain(t.Context()), nil, 1},
	} {
		totals := guardtest.NewTotals()
		w := newWorld(t, guard.Options{Totals: totals, Counted: []string{"shop_order"}})
		w.do = func(context.Context, order) (receipt, error) {
			return receipt{}, tools.Errorf(tools.OutcomeUnknown, "lost")
		}
		w.Call(t.Context(), callFor("shop_order", goodOrder, "k1"))
		w.do = func(context.Context, order) (receipt, error) { return receipt{}, c.fails }
		w.Call(c.ctx, callFor("shop_order", goodOrder, "k1"))
		if got := sum(t, totals); got.Calls != c.want || w.calls() != 2 {
			t.Errorf("%s: %+v after %d calls, want %d", name, got, w.calls(), c.want)
		}
	}
}

func TestNothingIsDoneThatCannotBeCounted(t *testing.T) {
	totals := guardtest.NewTotals()
	totals.Break(errors.New("disk full"))
	w := counted(t, totals, nil)
	if result := w.Call(t.Context(), callFor("shop_charge", goodOrder, "")); code(result) != tools.Unavailable || w.calls() != 0 {
		t.Errorf("got %+v after %d calls", result, w.calls())
	}
	if result := w.Call(t.Context(), callFor("shop_quote", goodOrder, "")); result.Err != nil {
		t.Errorf("a read: %+v", result)
	}
}
