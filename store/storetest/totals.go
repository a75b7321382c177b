package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

func reserve(t *testing.T, h Harness, id, tool, currency string, minor int64) int64 {
	t.Helper()
	place, _, err := h.Store().Reserve(t.Context(), guard.Effected{ID: id, Principal: "key:desk", Tool: tool, Effect: tools.Money,
		Measure: guard.Measure{Minor: minor, Currency: currency}, At: h.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return place
}

func sumOf(t *testing.T, h Harness, q guard.Tally) guard.Sum {
	t.Helper()
	sum, err := h.Store().Sum(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func totalsAddUpWhatFits(t *testing.T, h Harness) {
	start := h.Now()
	reserve(t, h, "a", "refund", "EUR", 100)
	reserve(t, h, "b", "refund", "USD", 1_000)
	h.Advance(time.Hour)
	reserve(t, h, "c", "refund", "EUR", 30)
	reserve(t, h, "d", "link", "EUR", 7)
	if _, _, err := h.Store().Reserve(t.Context(), guard.Effected{ID: "e", Principal: "agent:billing", Tool: "mail", Effect: tools.Message, Measure: guard.Measure{Recipients: 3}, At: h.Now()}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q    guard.Tally
		want guard.Sum
	}{
		{guard.Tally{Tool: "refund", Currency: "EUR", Since: start}, guard.Sum{Calls: 2, Minor: 130}},
		{guard.Tally{Tool: "refund", Currency: "EUR", Since: start.Add(time.Millisecond)}, guard.Sum{Calls: 1, Minor: 30}},
		{guard.Tally{Effect: tools.Money, Currency: "EUR", Since: start}, guard.Sum{Calls: 3, Minor: 137}},
		{guard.Tally{Principal: "agent:billing", Since: start}, guard.Sum{Calls: 1, Recipients: 3}},
		{guard.Tally{Tool: "nothing", Since: start}, guard.Sum{}},
	} {
		if got := sumOf(t, h, c.q); got != c.want {
			t.Errorf("%+v: got %+v, want %+v", c.q, got, c.want)
		}
	}
}

func totalsKeepTheirOrder(t *testing.T, h Harness) {
	first := reserve(t, h, "a", "refund", "EUR", 100)
	second := reserve(t, h, "b", "refund", "EUR", 20)
	q := guard.Tally{Tool: "refund", Before: second, Since: h.Now()}
	if got := sumOf(t, h, q); first >= second || got.Minor != 100 {
		t.Fatalf("places %d and %d; before the second %+v", first, second, got)
	}
	// The same call again, which may be for less now, keeps its place.
	if again := reserve(t, h, "a", "refund", "EUR", 60); again != first || sumOf(t, h, q).Minor != 60 {
		t.Errorf("again: place %d, want %d; %+v", again, first, sumOf(t, h, q))
	}
	if err := h.Store().TakeBack(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := sumOf(t, h, q); got != (guard.Sum{}) {
		t.Errorf("behind the release: %+v", got)
	}
	h.Restart(t)
	if got := sumOf(t, h, guard.Tally{Since: h.Now()}); got.Minor != 20 {
		t.Errorf("behind a restart: %+v", got)
	}
	for _, c := range []struct {
		id    string
		pass  time.Duration
		known bool
	}{{"b", time.Second, true}, {"c", 0, false}, {"c", 0, false}, {"c", time.Millisecond, true}} {
		h.Advance(c.pass)
		if _, known, err := h.Store().Reserve(t.Context(), guard.Effected{ID: c.id, At: h.Now()}); err != nil || known != c.known {
			t.Errorf("%s %v later: known %v (%v)", c.id, c.pass, known, err)
		}
	}
}

// Of many at once, each finds all that have a lower place: no two can both be the last
// that fits below a bound.
func totalsOfCallsAtOnceSeeEachOther(t *testing.T, h Harness) {
	var wg sync.WaitGroup
	fits := make(chan int64, 16)
	store, now := h.Store(), h.Now()
	for i := range cap(fits) {
		wg.Go(func() {
			place, _, err := store.Reserve(t.Context(), guard.Effected{ID: fmt.Sprint(i), Principal: "key:desk", Tool: "refund", Effect: tools.Money,
				Measure: guard.Measure{Minor: 100, Currency: "EUR"}, At: now})
			if err != nil {
				t.Error(err)
				return
			}
			sum, err := store.Sum(t.Context(), guard.Tally{Tool: "refund", Currency: "EUR", Since: now, Before: place})
			if err != nil {
				t.Error(err)
			}
			if sum.Minor+100 <= 500 {
				fits <- place
			}
		})
	}
	wg.Wait()
	if len(fits) != 5 {
		t.Errorf("%d of 16 calls over 100 fit below 500, want 5", len(fits))
	}
}

func totalsForgetWhatCountsNoMore(t *testing.T, h Harness) {
	long := guard.TotalsKept + 2*time.Hour
	start := h.Now()
	for i := range 6 {
		reserve(t, h, fmt.Sprint("old", i), "refund", "EUR", 1)
	}
	h.Advance(long)
	for i := range 2 {
		reserve(t, h, fmt.Sprint("new", i), "refund", "EUR", 1)
	}
	if got := sumOf(t, h, guard.Tally{Since: start}); got.Calls != 2 {
		t.Errorf("%d calls are kept, want the two that count", got.Calls)
	}
}

func callsOfARunAreCounted(t *testing.T, h Harness) {
	for _, row := range []guard.Row{
		{Tool: "crm_get_customer", Run: "run_1", Decision: guard.Allowed}, {Tool: "crm_get_customer", Run: "run_1", Decision: guard.Allowed},
		{Tool: "email_send", Run: "run_1", Decision: guard.Refused}, {Tool: "email_send", Run: "run_2", Decision: guard.Allowed}, {Tool: "email_send", Decision: guard.Allowed},
	} {
		row.At, row.Principal, row.Arguments, row.Outcome = h.Now(), "agent:a", []byte("{}"), "ok"
		if err := h.Store().Record(t.Context(), row, nil); err != nil {
			t.Fatal(err)
		}
	}
	for run, want := range map[string]int{"run_1": 2, "run_3": 0} {
		made, err := h.Store().Made(t.Context(), run)
		if err != nil || made["crm_get_customer"] != want || made["email_send"] != 0 {
			t.Errorf("%s: made %v, %v", run, made, err)
		}
	}
}
