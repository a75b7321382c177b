package dispatch_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/dispatch"
)

// ended has a run end at once, owing a callback.
func ended(t *testing.T) (*world, string) {
	w := newWorld(t)
	w.model = always(http.StatusUnauthorized)
	return w, w.start("desk", "shop")
}

func TestCallbackIsRetriedWithTheSameMessage(t *testing.T) {
	w, run := ended(t)
	w.receiver = first(1, http.StatusInternalServerError)
	w.until("run failed", "callback pending")
	owed := w.owed(run)
	if owed.State != dispatch.Pending || owed.Attempts != 1 || owed.LastStatus != 500 || owed.LastReason != "answered 500" {
		t.Errorf("after a 500 the callback is %+v", owed)
	}
	due, _, err := w.store.NextDue(t.Context(), dispatch.CallbackJob)
	if err != nil || !due.Equal(w.clock().Add(time.Minute)) {
		t.Errorf("it is due in %v (%v), want the schedule's minute", due.Sub(w.clock()), err)
	}
	w.pass(time.Minute)
	w.until("callback delivered")
	if owed = w.owed(run); owed.State != dispatch.Delivered || owed.Attempts != 2 || owed.LastStatus != 200 || owed.LastReason != "" {
		t.Errorf("after a 200 the callback is %+v", owed)
	}
	for _, d := range w.received {
		w.report(d) // each attempt is signed anew
	}
	one, two := w.received[0], w.received[1]
	if one.header.Get("Webhook-Id") != two.header.Get("Webhook-Id") || one.header.Get("Webhook-Timestamp") == two.header.Get("Webhook-Timestamp") {
		t.Errorf("attempts have the ids and times %v and %v, want one id and two times", one.header, two.header)
	}
	if diff := cmp.Diff(string(one.body), string(two.body)); diff != "" {
		t.Errorf("the second attempt says something else:\n%s", diff)
	}
}

func TestDeliveredCallbackIsNotSentAgain(t *testing.T) {
	w, _ := ended(t)
	w.until("callback delivered")
	w.pass(1000 * time.Hour)
	w.start("desk", "shop")
	w.until("callback delivered")
	ids := map[string]int{}
	for _, d := range w.received {
		ids[d.header.Get("Webhook-Id")]++
	}
	if len(w.received) != 2 || len(ids) != 2 {
		t.Errorf("arrived: %v, want one message of each run", ids)
	}
}

func TestCallbackIsGivenUpWhenItsScheduleIsOver(t *testing.T) {
	w, run := ended(t)
	w.receiver = always(http.StatusBadGateway)
	for _, pause := range []time.Duration{time.Minute, time.Hour} {
		w.until("callback pending")
		w.pass(pause)
	}
	w.until("callback dead")
	if owed := w.owed(run); owed.Attempts != 3 || owed.LastReason != "answered 502" || len(owed.Body) == 0 || len(w.received) != 3 {
		t.Errorf("after %d attempts the callback ended as %+v", len(w.received), owed)
	}
}

func TestOverloadedReceiverIsGivenTime(t *testing.T) {
	w, _ := ended(t)
	target := w.settings.Targets["shop"]
	target.Schedule[1] = time.Second
	w.receiver = first(1, http.StatusServiceUnavailable)
	w.until("callback pending")
	due, _, err := w.store.NextDue(t.Context(), dispatch.CallbackJob)
	if err != nil || !due.Equal(w.clock().Add(time.Minute)) {
		t.Errorf("after a 503 it is due in %v (%v), want a minute", due.Sub(w.clock()), err)
	}
}

func TestRunThatOwesNoneSendsNone(t *testing.T) {
	w := newWorld(t)
	w.model = always(http.StatusUnauthorized)
	silent, loud := w.start("desk", ""), w.start("desk", "shop")
	w.until("run failed", "run failed", "callback delivered")
	if callbacks, err := w.store.Callbacks(t.Context(), silent); err != nil || len(callbacks) != 0 || len(w.received) != 1 {
		t.Errorf("%d callbacks are owed (%v) and %d arrived, want 0 and that of %s", len(callbacks), err, len(w.received), loud)
	}
}

// always gives one status.
func always(status int) func(int) int { return func(int) int { return status } }

// first gives a status for the first n, then 200.
func first(n, status int) func(int) int {
	return func(i int) int {
		if i <= n {
			return status
		}
		return http.StatusOK
	}
}
