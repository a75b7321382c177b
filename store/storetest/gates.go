package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// lanes tells the store of settings.
func lanes(t *testing.T, h Harness, l dispatch.Lanes) {
	t.Helper()
	if err := h.Store().SetLanes(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

// ordered is a shop whose events keep an order.
var ordered = dispatch.Lanes{Ordered: []string{"shop"}}

// arrive stores events of the shop, by their numbers.
func arrive(t *testing.T, h Harness, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		accept(t, h, event(h, n))
	}
}

// about makes the run of an event, with a subject of the shop.
func about(n int, subject string) dispatch.NewRun {
	run := dispatch.NewRun{ID: fmt.Sprintf("run_%03d", n), Agent: "billing", Source: "shop", Event: fmt.Sprintf("evt_%03d", n), Prompt: "look"}
	if subject != "" {
		run.Subject = "shop/billing:" + subject
	}
	return run
}

// route ends an event's job, with the runs that it became.
func route(t *testing.T, h Harness, runs ...dispatch.NewRun) (worked []string) {
	t.Helper()
	worked, err := h.Store().Route(t.Context(), runs[0].Event, dispatch.Routing{Status: dispatch.Routed, Runs: runs})
	if err != nil {
		t.Fatal(err)
	}
	return worked
}

// taken claims all that is due, and names it.
func taken(t *testing.T, h Harness) ([]dispatch.Claimed, string) {
	t.Helper()
	claimed := claim(t, h)
	ids := make([]string, len(claimed))
	for i, c := range claimed {
		ids[i] = strings.TrimPrefix(c.Run.ID, "run_")
	}
	return claimed, strings.Join(ids, " ")
}

// take is taken for one that is expected.
func take(t *testing.T, h Harness, want string) []dispatch.Claimed {
	t.Helper()
	claimed, got := taken(t, h)
	if got != want {
		t.Fatalf("may begin: %q, want %q", got, want)
	}
	return claimed
}

func end(t *testing.T, h Harness, c dispatch.Claimed) {
	t.Helper()
	if err := h.Store().Finish(t.Context(), c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now()}); err != nil {
		t.Fatal(err)
	}
}

// hold checks what a run waits at, and what that is called.
func hold(t *testing.T, h Harness, id string, gate dispatch.Gate, says string) {
	t.Helper()
	run, err := h.Store().Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	held, err := h.Store().Held(t.Context(), run)
	if err != nil || run.Gate != gate || held.Gate != gate || held.String() != says {
		t.Errorf("%s waits at gate %q: %q (%v), want %q: %q", id, run.Gate, held, err, gate, says)
	}
}

func runsOfASubjectGoOneAtATime(t *testing.T, h Harness) {
	lanes(t, h, ordered)
	arrive(t, h, 1, 2, 3, 4)
	for n, subject := range []string{"ada", "ada", "bob", "ada"} {
		route(t, h, about(n+1, subject))
	}
	first := take(t, h, "001 003")
	hold(t, h, "run_002", dispatch.SubjectGate, "held: waits for run run_001 of the same subject")
	hold(t, h, "run_004", dispatch.SubjectGate, "held: waits for run run_002 of the same subject")
	take(t, h, "")
	end(t, h, first[1]) // of another subject
	take(t, h, "")
	end(t, h, first[0])
	second := take(t, h, "002")
	hold(t, h, "run_002", dispatch.Open, "")
	end(t, h, second[0])
	take(t, h, "004")
}

// Events are routed at once, and not in order. What is routed first waits for those
// that came earlier, whatever becomes of them.
func laterRunsWaitForEarlierEvents(t *testing.T, h Harness) {
	lanes(t, h, ordered)
	arrive(t, h, 1, 2, 3)
	other := event(h, 4)
	other.Source = "bank"
	accept(t, h, other)
	route(t, h, about(3, "ada"))
	hold(t, h, "run_003", dispatch.LineGate, "held: event evt_001 came earlier and is not routed yet")
	route(t, h, about(2, "ada"))
	take(t, h, "")
	if _, err := h.Store().Route(t.Context(), "evt_001", dispatch.Routing{Status: dispatch.Ignored}); err != nil {
		t.Fatal(err)
	}
	end(t, h, take(t, h, "002")[0])
	take(t, h, "003")
}

func unorderedRunsWaitForNobody(t *testing.T, h Harness) {
	lanes(t, h, ordered)
	arrive(t, h, 1, 2)
	route(t, h, about(2, "")) // of a route that keeps no order, or whose key nobody can tell
	take(t, h, "002")
}

