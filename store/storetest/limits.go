package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"drawbridge/server/auth"
)

// admit asks for a request to be let in, which is held for a quarter of a minute.
func admit(t *testing.T, h Harness, id, caller string, limit auth.Limit) auth.Admission {
	t.Helper()
	a, err := h.Store().Admit(t.Context(), auth.Request{ID: id, Caller: caller, Limit: limit, At: h.Now(), Until: h.Now().Add(15 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func rateOfACallerIsKept(t *testing.T, h Harness) {
	limit := auth.Limit{PerMinute: 12} // two at once, then one every five seconds
	var in []bool
	for i, pause := range []time.Duration{0, 0, 0, 5*time.Second - time.Millisecond, time.Millisecond, 0, time.Hour, 0, 0} {
		h.Advance(pause)
		in = append(in, admit(t, h, fmt.Sprint(i), "key:desk", limit).In)
	}
	if want := []bool{true, true, false, false, true, false, true, true, false}; !slices.Equal(in, want) {
		t.Errorf("let in: %v, want %v", in, want)
	}
	if a := admit(t, h, "more", "key:desk", limit); a.In || a.Left != 0 {
		t.Errorf("one too many: %+v", a)
	}
	if a := admit(t, h, "other", "key:shop", limit); !a.In || a.Left != 1 {
		t.Errorf("another caller: %+v, want one more to be left", a)
	}
}

// RUN-09: nothing that a killed node had under way counts for ever.
func requestsUnderWayCountUntilTheirTimeIsOver(t *testing.T, h Harness) {
	limit := auth.Limit{Concurrent: 2}
	for i := range 2 {
		if a := admit(t, h, fmt.Sprint(i), "key:desk", limit); !a.In || a.UnderWay != i {
			t.Fatalf("request %d: %+v", i, a)
		}
	}
	if a := admit(t, h, "2", "key:desk", limit); a.In || a.UnderWay != 2 {
		t.Fatalf("one too many: %+v", a)
	}
	if err := h.Store().Dismiss(t.Context(), "0"); err != nil {
		t.Fatal(err)
	}
	if a := admit(t, h, "3", "key:desk", limit); !a.In {
		t.Fatalf("behind one that is over: %+v", a)
	}
	h.Advance(10 * time.Second)
	if err := h.Store().Prolong(t.Context(), []string{"1", "gone"}, h.Now().Add(15*time.Second)); err != nil {
		t.Fatal(err)
	}
	h.Advance(5 * time.Second)
	if a := admit(t, h, "4", "key:desk", limit); !a.In || a.UnderWay != 1 {
		t.Errorf("one was prolonged, and the time of the other is over: %+v", a)
	}
}

func concurrentRequestsOfACallerAreCountedOneByOne(t *testing.T, h Harness) {
	var wg sync.WaitGroup
	in := make(chan bool, 40)
	for i := range cap(in) {
		wg.Go(func() {
			a, err := h.Store().Admit(t.Context(), auth.Request{ID: fmt.Sprint(i), Caller: "key:desk", Limit: auth.Limit{PerMinute: 60, Concurrent: 7},
				At: h.Now(), Until: h.Now().Add(time.Minute)})
			if err != nil {
				t.Error(err)
			}
			in <- a.In
		})
	}
	wg.Wait()
	close(in)
	n := 0
	for ok := range in {
		if ok {
			n++
		}
	}
	if n != 7 {
		t.Errorf("%d were let in at once, want 7", n)
	}
}

// RUN-09: what a source may be sent is counted once for all nodes.
func deliveriesAreTakenOfOneMeasure(t *testing.T, h Harness) {
	var got []int
	for _, ask := range []struct {
		pause time.Duration
		want  int
	}{{0, 15}, {0, 15}, {0, 1}, {499 * time.Millisecond, 5}, {time.Millisecond, 5}, {time.Hour, 100}, {0, 1}} {
		h.Advance(ask.pause)
		taken, err := h.Store().TakeDeliveries(t.Context(), "shop", 2, 20, ask.want, h.Now())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, taken)
	}
	if want := []int{15, 5, 0, 0, 1, 20, 0}; !slices.Equal(got, want) {
		t.Errorf("taken: %v, want %v", got, want)
	}
	if taken, err := h.Store().TakeDeliveries(t.Context(), "bank", 2, 20, 3, h.Now()); err != nil || taken != 3 {
		t.Errorf("another source: %d, %v; want 3", taken, err)
	}
}
