package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// start adds a run that was not started by an event.
func start(t *testing.T, h Harness, id string) {
	t.Helper()
	if err := h.Store().Start(t.Context(), dispatch.NewRun{ID: id, Agent: "billing", Source: "cli", Prompt: "do it"}); err != nil {
		t.Fatal(err)
	}
}

// claim claims all runs that are due.
func claim(t *testing.T, h Harness) []dispatch.Claimed {
	t.Helper()
	runs, err := h.Store().ClaimRuns(t.Context(), 1000, lease)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// claimOne starts a run and claims it.
func claimOne(t *testing.T, h Harness) dispatch.Claimed {
	t.Helper()
	start(t, h, "run_1")
	runs := claim(t, h)
	if len(runs) != 1 {
		t.Fatalf("claimed %d runs, want 1", len(runs))
	}
	return runs[0]
}

func entry(seq int64) bridge.Entry {
	return bridge.Entry{Seq: seq, Kind: bridge.EntryAnswer, At: time.UnixMilli(1_700_000_000_000).UTC(), Body: json.RawMessage(`{"n":1}`)}
}

func routeMakesOneRun(t *testing.T, h Harness) {
	accept(t, h, event(h, 1))
	claimEvents(t, h)
	routing := dispatch.Routing{Status: dispatch.Routed, Runs: []dispatch.NewRun{{
		ID: "run_1", Agent: "billing", Source: "shop", Event: "evt_001", Prompt: "look", Tainted: true, Route: "shop"}}}
	if _, err := h.Store().Route(t.Context(), "evt_001", routing); err != nil {
		t.Fatal(err)
	}
	routing.Runs[0].ID = "run_2"
	if _, err := h.Store().Route(t.Context(), "evt_001", routing); !errors.Is(err, dispatch.ErrEnded) {
		t.Fatalf("routing it a second time gave %v, want ErrEnded", err)
	}
	runs := claim(t, h)
	if len(runs) != 1 {
		t.Fatalf("%d runs came of one event, want 1", len(runs))
	}
	got := runs[0].Run
	if got.ID != "run_1" || got.Event != "evt_001" || !got.Tainted || got.Route != "shop" || got.Prompt != "look" || got.State != dispatch.Running {
		t.Errorf("the run came back as %+v", got)
	}
	h.Advance(time.Hour)
	if events := claimEvents(t, h); len(events) != 0 {
		t.Errorf("a routed event is due again")
	}
}

func routeMakesARunOfEachRoute(t *testing.T, h Harness) {
	arrive(t, h, 1)
	one, other := about(1, ""), about(2, "")
	other.Event, other.Via = one.Event, "audit"
	if worked := route(t, h, one, other); len(worked) != 2 {
		t.Errorf("the event has runs %v, want two", worked)
	}
	for i, c := range take(t, h, "001 002") {
		if want := []string{"billing", "audit"}[i]; c.Run.Via != want || c.Run.Event != "evt_001" {
			t.Errorf("%s is of %s by route %q, want of evt_001 by %q", c.Run.ID, c.Run.Event, c.Run.Via, want)
		}
	}
}

// An event becomes at most one run a route and replay; what cannot become all of its runs
// becomes none.
func routeIsAllOrNothing(t *testing.T, h Harness) {
	arrive(t, h, 1)
	one, twice := about(1, ""), about(2, "")
	twice.Event = one.Event
	_, err := h.Store().Route(t.Context(), "evt_001", dispatch.Routing{Status: dispatch.Routed, Runs: []dispatch.NewRun{one, twice}})
	if err == nil {
		t.Fatal("an event became two runs of one route")
	}
	take(t, h, "")
	became(t, h, "evt_001", dispatch.Accepted, "")
	route(t, h, one)
	take(t, h, "001")
}

func ignoredMakesNoRun(t *testing.T, h Harness) {
	accept(t, h, event(h, 1))
	if _, err := h.Store().Route(t.Context(), "evt_001", dispatch.Routing{Status: dispatch.Ignored, Note: "when"}); err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Hour)
	if runs, events := claim(t, h), claimEvents(t, h); len(runs)+len(events) != 0 {
		t.Fatalf("an ignored event left %d runs and %d events due", len(runs), len(events))
	}
}