func parkedRunKeepsItsPlace(t *testing.T, h Harness) {
	lanes(t, h, dispatch.Lanes{Ordered: []string{"shop"}, AtOnce: map[string]int{"shop": 1}})
	arrive(t, h, 1, 2, 3)
	route(t, h, about(1, "ada"))
	route(t, h, about(2, "ada"))
	route(t, h, about(3, "bob"))
	c := take(t, h, "001")[0]
	if err := h.Store().Park(t.Context(), c.Lease, h.Now().Add(time.Hour), "model_unavailable", 1); err != nil {
		t.Fatal(err)
	}
	take(t, h, "")
	h.Advance(time.Hour)
	c = take(t, h, "001")[0]
	if err := h.Store().Release(t.Context(), c.Lease); err != nil {
		t.Fatal(err)
	}
	c = take(t, h, "001")[0]
	h.Advance(lease) // its worker is lost
	end(t, h, take(t, h, "001")[0])
	end(t, h, take(t, h, "002")[0])
	take(t, h, "003")
}

func cancelledRunLetsTheNextGo(t *testing.T, h Harness) {
	cancel := func(id string, want dispatch.State) {
		t.Helper()
		if state, err := h.Store().RequestCancel(t.Context(), id, "not wanted"); err != nil || state != want {
			t.Fatalf("cancelling %s: %s (%v), want %s", id, state, err, want)
		}
	}
	lanes(t, h, ordered)
	arrive(t, h, 1, 2, 3, 4, 5)
	for n := 1; n <= 5; n++ {
		run := about(n, "ada")
		if n == 3 {
			run.Route = "shop" // it owes a callback: whoever claims it ends it
		}
		route(t, h, run)
	}
	cancel("run_002", dispatch.Cancelled) // in the middle
	hold(t, h, "run_002", dispatch.Open, "")
	cancel("run_001", dispatch.Cancelled) // the first
	third := take(t, h, "003")[0]
	cancel("run_003", dispatch.Running)
	end(t, h, third)
	cancel("run_004", dispatch.Cancelled)
	take(t, h, "005")
}

// A run that is to be cancelled and owes a callback is claimed to be ended, wherever it
// stands: it does no work, and nobody goes on for it.
func cancelledRunIsClaimedAtItsGate(t *testing.T, h Harness) {
	lanes(t, h, ordered)
	arrive(t, h, 1, 2, 3)
	for n := 1; n <= 3; n++ {
		run := about(n, "ada")
		run.Route = "shop"
		route(t, h, run)
	}
	first := take(t, h, "001")[0]
	if _, err := h.Store().RequestCancel(t.Context(), "run_002", "not wanted"); err != nil {
		t.Fatal(err)
	}
	second := take(t, h, "002")[0]
	if second.Run.Cancel == "" {
		t.Error("the claim does not say that the run is to be cancelled")
	}
	end(t, h, second)
	take(t, h, "")
	end(t, h, first)
	take(t, h, "003")
}

func boundsOfRouteAndSourceHold(t *testing.T, h Harness) {
	lanes(t, h, dispatch.Lanes{AtOnce: map[string]int{"shop": 3, "shop/billing": 2}})
	arrive(t, h, 1, 2, 3, 4, 5, 6)
	for n := 1; n <= 6; n++ {
		run := about(n, "")
		if n > 3 {
			run.Via = "triage"
		}
		route(t, h, run)
	}
	start(t, h, "run_007") // that no event made
	first := take(t, h, "001 002 004 007")
	hold(t, h, "run_003", dispatch.RouteGate, "held: its route has 2 runs at once")
	hold(t, h, "run_005", dispatch.SourceGate, "held: its source has 3 runs at once")
	end(t, h, first[3])
	take(t, h, "")
	end(t, h, first[2]) // the source has room, and the route of 003 has none
	take(t, h, "005")
	end(t, h, first[0]) // 003 comes before 006 now
	second := take(t, h, "003")
	end(t, h, second[0])
	take(t, h, "006")
}

func changedBoundsLetGo(t *testing.T, h Harness) {
	lanes(t, h, dispatch.Lanes{AtOnce: map[string]int{"shop": 1}})
	arrive(t, h, 1, 2, 3, 4, 5)
	for n := 1; n <= 5; n++ {
		route(t, h, about(n, ""))
	}
	take(t, h, "001")
	lanes(t, h, dispatch.Lanes{AtOnce: map[string]int{"shop": 2}})
	second := take(t, h, "002")
	lanes(t, h, dispatch.Lanes{AtOnce: map[string]int{"shop": 1}})
	end(t, h, second[0])
	take(t, h, "") // there is one still
	lanes(t, h, dispatch.Lanes{})
	take(t, h, "003 004 005")
}

// An event that stood in line no longer does when no route of its source keeps an order,
// and one that came before its source had one does.
func changedOrderHoldsForWhatWaits(t *testing.T, h Harness) {
	lanes(t, h, ordered)
	arrive(t, h, 1, 2)
	route(t, h, about(2, "ada"))
	take(t, h, "")
	lanes(t, h, dispatch.Lanes{})
	take(t, h, "002")
	lanes(t, h, ordered)
	arrive(t, h, 3)
	route(t, h, about(3, "bob"))
	hold(t, h, "run_003", dispatch.LineGate, "held: event evt_001 came earlier and is not routed yet")
}

