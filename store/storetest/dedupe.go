package storetest

import (
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
)

// again delivers an event once more, as a sender does: with a new id of ours.
func again(t *testing.T, h Harness, e webhook.Event, b webhook.Batch) webhook.Receipt {
	t.Helper()
	e.ID, e.ReceivedAt = "evt_at_"+h.Now().Format(time.RFC3339Nano), h.Now()
	b.Events = []webhook.Event{e}
	receipts, err := h.Store().Accept(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return receipts[0]
}

// ING-10: counted from when it was last seen, so that a sender that keeps trying is
// never taken for a new one.
func keysCountFromWhenTheyWereLastSeen(t *testing.T, h Harness) {
	e := event(h, 1)
	accept(t, h, e)
	const day = 24 * time.Hour
	for _, step := range []struct {
		wait      time.Duration
		keep      time.Duration
		duplicate bool
	}{
		{31 * day, 0, true},                            // the default is 35 days
		{35 * day, 0, true},                            // 66 since the first
		{35*day + time.Millisecond, 0, false},          // too long; this is the first of a new row
		{34 * day, 0, true},                            //
		{2 * time.Hour, 2 * time.Hour, true},           // a source of its own mind
		{2*time.Hour + 1e6, 2 * time.Hour, false},      //
		{40 * day, 100 * day, true},                    //
		{100*day + time.Millisecond, 100 * day, false}, //
	} {
		h.Advance(step.wait)
		if got := again(t, h, e, webhook.Batch{DedupeFor: step.keep}); got.Duplicate != step.duplicate {
			t.Fatalf("after %v with %v: %+v, want duplicate %v", step.wait, step.keep, got, step.duplicate)
		}
	}
	if n := len(claimEvents(t, h)); n != 4 {
		t.Errorf("%d events are due, want the 4 that were new", n)
	}
}

func weakKeyCountsNoLongerThanTheSourceSays(t *testing.T, h Harness) {
	e := event(h, 1)
	e.Weak = true
	accept(t, h, e)
	h.Advance(time.Hour + time.Millisecond)
	if got := again(t, h, e, webhook.Batch{DedupeFor: time.Hour}); got.Duplicate {
		t.Error("a weak key counts for longer than the source says")
	}
}

// endIn routes the event to a run for each state, and ends the runs in them; Running is
// without an end.
func endIn(t *testing.T, h Harness, event string, states ...dispatch.State) {
	t.Helper()
	routing := dispatch.Routing{Status: dispatch.Routed}
	for i, state := range states {
		id := dispatch.NewID("run_")
		routing.Runs = append(routing.Runs, dispatch.NewRun{ID: id, Agent: "billing", Source: "shop", Event: event,
			Via: string(rune('a' + i)), Prompt: string(state), Route: "shop", Replay: replayOf(t, h, event)})
	}
	if _, err := h.Store().Route(t.Context(), event, routing); err != nil {
		t.Fatal(err)
	}
	for _, c := range claim(t, h) {
		if state := dispatch.State(c.Run.Prompt); state != dispatch.Running {
			if err := h.Store().Finish(t.Context(), c.Lease, dispatch.Ending{State: state, At: h.Now()}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// replayOf is how often the event was routed before, as whoever claims it is told.
func replayOf(t *testing.T, h Harness, event string) int {
	t.Helper()
	for _, e := range claimEvents(t, h) {
		if e.ID == event {
			return e.Replay
		}
	}
	return 0
}

// ING-12: what a duplicate of an event brings about, by what became of its runs.
func duplicateOfAFailedEventRunsAgain(t *testing.T, h Harness) {
	for name, c := range map[string]struct {
		on     bool
		states []dispatch.State
		rerun  bool
	}{
		"dead":                       {true, []dispatch.State{dispatch.Dead}, true},
		"failed":                     {true, []dispatch.State{dispatch.Failed}, true},
		"dead, and it is off":        {false, []dispatch.State{dispatch.Dead}, false},
		"succeeded":                  {true, []dispatch.State{dispatch.Succeeded}, false},
		"cancelled by somebody":      {true, []dispatch.State{dispatch.Cancelled}, false},
		"at work":                    {true, []dispatch.State{dispatch.Running}, false},
		"all of its routes failed":   {true, []dispatch.State{dispatch.Dead, dispatch.Failed}, true},
		"one route of it succeeded":  {true, []dispatch.State{dispatch.Dead, dispatch.Succeeded}, false},
		"one route of it is at work": {true, []dispatch.State{dispatch.Dead, dispatch.Running}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := h.Fresh(t)
			e := event(h, 1)
			accept(t, h, e)
			endIn(t, h, e.ID, c.states...)
			h.Advance(time.Second)
			got := again(t, h, e, webhook.Batch{RerunIfFailed: c.on})
			if want := (webhook.Receipt{ID: e.ID, Duplicate: true, Rerun: c.rerun}); got != want {
				t.Fatalf("the duplicate gave %+v, want %+v", got, want)
			}
			if second := again(t, h, e, webhook.Batch{RerunIfFailed: c.on}); second.Rerun {
				t.Error("a second duplicate started it once more while it waits")
			}
			due := claimEvents(t, h)
			if (len(due) == 1) != c.rerun {
				t.Fatalf("%d events are due, want that it runs again to be %v", len(due), c.rerun)
			}
			if c.rerun && (due[0].Replay != 1 || due[0].Status != dispatch.Accepted) {
				t.Errorf("it is due as %+v, want a first replay", due[0])
			}
		})
	}
}

func duplicateOfAnEventThatCouldNotBeRoutedRunsAgain(t *testing.T, h Harness) {
	e := event(h, 1)
	accept(t, h, e)
	claimEvents(t, h)
	if _, err := h.Store().Route(t.Context(), e.ID, dispatch.Routing{Status: dispatch.Faulty, Note: "prompt"}); err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Second)
	if got := again(t, h, e, webhook.Batch{}); got.Rerun {
		t.Error("it runs again though that is off")
	}
	if got := again(t, h, e, webhook.Batch{RerunIfFailed: true}); !got.Rerun {
		t.Error("it does not run again")
	}
	if len(claimEvents(t, h)) != 1 {
		t.Error("it is not due")
	}
}