func claimRaisesTheEpoch(t *testing.T, h Harness) {
	first := claimOne(t, h)
	if first.Run.Started.IsZero() || first.Run.State != dispatch.Running {
		t.Fatalf("a claimed run is %+v, want it running and started", first.Run)
	}
	if again := claim(t, h); len(again) != 0 {
		t.Fatalf("a leased run was claimed again")
	}
	h.Advance(lease)
	second := claim(t, h)
	if len(second) != 1 || second[0].Lease.Epoch <= first.Lease.Epoch {
		t.Fatalf("after the lease ran out: %+v, want one claim above epoch %d", second, first.Lease.Epoch)
	}
	if !second[0].Run.Started.Equal(first.Run.Started) {
		t.Errorf("the start moved from %v to %v", first.Run.Started, second[0].Run.Started)
	}
}

func staleLeaseCannotWrite(t *testing.T, h Harness) {
	stale := claimOne(t, h).Lease
	h.Advance(lease)
	fresh := claim(t, h)[0].Lease
	ctx, s := t.Context(), h.Store()
	for name, write := range map[string]func() error{
		"Append":  func() error { return s.Append(ctx, stale, entry(1)) },
		"Park":    func() error { return s.Park(ctx, stale, h.Now(), "x", 1) },
		"Release": func() error { return s.Release(ctx, stale) },
		"Finish":  func() error { return s.Finish(ctx, stale, dispatch.Ending{State: dispatch.Succeeded, At: h.Now()}) },
	} {
		if err := write(); !errors.Is(err, bridge.ErrFenced) {
			t.Errorf("%s under a stale lease gave %v, want ErrFenced", name, err)
		}
	}
	if err := s.Append(ctx, fresh, entry(1)); err != nil {
		t.Fatalf("the holder could not write: %v", err)
	}
	if err := s.Append(ctx, fresh, entry(1)); !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("a second entry 1 gave %v, want ErrFenced", err)
	}
	if err := s.Append(ctx, fresh, entry(3)); !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("an entry that leaves a gap gave %v, want ErrFenced", err)
	}
	if entries, err := s.Entries(ctx, "run_1"); err != nil || len(entries) != 1 {
		t.Errorf("the journal has %d entries (%v), want 1", len(entries), err)
	}
}

func parkedRunIsDueAtItsTime(t *testing.T, h Harness) {
	c := claimOne(t, h)
	if err := h.Store().Park(t.Context(), c.Lease, h.Now().Add(time.Hour), "model_unavailable", 3); err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Hour - time.Millisecond)
	if runs := claim(t, h); len(runs) != 0 {
		t.Fatal("a parked run was due before its time")
	}
	h.Advance(time.Millisecond)
	runs := claim(t, h)
	if len(runs) != 1 || runs[0].Run.Attempts != 3 {
		t.Fatalf("at its time: %+v, want the run with 3 attempts", runs)
	}
}

func progressEndsTheRowOfFaults(t *testing.T, h Harness) {
	c := claimOne(t, h)
	if err := h.Store().Park(t.Context(), c.Lease, h.Now(), "model_unavailable", 3); err != nil {
		t.Fatal(err)
	}
	c = claim(t, h)[0]
	if err := h.Store().Append(t.Context(), c.Lease, entry(1)); err != nil {
		t.Fatal(err)
	}
	if err := h.Store().Release(t.Context(), c.Lease); err != nil {
		t.Fatal(err)
	}
	if got := claim(t, h)[0].Run.Attempts; got != 0 {
		t.Errorf("a run that went on since counts %d faults in a row, want 0", got)
	}
}

func releasedRunIsDueAtOnce(t *testing.T, h Harness) {
	c := claimOne(t, h)
	if err := h.Store().Release(t.Context(), c.Lease); err != nil {
		t.Fatal(err)
	}
	if runs := claim(t, h); len(runs) != 1 {
		t.Fatalf("claimed %d after a release, want 1", len(runs))
	}
}

