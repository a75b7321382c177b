package storetest

import (
	"testing"
	"time"

	"drawbridge/server/dispatch"
)

// quiet is the run of an event that waits for a quiet minute, but ten at most.
func quiet(h Harness, n int) dispatch.NewRun {
	run := about(n, "")
	run.Debounce, run.StartAt, run.StartBy = "shop/billing", h.Now().Add(time.Minute), h.Now().Add(10*time.Minute)
	return run
}

// became checks what an event became.
func became(t *testing.T, h Harness, id string, status dispatch.EventStatus, note string) {
	t.Helper()
	e, err := h.Store().Event(t.Context(), id)
	if err != nil || e.Status != status || e.Note != note {
		t.Errorf("%s is %s, %q (%v); want %s, %q", id, e.Status, e.Note, err, status, note)
	}
}

func lastOfARowSpeaksForAll(t *testing.T, h Harness) {
	arrive(t, h, 1, 2, 3)
	route(t, h, quiet(h, 1))
	h.Advance(30 * time.Second)
	if worked := route(t, h, quiet(h, 2)); len(worked) != 1 || worked[0] != "run_001" {
		t.Errorf("the second event has runs %v, want the first one's", worked)
	}
	h.Advance(59 * time.Second)
	take(t, h, "")
	h.Restart(t)
	h.Advance(time.Second)
	run := take(t, h, "001")[0].Run
	if run.Event != "evt_002" || run.Prompt != quiet(h, 2).Prompt {
		t.Errorf("the run is one of %s, want of evt_002", run.Event)
	}
	became(t, h, "evt_001", dispatch.Debounced, "debounced: event evt_002 took its place in run run_001")
	became(t, h, "evt_002", dispatch.Routed, "")
	route(t, h, quiet(h, 3)) // the row is over
	h.Advance(time.Minute)
	take(t, h, "001 003") // the first one's lease has run out
}

func rowOfEventsEnds(t *testing.T, h Harness) {
	arrive(t, h, 1)
	route(t, h, quiet(h, 1))
	for n := 2; n <= 20; n++ {
		h.Advance(30 * time.Second)
		arrive(t, h, n)
		route(t, h, quiet(h, n))
	}
	take(t, h, "") // after 9m30s
	h.Advance(30 * time.Second)
	if run := take(t, h, "001")[0].Run; run.Event != "evt_020" {
		t.Errorf("the run is one of %s, want of the last event", run.Event)
	}
}

// Of events that are routed at once, the one that came last has the place.
func olderEventDoesNotTakeThePlace(t *testing.T, h Harness) {
	arrive(t, h, 1, 2)
	route(t, h, quiet(h, 2))
	if worked := route(t, h, quiet(h, 1)); len(worked) != 0 {
		t.Errorf("the older event has runs %v, want none", worked)
	}
	became(t, h, "evt_001", dispatch.Debounced, "debounced: event evt_002 took its place in run run_002")
	h.Advance(time.Minute)
	if run := take(t, h, "002")[0].Run; run.Event != "evt_002" {
		t.Errorf("the run is one of %s, want of evt_002", run.Event)
	}
}

// An event of which another route made a run is routed, with a note.
func debouncedByOneRouteIsRoutedByAnother(t *testing.T, h Harness) {
	both := func(n int) []dispatch.NewRun {
		other := about(n+10, "")
		other.Event, other.Via = about(n, "").Event, "audit"
		return []dispatch.NewRun{quiet(h, n), other}
	}
	arrive(t, h, 1, 2, 3)
	route(t, h, both(2)...)
	if worked := route(t, h, both(1)...); len(worked) != 1 || worked[0] != "run_011" {
		t.Errorf("the older event has runs %v, want that of the other route", worked)
	}
	route(t, h, both(3)...)
	became(t, h, "evt_001", dispatch.Routed, "debounced: event evt_002 took its place in run run_002")
	became(t, h, "evt_002", dispatch.Routed, "debounced: event evt_003 took its place in run run_002")
}

func cancelledRowBeginsAnew(t *testing.T, h Harness) {
	arrive(t, h, 1, 2)
	first := quiet(h, 1)
	first.Route = "shop"
	route(t, h, first)
	if _, err := h.Store().RequestCancel(t.Context(), "run_001", "not wanted"); err != nil {
		t.Fatal(err)
	}
	if worked := route(t, h, quiet(h, 2)); len(worked) != 1 || worked[0] != "run_002" {
		t.Errorf("the second event has runs %v, want one of its own", worked)
	}
}

// A replay is an event that comes now: it goes to the end of its subject's line, and of
// the events that wait to be routed.
func replayGoesToTheEnd(t *testing.T, h Harness) {
	lanes(t, h, ordered)
	arrive(t, h, 1, 2)
	route(t, h, about(1, "ada"))
	first := take(t, h, "001")[0]
	if err := h.Store().Replay(t.Context(), "evt_001"); err != nil {
		t.Fatal(err)
	}
	arrive(t, h, 3)
	again := about(1, "ada")
	again.ID, again.Replay = "run_000", 1
	route(t, h, about(3, "ada"))
	hold(t, h, "run_003", dispatch.LineGate, "held: event evt_002 came earlier and is not routed yet")
	route(t, h, again)
	route(t, h, about(2, "ada"))
	end(t, h, first)
	for _, want := range []string{"002", "000", "003"} {
		end(t, h, take(t, h, want)[0])
	}
}

// A run that was begun anew waits for the delayed one, until a newer event takes that
// behind it: they must not wait for each other.
func newerEventGoesBehindWhatWaits(t *testing.T, h Harness) {
	row := func(n int) dispatch.NewRun {
		run := quiet(h, n)
		run.Subject, run.Debounce = about(n, "ada").Subject, about(n, "ada").Subject
		return run
	}
	arrive(t, h, 1, 2)
	route(t, h, row(1))
	h.Advance(time.Minute)
	first := take(t, h, "001")[0]
	if err := h.Store().Finish(t.Context(), first.Lease, dispatch.Ending{State: dispatch.Dead, At: h.Now()}); err != nil {
		t.Fatal(err)
	}
	route(t, h, row(2))
	if _, err := h.Store().ReviveRun(t.Context(), dispatch.Revival{ID: "run_001", NewID: "run_009"}); err != nil {
		t.Fatal(err)
	}
	hold(t, h, "run_009", dispatch.SubjectGate, "held: waits for run run_002 of the same subject")
	arrive(t, h, 3, 4)
	route(t, h, row(4))
	again := take(t, h, "009")[0]
	h.Advance(time.Minute)
	again = renewed(t, h, again)
	take(t, h, "")
	hold(t, h, "run_002", dispatch.SubjectGate, "held: waits for run run_009 of the same subject")
	end(t, h, again)
	if run := take(t, h, "002")[0].Run; run.Event != "evt_004" {
		t.Errorf("the run is one of %s, want of the last event", run.Event)
	}
}
