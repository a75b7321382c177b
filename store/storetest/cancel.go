package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// requestCancel asks for the end of run_1 and expects the state that it is asked in.
func requestCancel(t *testing.T, h Harness, why string, want dispatch.State) {
	t.Helper()
	if state, err := h.Store().RequestCancel(t.Context(), "run_1", why); err != nil || state != want {
		t.Fatalf("asking to cancel gave %s (%v), want %s", state, err, want)
	}
}

// state checks how run_1 stands.
func state(t *testing.T, h Harness, want dispatch.State, reason string) dispatch.Run {
	t.Helper()
	run, err := h.Store().Run(t.Context(), "run_1")
	if err != nil || run.State != want || run.Reason != reason {
		t.Fatalf("the run is %s %q (%v), want %s %q", run.State, run.Reason, err, want, reason)
	}
	return run
}

func cancelEndsWhatNobodyCarries(t *testing.T, h Harness) {
	for name, arrange := range map[string]func(t *testing.T, h Harness) (entries int){
		"queued": func(t *testing.T, h Harness) int {
			start(t, h, "run_1")
			return 0
		},
		"released": func(t *testing.T, h Harness) int {
			if err := h.Store().Release(t.Context(), begun(t, h).Lease); err != nil {
				t.Fatal(err)
			}
			return 1
		},
		"waiting": func(t *testing.T, h Harness) int {
			if err := h.Store().Park(t.Context(), begun(t, h).Lease, h.Now().Add(time.Hour), "model_unavailable", 1); err != nil {
				t.Fatal(err)
			}
			return 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := h.Fresh(t)
			entries := arrange(t, h)
			requestCancel(t, h, "not wanted any more", dispatch.Cancelled)
			run := state(t, h, dispatch.Cancelled, string(bridge.CancelledByUser))
			if run.FinishedAt.IsZero() || run.Answer == "" {
				t.Errorf("the run ended as %+v, want when, and an account of what was done", run)
			}
			journal, err := h.Store().Entries(t.Context(), "run_1")
			if err != nil || len(journal) != entries+1 || journal[entries].Kind != bridge.EntryOutcome {
				t.Errorf("the journal is %+v (%v), want it closed", journal, err)
			}
			h.Advance(24 * time.Hour)
			if runs := claim(t, h); len(runs) != 0 {
				t.Error("a cancelled run is due")
			}
		})
	}
}

func cancelIsAskedOfWhoCarriesTheRun(t *testing.T, h Harness) {
	c := claimOne(t, h)
	requestCancel(t, h, "first", dispatch.Running)
	requestCancel(t, h, "second", dispatch.Running)
	asked, err := h.Store().CancelRequests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]dispatch.CancelRequest{{Run: "run_1", Why: "first"}}, asked); diff != "" {
		t.Errorf("to be stopped (-want +got):\n%s", diff)
	}
	if err := h.Store().Append(t.Context(), c.Lease, entry(1)); err != nil {
		t.Errorf("a worker that is asked to stop could not journal what it had begun: %v", err)
	}
	if err := h.Store().Finish(t.Context(), c.Lease, dispatch.Ending{State: dispatch.Cancelled, At: h.Now()}); err != nil {
		t.Fatal(err)
	}
	if asked, err := h.Store().CancelRequests(t.Context()); err != nil || len(asked) != 0 {
		t.Errorf("after its end %+v are to be stopped (%v)", asked, err)
	}
}

func cancelIsAskedWhereACallbackIsOwed(t *testing.T, h Harness) {
	if err := h.Store().Start(t.Context(), dispatch.NewRun{ID: "run_1", Agent: "billing", Source: "shop", Prompt: "p", Route: "shop"}); err != nil {
		t.Fatal(err)
	}
	if err := h.Store().Park(t.Context(), claim(t, h)[0].Lease, h.Now().Add(time.Hour), "model_unavailable", 1); err != nil {
		t.Fatal(err)
	}
	requestCancel(t, h, "not wanted any more", dispatch.Waiting)
	runs := claim(t, h)
	if len(runs) != 1 || runs[0].Run.Cancel != "not wanted any more" {
		t.Fatalf("claimed %+v, want the run at once, for its worker to end it", runs)
	}
}

func cancelOfAnEndedRunChangesNothing(t *testing.T, h Harness) {
	ctx, s := t.Context(), h.Store()
	if _, err := s.RequestCancel(ctx, "run_1", "x"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("cancelling no run gave %v, want ErrNotFound", err)
	}
	c := claimOne(t, h)
	if err := s.Finish(ctx, c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now(), Outcome: bridge.Outcome{Reason: bridge.Answered}}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.RequestCancel(ctx, "run_1", "x"); !errors.Is(err, dispatch.ErrEnded) || got != dispatch.Succeeded {
		t.Errorf("cancelling an ended run gave %s, %v; want its state and ErrEnded", got, err)
	}
	if run := state(t, h, dispatch.Succeeded, "answered"); run.Cancel != "" {
		t.Errorf("an ended run is to be cancelled: %q", run.Cancel)
	}
}

// A request may come while the worker is putting the run down for another reason.
func cancelledRunIsDueWhenItIsPutDown(t *testing.T, h Harness) {
	c := claimOne(t, h)
	requestCancel(t, h, "x", dispatch.Running)
	if err := h.Store().Park(t.Context(), c.Lease, h.Now().Add(time.Hour), "model_unavailable", 1); err != nil {
		t.Fatal(err)
	}
	if runs := claim(t, h); len(runs) != 1 || runs[0].Run.Cancel != "x" {
		t.Fatalf("claimed %+v, want the run at once", runs)
	}
}

func cancelWakesWhoHasToStop(t *testing.T, h Harness) {
	claimOne(t, h)
	drain(h.Store().Wake(dispatch.Cancels))
	requestCancel(t, h, "x", dispatch.Running)
	<-h.Store().Wake(dispatch.Cancels) // hangs if nobody was told
}

func concurrentCancelsEndARunOnce(t *testing.T, h Harness) {
	begun := begun(t, h)
	if err := h.Store().Release(t.Context(), begun.Lease); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, err := h.Store().RequestCancel(t.Context(), "run_1", "x")
			if got != dispatch.Cancelled || (err != nil && !errors.Is(err, dispatch.ErrEnded)) {
				t.Errorf("gave %s, %v", got, err)
			}
		})
	}
	all.Wait()
	if journal, err := h.Store().Entries(t.Context(), "run_1"); err != nil || len(journal) != 2 {
		t.Errorf("the journal has %d entries (%v), want the brief and one outcome", len(journal), err)
	}
}

func claimTellsWhatTheRunWasParkedFor(t *testing.T, h Harness) {
	c := claimOne(t, h)
	if c.Parked != "" {
		t.Errorf("a new run was parked for %q", c.Parked)
	}
	if err := h.Store().Park(t.Context(), c.Lease, h.Now(), "client_calls", 0); err != nil {
		t.Fatal(err)
	}
	if c = claim(t, h)[0]; c.Parked != "client_calls" {
		t.Errorf("it was parked for %q, want client_calls", c.Parked)
	}
	h.Advance(lease)
	if c = claim(t, h)[0]; c.Parked != "" {
		t.Errorf("a run left by its worker was parked for %q", c.Parked)
	}
}
