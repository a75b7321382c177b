package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/dispatch"
)

// However many route events and carry runs at once, those of a subject follow each
// other in the order of arrival.
func orderHoldsUnderLoad(t *testing.T, h Harness) {
	const events, keys, workers = 100, 10, 8
	keyOf := func(n int) int { return n / 3 % keys } // three in a row are of one
	lanes(t, h, dispatch.Lanes{Ordered: []string{"shop"}, AtOnce: map[string]int{"shop": 12}})
	for n := range events {
		arrive(t, h, n)
	}
	var mu sync.Mutex
	var order [keys][]int
	var busy [keys]bool
	ended := 0
	number := func(c dispatch.Claimed) (n int) {
		_, _ = fmt.Sscanf(c.Run.ID, "run_%d", &n)
		return n
	}
	begin := func(c dispatch.Claimed) {
		n := number(c)
		mu.Lock()
		defer mu.Unlock()
		if busy[keyOf(n)] {
			t.Errorf("%s began while another of its subject was under way", c.Run.ID)
		}
		busy[keyOf(n)], order[keyOf(n)] = true, append(order[keyOf(n)], n)
	}
	finish := func(c dispatch.Claimed) {
		mu.Lock()
		busy[keyOf(number(c))] = false
		mu.Unlock()
		if err := h.Store().Finish(t.Context(), c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now()}); err != nil {
			t.Error(err)
		}
		mu.Lock()
		ended++
		mu.Unlock()
	}
	done := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return ended == events || t.Failed()
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for !done() {
				claimed, err := h.Store().ClaimEvents(t.Context(), 3, time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				for i := len(claimed) - 1; i >= 0; i-- { // the last first
					var n int
					_, _ = fmt.Sscanf(claimed[i].ID, "evt_%d", &n)
					if _, err := h.Store().Route(t.Context(), claimed[i].ID, dispatch.Routing{Status: dispatch.Routed,
						Runs: []dispatch.NewRun{about(n, fmt.Sprint(keyOf(n)))}}); err != nil {
						t.Error(err)
						return
					}
				}
				runs, err := h.Store().ClaimRuns(t.Context(), 2, time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				for _, c := range runs {
					begin(c)
				}
				for _, c := range runs {
					finish(c)
				}
			}
		})
	}
	all.Wait()
	for key, got := range order {
		want := []int{}
		for n := range events {
			if keyOf(n) == key {
				want = append(want, n)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("subject %d (-want +got):\n%s", key, diff)
		}
	}
}