func placesOutliveARestart(t *testing.T, h Harness) {
	l := dispatch.Lanes{Ordered: []string{"shop"}, AtOnce: map[string]int{"shop": 2}}
	lanes(t, h, l)
	arrive(t, h, 1, 2, 3, 4, 5)
	route(t, h, about(1, "ada"))
	route(t, h, about(2, "ada"))
	route(t, h, about(5, "eve"))
	take(t, h, "001")
	h.Restart(t)
	lanes(t, h, l)
	first := take(t, h, "001")
	route(t, h, about(3, "bob"))
	route(t, h, about(4, "cid"))
	take(t, h, "003")
	end(t, h, first[0])
	take(t, h, "002")
}

func priorityGoesFirst(t *testing.T, h Harness) {
	lanes(t, h, dispatch.Lanes{AtOnce: map[string]int{"shop": 1}})
	arrive(t, h, 1, 2, 3, 4)
	for n, priority := range []dispatch.Priority{dispatch.Normal, dispatch.Low, dispatch.Normal, dispatch.High} {
		run := about(n+1, "")
		run.Priority = priority
		route(t, h, run)
	}
	for _, want := range []string{"001", "004", "003", "002"} {
		end(t, h, take(t, h, want)[0])
	}
}

// The priority is the run's, for as long as there is the run.
func priorityStaysWithTheRun(t *testing.T, h Harness) {
	lanes(t, h, dispatch.Lanes{})
	arrive(t, h, 1, 2)
	low, high := about(1, ""), about(2, "")
	low.Priority, high.Priority = dispatch.Low, dispatch.High
	route(t, h, low)
	route(t, h, high)
	for _, c := range take(t, h, "002 001") {
		if err := h.Store().Park(t.Context(), c.Lease, h.Now().Add(time.Minute), "model_unavailable", 1); err != nil {
			t.Fatal(err)
		}
	}
	h.Advance(time.Minute)
	for _, c := range take(t, h, "002 001") {
		if err := h.Store().Release(t.Context(), c.Lease); err != nil {
			t.Fatal(err)
		}
	}
	h.Restart(t)
	for i, c := range take(t, h, "002 001") {
		if want := []dispatch.Priority{dispatch.High, dispatch.Low}[i]; c.Run.Priority != want {
			t.Errorf("%s has %v priority, want %v", c.Run.ID, c.Run.Priority, want)
		}
	}
}

func delayedRunWaitsForItsTimeThenForOthers(t *testing.T, h Harness) {
	lanes(t, h, ordered)
	arrive(t, h, 1, 2)
	for n := 1; n <= 2; n++ {
		run := about(n, "ada")
		run.StartAt = h.Now().Add(time.Minute)
		route(t, h, run)
	}
	take(t, h, "")
	hold(t, h, "run_001", dispatch.DelayGate, "delayed until "+h.Now().Add(time.Minute).Format(time.RFC3339))
	if at, ok, err := h.Store().NextDue(t.Context(), dispatch.RunJob); err != nil || !ok || !at.Equal(h.Now().Add(time.Minute)) {
		t.Errorf("the next run is due at %v (%v, %v), want a minute from now", at, ok, err)
	}
	h.Advance(time.Minute)
	c := take(t, h, "001")[0]
	hold(t, h, "run_002", dispatch.SubjectGate, "held: waits for run run_001 of the same subject")
	end(t, h, c)
	take(t, h, "002")
}

// One that is asked for by its id is as held as any other.
func heldRunIsNotClaimedByItsID(t *testing.T, h Harness) {
	lanes(t, h, ordered)
	arrive(t, h, 1, 2)
	route(t, h, about(1, "ada"))
	late := about(2, "ada")
	late.StartAt = h.Now().Add(time.Minute)
	route(t, h, late)
	first := take(t, h, "001")[0]
	h.Advance(time.Minute)
	for range 2 { // with its own job, and when that is gone
		if c, due, err := h.Store().ClaimRun(t.Context(), "run_002", lease); c != nil || err != nil || !due.After(h.Now()) {
			t.Fatalf("a held run was claimed: %+v, due %v (%v)", c, due, err)
		}
	}
	first = renewed(t, h, first)
	end(t, h, first)
	if c, _, err := h.Store().ClaimRun(t.Context(), "run_002", lease); c == nil || err != nil {
		t.Fatalf("the run was not claimed when its turn had come (%v)", err)
	}
}

// renewed claims a run again whose lease ran out.
func renewed(t *testing.T, h Harness, c dispatch.Claimed) dispatch.Claimed {
	t.Helper()
	again, _, err := h.Store().ClaimRun(t.Context(), c.Run.ID, lease)
	if err != nil || again == nil {
		t.Fatalf("claiming %s again: %v", c.Run.ID, err)
	}
	return *again
}

func budgetIsKeptWithTheRun(t *testing.T, h Harness) {
	arrive(t, h, 1)
	run := about(1, "")
	run.Budget = bridge.Budget{Turns: 3, Cost: 250_000, Currency: "EUR"}
	route(t, h, run)
	h.Restart(t)
	if got := take(t, h, "001")[0].Run.Budget; got != run.Budget {
		t.Errorf("the budget came back as %+v, want %+v", got, run.Budget)
	}
}
