package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// undecided parks run_1 until a person decides.
func undecided(t *testing.T, h Harness) dispatch.Claimed {
	t.Helper()
	c := begun(t, h)
	if err := h.Store().Park(t.Context(), c.Lease, time.Time{}, string(bridge.OutcomeOpen), 2); err != nil {
		t.Fatal(err)
	}
	return c
}

func undecidedRunIsNeverDue(t *testing.T, h Harness) {
	undecided(t, h)
	state(t, h, dispatch.Waiting, string(bridge.OutcomeOpen))
	h.Advance(1000 * 24 * time.Hour)
	if runs := claim(t, h); len(runs) != 0 {
		t.Error("a run that waits for a person is due")
	}
	if _, due, err := h.Store().NextDue(t.Context(), dispatch.RunJob); err != nil || due {
		t.Errorf("it has a job (%v)", err)
	}
	if claimed, _, err := h.Store().ClaimRun(t.Context(), "run_1", lease); claimed != nil || err != nil {
		t.Errorf("it can be claimed: %+v (%v)", claimed, err)
	}
	listed, err := h.Store().ListRuns(t.Context(), dispatch.RunFilter{Reason: string(bridge.OutcomeOpen)}, 10)
	if err != nil || len(listed) != 1 || !listed[0].Undecided() {
		t.Errorf("listed %+v (%v)", listed, err)
	}
	if listed, err := h.Store().ListRuns(t.Context(), dispatch.RunFilter{Reason: "answered"}, 10); err != nil || len(listed) != 0 {
		t.Errorf("listed for another reason %+v (%v)", listed, err)
	}
}

func decidedRunGoesOn(t *testing.T, h Harness) {
	c, ctx := undecided(t, h), t.Context()
	if err := h.Store().Decide(ctx, "run_1", []bridge.Entry{entry(2)}, false); err != nil {
		t.Fatal(err)
	}
	state(t, h, dispatch.Waiting, string(bridge.OutcomeOpen)) // another call is not decided about
	if runs := claim(t, h); len(runs) != 0 {
		t.Error("the run is due before all is decided")
	}
	if err := h.Store().Decide(ctx, "run_1", []bridge.Entry{entry(3), entry(4)}, true); err != nil {
		t.Fatal(err)
	}
	state(t, h, dispatch.Waiting, dispatch.Decided)
	if err := h.Store().Append(ctx, c.Lease, entry(5)); !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("the worker that had parked it could go on: %v", err)
	}
	runs := claim(t, h)
	if len(runs) != 1 || runs[0].Lease.Epoch <= c.Lease.Epoch || runs[0].Run.Attempts != 2 {
		t.Fatalf("claimed %+v", runs)
	}
	entries, err := h.Store().Entries(ctx, "run_1")
	if err != nil || len(entries) != 4 || entries[3].Seq != 4 {
		t.Errorf("the journal is %+v (%v)", entries, err)
	}
}

func decisionNeedsARunThatWaitsForIt(t *testing.T, h Harness) {
	for name, arrange := range map[string]func(t *testing.T, h Harness){
		"none":    func(*testing.T, Harness) {},
		"running": func(t *testing.T, h Harness) { begun(t, h) },
		"waiting for something else": func(t *testing.T, h Harness) {
			if err := h.Store().Park(t.Context(), begun(t, h).Lease, h.Now(), "model_unavailable", 1); err != nil {
				t.Fatal(err)
			}
		},
		"decided": func(t *testing.T, h Harness) {
			undecided(t, h)
			if err := h.Store().Decide(t.Context(), "run_1", []bridge.Entry{entry(2)}, true); err != nil {
				t.Fatal(err)
			}
		},
		"cancelled": func(t *testing.T, h Harness) {
			undecided(t, h)
			requestCancel(t, h, "not wanted", dispatch.Cancelled)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := h.Fresh(t)
			arrange(t, h)
			for _, seq := range []int64{2, 3} {
				if err := h.Store().Decide(t.Context(), "run_1", []bridge.Entry{entry(seq)}, true); !errors.Is(err, bridge.ErrNotUnknown) {
					t.Errorf("entry %d: %v", seq, err)
				}
			}
		})
	}
}

func concurrentDecisionsCountOnce(t *testing.T, h Harness) {
	undecided(t, h)
	const people = 8
	errs := make([]error, people)
	var all sync.WaitGroup
	for i := range people {
		all.Go(func() { errs[i] = h.Store().Decide(t.Context(), "run_1", []bridge.Entry{entry(2)}, true) })
	}
	all.Wait()
	first := 0
	for _, err := range errs {
		switch {
		case err == nil:
			first++
		case !errors.Is(err, bridge.ErrNotUnknown):
			t.Error(err)
		}
	}
	if first != 1 || len(claim(t, h)) != 1 {
		t.Errorf("%d decisions were taken, want one", first)
	}
}
