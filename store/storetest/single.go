package storetest

import (
	"errors"
	"testing"
	"time"

	"drawbridge/server/dispatch"
)

func workedLeavesWaitingOut(t *testing.T, h Harness) {
	c := claimOne(t, h)
	ctx, s := t.Context(), h.Store()
	h.Advance(2 * time.Second)
	if err := s.Append(ctx, c.Lease, entry(1)); err != nil {
		t.Fatal(err)
	}
	h.Advance(3 * time.Second)
	if err := s.Park(ctx, c.Lease, h.Now().Add(time.Hour), "model_unavailable", 1); err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Hour) // waiting
	c = claim(t, h)[0]
	if c.Run.Worked != 5*time.Second {
		t.Errorf("after a pause %v were worked, want 5s", c.Run.Worked)
	}
	h.Advance(time.Second)
	if err := s.Append(ctx, c.Lease, entry(2)); err != nil {
		t.Fatal(err)
	}
	h.Advance(24 * time.Hour) // the worker is gone
	if c = claim(t, h)[0]; c.Run.Worked != 6*time.Second {
		t.Errorf("after a crash %v were worked, want 6s", c.Run.Worked)
	}
}

func claimRunTakesThatOneOnly(t *testing.T, h Harness) {
	ctx, s := t.Context(), h.Store()
	start(t, h, "run_1")
	start(t, h, "run_2")
	c, _, err := s.ClaimRun(ctx, "run_2", lease)
	if err != nil || c == nil || c.Run.ID != "run_2" || c.Run.State != dispatch.Running {
		t.Fatalf("claimed %+v (%v), want run_2", c, err)
	}
	again, due, err := s.ClaimRun(ctx, "run_2", lease)
	if err != nil || again != nil || !due.Equal(h.Now().Add(lease)) {
		t.Errorf("claiming it again gave %+v, due %v (%v); want nothing before the lease ends", again, due, err)
	}
	if err := s.Finish(ctx, c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.ClaimRun(ctx, "run_2", lease); !errors.Is(err, dispatch.ErrEnded) {
		t.Errorf("claiming an ended run gave %v, want ErrEnded", err)
	}
	if runs := claim(t, h); len(runs) != 1 || runs[0].Run.ID != "run_1" {
		t.Errorf("left were %+v, want run_1", runs)
	}
}

func postponedWorkIsDueAtItsTime(t *testing.T, h Harness) {
	accept(t, h, event(h, 1))
	claimEvents(t, h)
	if err := h.Store().Postpone(t.Context(), dispatch.EventJob, "evt_001", h.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Minute - time.Millisecond)
	if events := claimEvents(t, h); len(events) != 0 {
		t.Fatal("postponed work was due before its time")
	}
	h.Advance(time.Millisecond)
	if events := claimEvents(t, h); len(events) != 1 || events[0].Status != dispatch.Accepted {
		t.Fatalf("at its time: %+v, want the event as it was", events)
	}
}
