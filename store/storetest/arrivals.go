package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/retention"
)

// ids of events, in their order.
func ids(events []dispatch.StoredEvent) (all []string) {
	for _, e := range events {
		all = append(all, e.ID)
	}
	return all
}

// claimSome claims so many events at most.
func claimSome(t *testing.T, h Harness, n int) []string {
	t.Helper()
	events, err := h.Store().ClaimEvents(t.Context(), n, lease)
	if err != nil {
		t.Fatal(err)
	}
	return ids(events)
}

func ignore(t *testing.T, h Harness, event string) {
	t.Helper()
	if _, err := h.Store().Route(t.Context(), event, dispatch.Routing{Status: dispatch.Ignored}); err != nil {
		t.Fatal(err)
	}
}

// Senders and workers at once: no event is claimed twice, and none is left.
func eventsAcceptedAtOnceAreClaimedOnceEach(t *testing.T, h Harness) {
	const senders, each = 8, 25
	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			for n := range each {
				e := event(h, sender*each+n)
				if _, err := acceptOne(t.Context(), h.Store(), e); err != nil {
					t.Error(err)
				}
				if again, err := acceptOne(t.Context(), h.Store(), e); err != nil || !again.Duplicate || again.ID != e.ID {
					t.Errorf("%s came again as %+v, %v", e.ID, again, err)
				}
			}
		})
	}
	sent := make(chan struct{})
	go func() {
		sending.Wait()
		close(sent)
	}()
	claimed := map[string]int{}
	for last := false; ; {
		some := claimSome(t, h, 7)
		for _, id := range some {
			claimed[id]++
		}
		if last && len(some) == 0 {
			break
		}
		select {
		case <-sent:
			last = true
		default:
		}
	}
	for n := range senders * each {
		if id := fmt.Sprintf("evt_%03d", n); claimed[id] != 1 {
			t.Errorf("%s was claimed %d times", id, claimed[id])
		}
	}
}

// One that was put off is due before those that come after its time, and behind those
// that came before.
func eventsPutOffAreClaimedInTurn(t *testing.T, h Harness) {
	accept(t, h, event(h, 1))
	if got := claimSome(t, h, 1); !slices.Equal(got, []string{"evt_001"}) {
		t.Fatalf("claimed %v", got)
	}
	if err := h.Store().Postpone(t.Context(), dispatch.EventJob, "evt_001", h.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for n := 2; n <= 4; n++ {
		h.Advance(25 * time.Second)
		accept(t, h, event(h, n))
	}
	for _, want := range []string{"evt_002", "evt_003", "evt_001", "evt_004"} {
		if got := claimSome(t, h, 1); !slices.Equal(got, []string{want}) {
			t.Errorf("claimed %v, want %s", got, want)
		}
	}
}

func eventsRoutedAgainAreClaimedOnce(t *testing.T, h Harness) {
	for n := 1; n <= 3; n++ {
		accept(t, h, event(h, n))
	}
	claimEvents(t, h)
	for n := 1; n <= 3; n++ {
		ignore(t, h, fmt.Sprintf("evt_%03d", n))
	}
	if err := h.Store().Replay(t.Context(), "evt_002"); err != nil {
		t.Fatal(err)
	}
	accept(t, h, event(h, 4))
	got := ids(claimEvents(t, h))
	slices.Sort(got)
	if !slices.Equal(got, []string{"evt_002", "evt_004"}) {
		t.Fatalf("claimed %v, want the one that is routed again and the new one", got)
	}
	ignore(t, h, "evt_002")
	ignore(t, h, "evt_004")
	if err := h.Store().Replay(t.Context(), "evt_001"); err != nil {
		t.Fatal(err)
	}
	if got := claimSome(t, h, 1); !slices.Equal(got, []string{"evt_001"}) {
		t.Fatalf("claimed %v", got)
	}
	ignore(t, h, "evt_001")
	if got := ids(claimEvents(t, h)); len(got) != 0 {
		t.Errorf("claimed %v again", got)
	}
	h.Restart(t)
	if got := ids(claimEvents(t, h)); len(got) != 0 {
		t.Errorf("claimed %v again after a restart", got)
	}
}

// Numbers of events that were removed may be given again: no new one may hide there.
func eventsBehindThoseRemovedAreClaimed(t *testing.T, h Harness) {
	policy := retention.Policy{Events: retention.Bound{Age: time.Hour}}
	for n := 1; n <= 3; n++ {
		e := event(h, n)
		e.Weak = true // or its key would keep the row
		accept(t, h, e)
	}
	claimEvents(t, h)
	for n := 1; n <= 3; n++ {
		ignore(t, h, fmt.Sprintf("evt_%03d", n))
	}
	h.Advance(1000 * time.Hour)
	sweep(t, h, policy)
	if got := there(t, h, 3); got != "" {
		t.Fatalf("%s is still there", got)
	}
	accept(t, h, event(h, 4))
	if got := claimSome(t, h, 10); !slices.Equal(got, []string{"evt_004"}) {
		t.Errorf("claimed %v, want the event that came after all others had been removed", got)
	}
}

func eventsAreDueSinceTheyCame(t *testing.T, h Harness) {
	due := func() (time.Time, bool) {
		t.Helper()
		at, ok, err := h.Store().NextDue(t.Context(), dispatch.EventJob)
		if err != nil {
			t.Fatal(err)
		}
		return at, ok
	}
	if at, ok := due(); ok {
		t.Fatalf("an empty store has an event due at %v", at)
	}
	came := h.Now()
	accept(t, h, event(h, 1))
	h.Advance(time.Second)
	accept(t, h, event(h, 2))
	if at, ok := due(); !ok || !at.Equal(came) {
		t.Fatalf("due at %v (%v), want %v, when the first came", at, ok, came)
	}
	claimEvents(t, h)
	if at, ok := due(); !ok || !at.Equal(h.Now().Add(lease)) {
		t.Fatalf("claimed events are due at %v (%v), want the lease's end", at, ok)
	}
	accept(t, h, event(h, 3))
	if at, ok := due(); !ok || !at.Equal(h.Now()) {
		t.Fatalf("due at %v (%v), want the new one at once", at, ok)
	}
}
