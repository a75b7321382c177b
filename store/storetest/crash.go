package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

var errCrashed = errors.New("the process has ended here")

// walk is one event's, from its acceptance to its callback, each step of which may be the
// last of its process.
type walk struct {
	t     *testing.T
	h     Harness
	crash int // the step behind which the process ends; 0 for none
	steps int
}

// step is behind a call of the store.
func (w *walk) step(err error) error {
	if err != nil {
		return err
	}
	if w.steps++; w.steps == w.crash {
		w.h.Restart(w.t)
		return errCrashed
	}
	return nil
}

// pass does all that is due, as a process does that has begun just now.
func (w *walk) pass() error {
	ctx, s := w.t.Context(), w.h.Store()
	events, err := s.ClaimEvents(ctx, 10, lease)
	if err := w.step(err); err != nil {
		return err
	}
	for _, e := range events {
		_, err := s.Route(ctx, e.ID, dispatch.Routing{Status: dispatch.Routed, Runs: []dispatch.NewRun{{
			ID: dispatch.NewID("run_"), Agent: "billing", Source: e.Source, Event: e.ID, Prompt: "look", Route: "shop"}}})
		if err := w.step(err); err != nil {
			return err
		}
	}
	runs, err := s.ClaimRuns(ctx, 10, lease)
	if err := w.step(err); err != nil {
		return err
	}
	for _, c := range runs {
		if err := w.carry(c); err != nil {
			return err
		}
	}
	callbacks, err := s.ClaimCallbacks(ctx, 10, lease, dispatch.EndpointLimits{})
	if err := w.step(err); err != nil {
		return err
	}
	for _, c := range callbacks {
		_, err := s.Attempted(ctx, c.ID, dispatch.Attempt{At: w.h.Now(), State: dispatch.Delivered, Status: 200}, dispatch.Patience{})
		if err := w.step(err); err != nil {
			return err
		}
	}
	return nil
}

// carry goes on with a run behind what its journal holds.
func (w *walk) carry(c dispatch.Claimed) error {
	ctx, s := w.t.Context(), w.h.Store()
	entries, err := s.Entries(ctx, c.Run.ID)
	if err != nil {
		return err
	}
	for seq := int64(len(entries)) + 1; seq <= 3; seq++ {
		if err := w.step(s.Append(ctx, c.Lease, entry(seq))); err != nil {
			return err
		}
	}
	owed := &dispatch.Callback{ID: dispatch.NewID("msg_"), Run: c.Run.ID, Route: "shop", Body: []byte("{}"), Created: w.h.Now()}
	return w.step(s.Finish(ctx, c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: w.h.Now(), Callback: owed}))
}

// crashAnywhereLosesAndDoublesNothing ends the process behind each step of an event's walk
// in turn. What the next one makes of it is always the same.
func crashAnywhereLosesAndDoublesNothing(t *testing.T, h Harness) {
	for crash := 1; ; crash++ {
		w := &walk{t: t, h: h.Fresh(t), crash: crash}
		accept(t, w.h, event(w.h, 1))
		err := w.pass()
		for errors.Is(err, errCrashed) {
			err = w.pass()
		}
		if err != nil {
			t.Fatalf("crash behind step %d: %v", crash, err)
		}
		w.check()
		if w.steps < crash {
			if w.steps < 9 {
				t.Fatalf("the walk had %d steps", w.steps)
			}
			return // as many as there are
		}
	}
}

func (w *walk) check() {
	t, s := w.t, w.h.Store()
	t.Helper()
	behind := fmt.Sprintf("crash behind step %d", w.crash)
	runs, err := s.ListRuns(t.Context(), dispatch.RunFilter{}, 10)
	if err != nil || len(runs) != 1 || runs[0].State != dispatch.Succeeded {
		t.Fatalf("%s: runs %+v (%v), want one that succeeded", behind, runs, err)
	}
	entries, err := s.Entries(t.Context(), runs[0].ID)
	if err != nil || len(entries) != 4 || entries[3].Kind != bridge.EntryOutcome {
		t.Fatalf("%s: the journal holds %d entries (%v)", behind, len(entries), err)
	}
	for i, e := range entries {
		if e.Seq != int64(i)+1 {
			t.Errorf("%s: entry %d of the journal has number %d", behind, i+1, e.Seq)
		}
	}
	callbacks, err := s.Callbacks(t.Context(), runs[0].ID)
	if err != nil || len(callbacks) != 1 || callbacks[0].State != dispatch.Delivered {
		t.Errorf("%s: callbacks %+v (%v), want one that was delivered", behind, callbacks, err)
	}
	for _, kind := range []dispatch.Kind{dispatch.EventJob, dispatch.RunJob, dispatch.CallbackJob} {
		if at, left, err := s.NextDue(t.Context(), kind); left || err != nil {
			t.Errorf("%s: a job of kind %s is left, due at %v (%v)", behind, kind, at, err)
		}
	}
}

// What keeps writers apart is the epoch: a clock that is set forward takes leases away, and
// no more than that.
func clockSetForwardTakesLeasesAndNothingElse(t *testing.T, h Harness) {
	first := claimOne(t, h)
	appendTo(t, h, first.Lease, entry(1))
	h.Advance(24 * time.Hour)
	again := claim(t, h)
	if len(again) != 1 || again[0].Lease.Epoch <= first.Lease.Epoch {
		t.Fatalf("claimed %+v", again)
	}
	if err := h.Store().Append(t.Context(), first.Lease, entry(2)); !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("the first worker appended: %v", err)
	}
	h.Advance(-24 * time.Hour)
	appendTo(t, h, again[0].Lease, entry(2))
	if err := h.Store().Finish(t.Context(), again[0].Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now()}); err != nil {
		t.Error(err)
	}
}

// A clock that is set back holds up nothing that comes afterwards, and whoever has a run
// can end it.
func clockSetBackHoldsUpNothingNew(t *testing.T, h Harness) {
	accept(t, h, event(h, 1))
	claimEvents(t, h)
	held := claimOne(t, h)
	h.Advance(-24 * time.Hour)
	if receipt, err := acceptOne(t.Context(), h.Store(), event(h, 1)); err != nil || !receipt.Duplicate {
		t.Errorf("an event that came before: %+v, %v; want a duplicate", receipt, err)
	}
	accept(t, h, event(h, 2))
	if events := claimEvents(t, h); len(events) != 1 || events[0].ID != "evt_002" {
		t.Errorf("claimed the events %+v, want the new one", events)
	}
	start(t, h, "run_2")
	if runs := claim(t, h); len(runs) != 1 || runs[0].Run.ID != "run_2" {
		t.Errorf("claimed %+v, want the new run", runs)
	}
	appendTo(t, h, held.Lease, entry(1))
	if err := h.Store().Park(t.Context(), held.Lease, h.Now().Add(time.Minute), "model_unavailable", 1); err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Minute)
	runs := claim(t, h)
	if len(runs) != 2 { // and that whose lease has run out
		t.Fatalf("claimed %d runs, want both", len(runs))
	}
	for _, c := range runs {
		if c.Run.Worked < 0 {
			t.Errorf("run %s was worked on for %v", c.Run.ID, c.Run.Worked)
		}
	}
}
