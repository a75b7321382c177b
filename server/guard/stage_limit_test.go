package guard_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/tools"
)

// limitedWorld counts the amounts of orders as euros; 99 is one that nobody can tell.
func limitedWorld(t *testing.T, c *clock, totals guard.Totals, rules guard.Policy, limits ...guard.Limit) *world {
	t.Helper()
	return newWorld(t, guard.Options{Now: c.now, Limits: limits, Totals: totals, Policy: rules, Measure: func(_ context.Context, q guard.Question) guard.Measure {
		minor, _ := strconv.ParseInt(q.Arguments.(map[string]any)["amount"].(interface{ String() string }).String(), 10, 64)
		if minor == 99 {
			return guard.Measure{}
		}
		return guard.Measure{Minor: minor, Currency: "EUR"}
	}})
}

func charge(amount int) guard.Call {
	return callFor("shop_charge", `{"email":"ada@example.com","amount":`+strconv.Itoa(amount)+`}`, "")
}

func TestRateRefusesWhatComesTooFastAndSaysWhenToTryAgain(t *testing.T) {
	c := newClock()
	w := limitedWorld(t, c, nil, nil, guard.Limit{Name: "slow", Tool: "shop_*", Rate: 0.1, Burst: 2})
	for range 2 {
		if result := w.Call(t.Context(), callFor("shop_quote", goodOrder, "")); result.Err != nil {
			t.Fatal(result.Err)
		}
	}
	refused := w.Call(t.Context(), charge(250))
	if code(refused) != tools.RateLimited || !refused.Err.Retryable || refused.Err.RetryAfter != 10*time.Second || !strings.Contains(refused.Err.Message, "Try again in 10s") {
		t.Fatalf("got %+v, after %v", refused, refused.Err.RetryAfter)
	}
	if row := w.lastRow(t, 3); row.Decision != guard.Refused || row.Rule != "limit: slow: rate" || row.Outcome != "rate_limited" {
		t.Errorf("row %+v", row)
	}
	other := charge(250)
	other.Principal.Name = "shop"
	if result := w.Call(t.Context(), other); result.Err != nil {
		t.Errorf("another principal: %v", result.Err)
	}
	c.pass(refused.Err.RetryAfter)
	if result := w.Call(t.Context(), charge(250)); result.Err != nil {
		t.Errorf("after that time: %v", result.Err)
	}
}

func TestConcurrencyIsGivenBackWhenACallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := limitedWorld(t, newClock(), nil, nil, guard.Limit{Name: "one", Effect: tools.Money, Concurrent: 1})
		finish, done := make(chan struct{}), make(chan guard.Result)
		fine := w.do
		w.do = func(ctx context.Context, in order) (receipt, error) { <-finish; return fine(ctx, in) }
		go func() { done <- w.Call(t.Context(), charge(1)) }()
		synctest.Wait()
		if result := w.Call(t.Context(), charge(2)); code(result) != tools.RateLimited || result.Err.RetryAfter != time.Second {
			t.Errorf("beside it: %+v", result)
		}
		close(finish)
		if first := <-done; first.Err != nil {
			t.Error(first.Err)
		}
		if result := w.Call(t.Context(), charge(2)); result.Err != nil {
			t.Errorf("behind it: %+v", result)
		}
	})
}

func TestCountInAnHourHoldsOverProcesses(t *testing.T) {
	c, totals := newClock(), guardtest.NewTotals()
	limit := guard.Limit{Name: "few", Tool: "shop_*", Effect: tools.Money, Hour: guard.Quota{Calls: 2}}
	a, b := limitedWorld(t, c, totals, nil, limit), limitedWorld(t, c, totals, nil, limit)
	for i, w := range []*world{a, b} {
		if result := w.Call(t.Context(), charge(i+1)); result.Err != nil {
			t.Fatal(result.Err)
		}
		c.pass(10 * time.Minute)
	}
	third := b.Call(t.Context(), charge(3))
	if code(third) != tools.RateLimited || b.calls() != 1 {
		t.Fatalf("got %+v", third)
	}
	// The first of them is forgotten in 40 minutes.
	if wait := third.Err.RetryAfter; wait < 40*time.Minute || wait > 41*time.Minute {
		t.Errorf("told to try again in %v", wait)
	}
	c.pass(third.Err.RetryAfter)
	if result := a.Call(t.Context(), charge(3)); result.Err != nil {
		t.Errorf("after that time: %v", result.Err)
	}
	if result := a.Call(t.Context(), callFor("shop_order", goodOrder, "")); result.Err != nil {
		t.Errorf("another effect: %v", result.Err)
	}
}

func TestAmountInADay(t *testing.T) {
	day := guard.Quota{Amounts: map[string]int64{"EUR": 1000}}
	for _, test := range []struct {
		name   string
		before []int
		amount int
		limit  guard.Quota
		want   tools.Code
		says   string
	}{
		{"just fits", []int{600}, 400, day, "", ""},
		{"goes beyond", []int{600}, 401, day, tools.RateLimited, "Try again in"},
		{"more than a whole day's", nil, 1001, day, tools.Denied, "have somebody decide"},
		{"nobody can tell", nil, 99, day, tools.Denied, "nobody can tell"},
		{"another currency", nil, 1, guard.Quota{Amounts: map[string]int64{"USD": 1000}}, tools.Denied, "no EUR"},
	} {
		w := limitedWorld(t, newClock(), guardtest.NewTotals(), nil, guard.Limit{Name: "daily", Effect: tools.Money, Day: test.limit})
		for _, amount := range test.before {
			if result := w.Call(t.Context(), charge(amount)); result.Err != nil {
				t.Fatalf("%s: %v", test.name, result.Err)
			}
		}
		result := w.Call(t.Context(), charge(test.amount))
		if code(result) != test.want || result.Err != nil && !strings.Contains(result.Err.Message, test.says) {
			t.Errorf("%s: got %+v", test.name, result)
		}
		if result.Err != nil && w.calls() != len(test.before) {
			t.Errorf("%s: %d calls", test.name, w.calls())
		}
	}
}

