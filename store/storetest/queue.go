package storetest

import (
	"slices"
	"testing"
	"time"

	"drawbridge/server/dispatch"
)

// finished ends run_1 owing a callback.
func finished(t *testing.T, h Harness) {
	t.Helper()
	c := claimOne(t, h)
	if err := h.Store().Finish(t.Context(), c.Lease, dispatch.Ending{State: dispatch.Failed, At: h.Now(), Callback: owed(h, 1)}); err != nil {
		t.Fatal(err)
	}
}

func callbacksAreRetriedUntilSettled(t *testing.T, h Harness) {
	finished(t, h)
	ctx, s := t.Context(), h.Store()
	due := func() []dispatch.Callback {
		t.Helper()
		callbacks, err := s.ClaimCallbacks(ctx, 10, lease, dispatch.EndpointLimits{})
		if err != nil {
			t.Fatal(err)
		}
		return callbacks
	}
	if got := due(); len(got) != 1 || got[0].Attempts != 0 || got[0].State != dispatch.Pending {
		t.Fatalf("due: %+v, want the callback without attempts", got)
	}
	postponed := dispatch.Attempt{At: h.Now(), State: dispatch.Pending, Status: 500, Reason: "answered 500", Next: h.Now().Add(time.Minute)}
	if _, err := s.Attempted(ctx, "msg_1", postponed, dispatch.Patience{}); err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Minute - time.Millisecond)
	if got := due(); len(got) != 0 {
		t.Fatal("a postponed callback was due before its time")
	}
	h.Advance(time.Millisecond)
	got := due()
	if len(got) != 1 || got[0].Attempts != 1 || got[0].LastStatus != 500 || got[0].LastReason != "answered 500" {
		t.Fatalf("due: %+v, want the callback with its first attempt noted", got)
	}
	if _, err := s.Attempted(ctx, "msg_1", dispatch.Attempt{At: h.Now(), State: dispatch.Delivered, Status: 200}, dispatch.Patience{}); err != nil {
		t.Fatal(err)
	}
	h.Advance(1000 * time.Hour)
	if got := due(); len(got) != 0 {
		t.Fatal("a delivered callback is due")
	}
}

func renewKeepsWorkFromOthers(t *testing.T, h Harness) {
	c := claimOne(t, h)
	for range 5 {
		h.Advance(lease - time.Second)
		lost, err := h.Store().Renew(t.Context(), dispatch.RunJob, []string{c.Run.ID, "run_gone"}, lease)
		if err != nil || !slices.Equal(lost, []string{"run_gone"}) {
			t.Fatalf("lost: %v (%v), want the run that there is not", lost, err)
		}
		if runs := claim(t, h); len(runs) != 0 {
			t.Fatal("a run with a renewed lease was claimed")
		}
	}
	if err := h.Store().Append(t.Context(), c.Lease, entry(1)); err != nil {
		t.Fatalf("the holder of a renewed lease could not write: %v", err)
	}
}

// A worker renews what it holds while one of its runs is being parked.
func renewLeavesWhatWasPutDown(t *testing.T, h Harness) {
	c := claimOne(t, h)
	until := h.Now().Add(time.Hour)
	if err := h.Store().Park(t.Context(), c.Lease, until, "model_unavailable", 1); err != nil {
		t.Fatal(err)
	}
	if lost, err := h.Store().Renew(t.Context(), dispatch.RunJob, []string{c.Run.ID}, lease); err != nil || len(lost) != 1 {
		t.Fatalf("lost: %v (%v), want the parked run", lost, err)
	}
	if at, ok, err := h.Store().NextDue(t.Context(), dispatch.RunJob); err != nil || !ok || !at.Equal(until) {
		t.Fatalf("a parked run is due at %v (%v), want %v", at, err, until)
	}
}

func nextDueIsTheEarliest(t *testing.T, h Harness) {
	next := func() (time.Time, bool) {
		t.Helper()
		at, ok, err := h.Store().NextDue(t.Context(), dispatch.RunJob)
		if err != nil {
			t.Fatal(err)
		}
		return at, ok
	}
	if at, ok := next(); ok {
		t.Fatalf("an empty store has work due at %v", at)
	}
	c := claimOne(t, h)
	if at, ok := next(); !ok || !at.Equal(h.Now().Add(lease)) {
		t.Fatalf("leased work is due at %v, want the lease's end", at)
	}
	if err := h.Store().Park(t.Context(), c.Lease, h.Now().Add(time.Hour), "x", 1); err != nil {
		t.Fatal(err)
	}
	start(t, h, "run_2")
	if at, ok := next(); !ok || !at.Equal(h.Now()) {
		t.Fatalf("next due at %v, want the new run's %v", at, h.Now())
	}
}

func wakeTellsOfNewWork(t *testing.T, h Harness) {
	for _, kind := range []dispatch.Kind{dispatch.EventJob, dispatch.RunJob, dispatch.CallbackJob} {
		drain(h.Store().Wake(kind))
	}
	accept(t, h, event(h, 1))
	<-h.Store().Wake(dispatch.EventJob) // hangs if nobody was told
	finished(t, h)
	<-h.Store().Wake(dispatch.RunJob)
	<-h.Store().Wake(dispatch.CallbackJob)
}

func drain(wake <-chan struct{}) {
	select {
	case <-wake:
	default:
	}
}
