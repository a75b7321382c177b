package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
)

// awaiting has run_1 wait for apr_1, which is asked for by it.
func awaiting(t *testing.T, h Harness) dispatch.Claimed {
	t.Helper()
	c := begun(t, h)
	ofRun(t, h, 1)
	awaitApproval(t, h, c.Lease, "apr_1")
	return c
}

func ofRun(t *testing.T, h Harness, n int) {
	t.Helper()
	wanted := wants(h, n, "k")
	wanted.Run, wanted.Call = "run_1", wanted.ID
	askFor(t, h, wanted)
}

func awaitApproval(t *testing.T, h Harness, lease bridge.Lease, ids ...string) {
	t.Helper()
	if err := h.Store().AwaitApproval(t.Context(), lease, ids, h.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func runThatAwaitsAnApprovalIsDueWithTheDecision(t *testing.T, h Harness) {
	c := awaiting(t, h)
	state(t, h, dispatch.Waiting, string(bridge.ApprovalNeeded))
	if runs := claim(t, h); len(runs) != 0 {
		t.Fatal("it is due before anybody has decided")
	}
	h.Restart(t)
	says(t, h, "apr_1", boss, no(h))
	state(t, h, dispatch.Waiting, dispatch.Decided)
	runs := claim(t, h)
	if len(runs) != 1 || runs[0].Lease.Epoch <= c.Lease.Epoch || runs[0].Parked != dispatch.Decided {
		t.Errorf("claimed %+v", runs)
	}
	if err := h.Store().AwaitApproval(t.Context(), c.Lease, []string{"apr_1"}, h.Now()); !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("the worker before could put it down: %v", err)
	}
}

func runThatAwaitsAnApprovalIsDueWhenThatExpires(t *testing.T, h Harness) {
	awaiting(t, h)
	h.Advance(time.Hour - time.Second)
	if runs := claim(t, h); len(runs) != 0 {
		t.Fatal("it is due before its time")
	}
	h.Advance(time.Second)
	if runs := claim(t, h); len(runs) != 1 || runs[0].Parked != string(bridge.ApprovalNeeded) {
		t.Errorf("claimed %+v", runs)
	}
	stands(t, h, "apr_1", guard.ApprovalExpired)
}

// decisionIsNotMissedOnTheWay: somebody decides while the run is still being put down.
func decisionIsNotMissedOnTheWay(t *testing.T, h Harness) {
	c := begun(t, h)
	ofRun(t, h, 1)
	ofRun(t, h, 2)
	says(t, h, "apr_2", boss, yes(h))
	awaitApproval(t, h, c.Lease, "apr_1", "apr_2")
	state(t, h, dispatch.Waiting, dispatch.Decided)
	runs := claim(t, h)
	if len(runs) != 1 {
		t.Fatal("it is not due")
	}
	awaitApproval(t, h, runs[0].Lease, "apr_1") // what was decided it knows
	if runs := claim(t, h); len(runs) != 0 {
		t.Error("it is due for a decision that it knows")
	}
}

// decisionAndParkingAtOnce: whichever comes first, the run is due.
func decisionAndParkingAtOnce(t *testing.T, h Harness) {
	for range 5 {
		h := h.Fresh(t)
		c := begun(t, h)
		ofRun(t, h, 1)
		var both sync.WaitGroup
		both.Go(func() {
			if err := h.Store().AwaitApproval(t.Context(), c.Lease, []string{"apr_1"}, h.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
		})
		both.Go(func() {
			if _, err := h.Store().DecideApproval(t.Context(), "apr_1", boss, yes(h)); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		if runs := claim(t, h); len(runs) != 1 {
			t.Error("nobody wakes the run")
		}
	}
}

func endedRunWithdrawsItsApprovals(t *testing.T, h Harness) {
	awaiting(t, h)
	ofRun(t, h, 2)
	other := wants(h, 3, "k3")
	other.Call = "another's"
	askFor(t, h, other)
	requestCancel(t, h, "not wanted", dispatch.Cancelled)
	stands(t, h, "apr_1", guard.ApprovalWithdrawn)
	stands(t, h, "apr_2", guard.ApprovalWithdrawn)
	stands(t, h, "apr_3", guard.ApprovalPending)
	if _, err := h.Store().DecideApproval(t.Context(), "apr_1", boss, yes(h)); !errors.Is(err, guard.ErrDecided) {
		t.Errorf("decided about when the run had ended: %v", err)
	}
	if due, _, err := h.Store().DueNotices(t.Context(), 10); err != nil || len(due) != 0 {
		t.Errorf("somebody is to be told of it: %+v (%v)", due, err)
	}
}