func TestLimitOfAllTogether(t *testing.T) {
	for together, want := range map[bool]tools.Code{true: tools.RateLimited, false: ""} {
		w := limitedWorld(t, newClock(), guardtest.NewTotals(), nil, guard.Limit{Name: "all", Effect: tools.Money, Together: together, Day: guard.Quota{Calls: 1}})
		w.Call(t.Context(), charge(1))
		other := charge(1)
		other.Principal.Name = "shop"
		if result := w.Call(t.Context(), other); code(result) != want {
			t.Errorf("together %v: %+v", together, result)
		}
	}
}

// What is not done takes nothing away from what may be done.
func TestWhatIsNotDoneIsNotCounted(t *testing.T) {
	for name, rules := range map[string]guard.Policy{
		"a dry run": judge{Action: guard.DryRun}, "a denial": judge{Action: guard.Deny}, "an approval that is waited for": judge{Action: guard.Approve},
	} {
		change := &switched{Policy: rules}
		w := limitedWorld(t, newClock(), guardtest.NewTotals(), change, guard.Limit{Name: "one", Effect: tools.Money, Concurrent: 1, Day: guard.Quota{Calls: 1, Amounts: map[string]int64{"EUR": 100}}})
		for range 3 {
			if result := w.Call(t.Context(), charge(100)); result.Err == nil || w.calls() != 0 {
				t.Fatalf("%s: %+v", name, result)
			}
		}
		change.Policy = nil
		if result := w.Call(t.Context(), charge(100)); result.Err != nil {
			t.Errorf("after %s: %v", name, result.Err)
		}
	}
	w := limitedWorld(t, newClock(), guardtest.NewTotals(), nil, guard.Limit{Name: "one", Effect: tools.Money, Day: guard.Quota{Calls: 1}})
	fine := w.do
	w.do = func(context.Context, order) (receipt, error) { return receipt{}, tools.Errorf(tools.Conflict, "paid") }
	w.Call(t.Context(), charge(100))
	w.do = fine
	if result := w.Call(t.Context(), charge(100)); result.Err != nil {
		t.Errorf("after one that the tool refused: %v", result.Err)
	}
	// A repeated one is none either.
	w = limitedWorld(t, newClock(), guardtest.NewTotals(), nil, guard.Limit{Name: "one", Effect: tools.Money, Day: guard.Quota{Calls: 1}, Rate: 0.001})
	again := charge(100)
	again.Key = "k1"
	for i := range 3 {
		if result := w.Call(t.Context(), again); result.Err != nil || result.Repeated != (i > 0) {
			t.Errorf("repeated: %+v", result)
		}
	}
}

func TestTotalsOutOfOrderMakeNoCall(t *testing.T) {
	totals := guardtest.NewTotals()
	w := limitedWorld(t, newClock(), totals, nil, guard.Limit{Name: "one", Effect: tools.Money, Day: guard.Quota{Calls: 1}})
	totals.Break(errors.New("disk full"))
	if result := w.Call(t.Context(), charge(100)); code(result) != tools.Unavailable || w.calls() != 0 {
		t.Errorf("got %+v", result)
	}
}

// Ten at once against a limit of three: three at most, whoever is first.
func TestLimitHoldsForThoseWhoComeAtOnce(t *testing.T) {
	totals := guardtest.NewTotals()
	w := limitedWorld(t, newClock(), totals, nil, guard.Limit{Name: "three", Effect: tools.Money, Hour: guard.Quota{Calls: 3, Amounts: map[string]int64{"EUR": 300}}})
	results := make(chan guard.Result, 10)
	for range cap(results) {
		go func() { results <- w.Call(t.Context(), charge(100)) }()
	}
	made := 0
	for range cap(results) {
		if result := <-results; result.Err == nil {
			made++
		} else if result.Err.Code != tools.RateLimited {
			t.Errorf("got %v", result.Err)
		}
	}
	if made == 0 || made > 3 || w.calls() != made {
		t.Errorf("%d were made, %d reached the tool", made, w.calls())
	}
}

func TestLimitIsForThoseItNames(t *testing.T) {
	w := limitedWorld(t, newClock(), nil, nil, guard.Limit{Name: "agents", Principal: "agent:*", Rate: 0.001})
	for range 2 {
		if result := w.Call(t.Context(), charge(1)); result.Err != nil {
			t.Errorf("a key: %v", result.Err)
		}
	}
	agent := charge(1)
	agent.Principal = auth.Principal{Kind: auth.Agent, Name: "billing", Tools: []string{"*"}, Effects: desk.Effects}
	w.Call(t.Context(), agent)
	if result := w.Call(t.Context(), agent); code(result) != tools.RateLimited {
		t.Errorf("an agent: %+v", result)
	}
}
