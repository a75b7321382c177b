package dispatch_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/dispatch"
)

// A store that fails at an arrow leaves the state before it: the lease runs out and
// the work is done again, as far as it was not journaled.
func TestStoreThatFailsOnceLosesNothing(t *testing.T) {
	for _, arrow := range []string{"event routed", "run succeeded", "callback delivered"} {
		t.Run(arrow, func(t *testing.T) {
			w := newWorld(t)
			w.store.refuse(arrow)
			w.accept(`{"type":"paid"}`)
			w.until("refused " + arrow)
			w.pass(time.Minute)
			w.until("callback delivered")
			if run := w.onlyRun(); run.State != dispatch.Succeeded || run.Attempts != 0 {
				t.Errorf("the run ended as %+v", run)
			}
			if diff := cmp.Diff([]string{"crm_note", "crm_find"}, w.made); diff != "" || w.asked != 3 {
				t.Errorf("asked the model %d times, want 3, and called (-want +got):\n%s", w.asked, diff)
			}
			ids := map[string]bool{}
			for _, d := range w.received {
				ids[d.header.Get("Webhook-Id")] = true
			}
			if len(ids) != 1 {
				t.Errorf("messages %v arrived, want one, however often", ids)
			}
		})
	}
}

func TestParkedRunThatCouldNotBeParkedIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.model = first(1, http.StatusServiceUnavailable)
	w.store.refuse("run waiting")
	w.accept(`{"type":"paid"}`)
	w.until("refused run waiting")
	w.pass(time.Minute)
	w.until("run succeeded")
}

// A journal that makes no sense is nobody's progress: the run is given up after
// its attempts and says so, instead of coming back for ever.
func TestUnreadableJournalEndsTheRun(t *testing.T) {
	w := newWorld(t)
	w.options.MaxAttempts = 2
	w.accept(`{"type":"paid"}`)
	w.model = first(1, http.StatusServiceUnavailable)
	w.until("run waiting")
	w.pass(time.Minute)
	claimed, err := w.store.ClaimRuns(t.Context(), 1, time.Second)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %d runs (%v)", len(claimed), err)
	}
	if err := w.store.Append(t.Context(), claimed[0].Lease, journaled(t, 2, "intent", []int{1})); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.until("run waiting") // to journal was progress
	w.pass(time.Minute)
	w.until("run dead", "callback delivered")
	if kind, said := w.report(w.received[0]); kind != "run.dead" || !said.CallsCut {
		t.Errorf("the callback is of type %q and says %+v", kind, said)
	}
}

func TestStatesThatEndARun(t *testing.T) {
	for state, want := range map[dispatch.State]bool{
		dispatch.Queued: false, dispatch.Running: false, dispatch.Waiting: false,
		dispatch.Succeeded: true, dispatch.Failed: true, dispatch.Cancelled: true, dispatch.Dead: true,
	} {
		if state.Ended() != want {
			t.Errorf("%s: ended is %v, want %v", state, state.Ended(), want)
		}
	}
}