func finishEndsJournalJobAndOwesTheCallback(t *testing.T, h Harness) {
	c := claimOne(t, h)
	ctx, s := t.Context(), h.Store()
	if err := s.Append(ctx, c.Lease, entry(1), entry(2)); err != nil {
		t.Fatal(err)
	}
	end := dispatch.Ending{State: dispatch.Succeeded, At: h.Now(), Callback: owed(h, 1), Outcome: bridge.Outcome{
		Status: bridge.Succeeded, Reason: bridge.Answered, Answer: "done",
		Usage: bridge.Usage{Turns: 3, Calls: 4, PromptTokens: 5, CompletionTokens: 6, CachedTokens: 2}}}
	if err := s.Finish(ctx, c.Lease, end); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Entries(ctx, "run_1")
	if err != nil || len(entries) != 3 || entries[2].Kind != bridge.EntryOutcome || entries[2].Seq != 3 {
		t.Errorf("the journal is %+v (%v), want the outcome as entry 3", entries, err)
	}
	callbacks, err := s.ClaimCallbacks(ctx, 10, lease, dispatch.EndpointLimits{})
	if err != nil || len(callbacks) != 1 || string(callbacks[0].Body) != "body 1" || callbacks[0].Route != "shop" {
		t.Errorf("callbacks due: %+v (%v), want the one owed", callbacks, err)
	}
	h.Advance(time.Hour)
	if runs := claim(t, h); len(runs) != 0 {
		t.Error("an ended run is due")
	}
	if err := s.Append(ctx, c.Lease, entry(4)); !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("writing to an ended run gave %v, want ErrFenced", err)
	}
}

func finishTakesTheLastEntriesWithIt(t *testing.T, h Harness) {
	c := claimOne(t, h)
	ctx, s := t.Context(), h.Store()
	appendTo(t, h, c.Lease, entry(1))
	end := dispatch.Ending{State: dispatch.Succeeded, At: h.Now(), Entries: []bridge.Entry{costly(3, "USD")}}
	if err := s.Finish(ctx, c.Lease, end); !errors.Is(err, bridge.ErrFenced) {
		t.Fatalf("ending with an entry that does not follow gave %v, want ErrFenced", err)
	}
	day(t, h, bridge.Usage{Turns: 1})
	end.Entries[0].Seq = 2
	if err := s.Finish(ctx, c.Lease, end); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Entries(ctx, "run_1")
	if err != nil || len(entries) != 3 || entries[1].Kind != bridge.EntryAnswer || entries[2].Kind != bridge.EntryOutcome || entries[2].Seq != 3 {
		t.Errorf("the journal is %+v (%v), want the answer as entry 2 and the outcome as entry 3", entries, err)
	}
	day(t, h, bridge.Usage{Turns: 2, PromptTokens: 100, CompletionTokens: 20, CachedTokens: 50, ReasoningTokens: 5, Cost: 7, Currency: "USD"})
}

func owed(h Harness, n int) *dispatch.Callback {
	return &dispatch.Callback{ID: fmt.Sprintf("msg_%d", n), Run: fmt.Sprintf("run_%d", n), Route: "shop",
		Body: fmt.Appendf(nil, "body %d", n), Created: h.Now()}
}

func finishIsAllOrNothing(t *testing.T, h Harness) {
	c := claimOne(t, h)
	ctx, s := t.Context(), h.Store()
	wrong := owed(h, 1)
	wrong.Run = "run_unknown" // the callback's run does not exist: the last statement fails
	if err := s.Finish(ctx, c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now(), Callback: wrong}); err == nil {
		t.Fatal("finishing with an impossible callback succeeded")
	}
	if entries, err := s.Entries(ctx, "run_1"); err != nil || len(entries) != 0 {
		t.Errorf("a failed finish left %d journal entries (%v)", len(entries), err)
	}
	if err := s.Finish(ctx, c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now(), Callback: owed(h, 1)}); err != nil {
		t.Errorf("finishing after a failed finish: %v", err)
	}
}

func concurrentClaimsShareNothing(t *testing.T, h Harness) {
	const runs, workers = 100, 8
	for i := range runs {
		start(t, h, fmt.Sprintf("run_%03d", i))
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				claimed, err := h.Store().ClaimRuns(t.Context(), 3, lease)
				if err != nil {
					t.Error(err)
				}
				if len(claimed) == 0 {
					return
				}
				mu.Lock()
				for _, c := range claimed {
					seen[c.Run.ID]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(seen) != runs {
		t.Errorf("%d runs were claimed, want %d", len(seen), runs)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was claimed %d times", id, n)
		}
	}
}

func restartMakesLeasedWorkDue(t *testing.T, h Harness) {
	accept(t, h, event(h, 1))
	claimEvents(t, h)
	before := claimOne(t, h)
	h.Restart(t)
	after := claim(t, h)
	if len(after) != 1 || after[0].Lease.Epoch <= before.Lease.Epoch {
		t.Fatalf("after a restart: %+v, want the run at once under a higher epoch", after)
	}
	if events := claimEvents(t, h); len(events) != 1 {
		t.Fatalf("after a restart %d events are due, want 1", len(events))
	}
}
