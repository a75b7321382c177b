package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/server/retention"
	"drawbridge/server/webhook"
)

const oneDay = 24 * time.Hour

// forever keeps everything.
var forever = retention.Policy{}

// ninety keeps everything for 90 days.
var ninety = retention.Policy{Events: retention.Bound{Age: 90 * oneDay}, Runs: retention.Bound{Age: 90 * oneDay}, Callbacks: retention.Bound{Age: 90 * oneDay},
	Audit: retention.Bound{Age: 90 * oneDay}, Rejections: 90 * oneDay, Calls: 90 * oneDay}

// sweep makes one pass over the store.
func sweep(t *testing.T, h Harness, policy retention.Policy) {
	t.Helper()
	if err := retention.New(h.Store(), policy, retention.Options{Now: h.Now, Pause: time.Nanosecond}).Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// there reports what of an event, its run and its callback is in the store.
func there(t *testing.T, h Harness, n int) string {
	t.Helper()
	var found []string
	e, err := h.Store().Event(t.Context(), fmt.Sprintf("evt_%03d", n))
	switch {
	case err == nil && e.EmptiedAt.IsZero():
		found = append(found, "event")
	case err == nil && len(e.Body) == 0:
		found = append(found, "bare event")
	case !errors.Is(err, dispatch.ErrNotFound):
		t.Fatal(err)
	}
	run := fmt.Sprintf("run_%d", n)
	r, err := h.Store().Run(t.Context(), run)
	switch {
	case err == nil && r.EmptiedAt.IsZero():
		found = append(found, "run")
	case err == nil:
		found = append(found, "bare run")
	case !errors.Is(err, dispatch.ErrNotFound):
		t.Fatal(err)
	}
	if entries, err := h.Store().Entries(t.Context(), run); err != nil {
		t.Fatal(err)
	} else if len(entries) > 0 {
		found = append(found, "journal")
	}
	if callbacks, err := h.Store().Callbacks(t.Context(), run); err != nil {
		t.Fatal(err)
	} else if len(callbacks) > 0 {
		found = append(found, "callback")
	}
	return strings.Join(found, ", ")
}

func wantThere(t *testing.T, h Harness, n int, want string) {
	t.Helper()
	if got := there(t, h, n); got != want {
		t.Errorf("of number %d there is %q, want %q", n, got, want)
	}
}

// done makes an event, its run and its callback, all of which come to their end now.
func done(t *testing.T, h Harness, n int, change ...func(*dispatch.NewRun)) {
	t.Helper()
	routed(t, h, n, change...)
	ends(t, h, fmt.Sprintf("run_%d", n), dispatch.Succeeded, bridge.Answered, owed(h, n))
	attempted(t, h, fmt.Sprintf("msg_%d", n), dispatch.Delivered)
}

const whole = "event, run, journal, callback"

func retentionRemovesWhatHasComeToItsEnd(t *testing.T, h Harness) {
	done(t, h, 1)
	h.Advance(90 * oneDay)
	sweep(t, h, ninety)
	wantThere(t, h, 1, whole) // to the moment
	h.Advance(time.Millisecond)
	sweep(t, h, ninety)
	wantThere(t, h, 1, "")
	done(t, h, 2)
	h.Advance(5000 * oneDay)
	sweep(t, h, forever)
	wantThere(t, h, 2, whole)
}

func retentionKeepsWhatHasNotEnded(t *testing.T, h Harness) {
	accept(t, h, event(h, 1))
	unroutable(t, h, 2, dispatch.Faulty)
	routed(t, h, 3)
	ends(t, h, "run_3", dispatch.Dead, bridge.ModelUnavailable, nil)
	routed(t, h, 4)
	carried(t, h, "run_4")
	routed(t, h, 5)
	ends(t, h, "run_5", dispatch.Succeeded, bridge.Answered, owed(h, 5))
	routed(t, h, 6)
	ends(t, h, "run_6", dispatch.Succeeded, bridge.Answered, owed(h, 6))
	attempted(t, h, "msg_6", dispatch.Undelivered)
	h.Advance(1000 * oneDay)
	strict := ninety
	strict.Events.Count, strict.Runs.Count, strict.Callbacks.Count = 1, 1, 1
	sweep(t, h, strict)
	for n, want := range []string{1: "event", 2: "event", 3: "event, run, journal", 4: "event, run, journal", 5: "bare event, run, journal, callback", 6: "bare event, run, journal, callback"} {
		if n > 0 {
			wantThere(t, h, n, want)
		}
	}
	wantDead(t, h, dispatch.DeadFilter{}, "run_3", "msg_6", "evt_002")
}

func retentionEmptiesAnEventWhoseKeyCounts(t *testing.T, h Harness) {
	unroutable(t, h, 1, dispatch.Ignored)
	again := event(h, 1)
	again.ID = "evt_again"
	for range 2 { // a key counts for 35 days from when it was last seen
		h.Advance(35 * oneDay)
		again.ReceivedAt = h.Now()
		if receipt, err := acceptOne(t.Context(), h.Store(), again); err != nil || !receipt.Duplicate {
			t.Fatalf("sent again: %+v, %v", receipt, err)
		}
	}
	h.Advance(21 * oneDay)
	sweep(t, h, ninety)
	wantThere(t, h, 1, "bare event")
	again.ReceivedAt = h.Now()
	if receipt, err := acceptOne(t.Context(), h.Store(), again); err != nil || receipt.ID != "evt_001" || !receipt.Duplicate {
		t.Errorf("sent again without its body: %+v (%v), want a duplicate still", receipt, err)
	}
	if _, err := h.Store().ReviveEvent(t.Context(), revive("evt_001")); !errors.Is(err, dispatch.ErrEmptied) {
		t.Errorf("replaying a bare event gave %v, want ErrEmptied", err)
	}
	h.Advance(retention.DefaultDedupe)
	sweep(t, h, ninety)
	wantThere(t, h, 1, "bare event") // to the moment
	h.Advance(time.Millisecond)
	sweep(t, h, ninety)
	wantThere(t, h, 1, "")
	// A weak key counts for its window only.
	weak := event(h, 2)
	weak.Weak = true
	accept(t, h, weak)
	reroute(t, h, weak.ID, dispatch.Ignored)
	h.Advance(webhook.WeakWindow + time.Millisecond)
	sweep(t, h, retention.Policy{Events: retention.Bound{Age: time.Hour}})
	wantThere(t, h, 2, "")
}

func retentionOfABodyDoesNotWaitForTheRun(t *testing.T, h Harness) {
	done(t, h, 1)
	h.Advance(40 * oneDay)
	short := ninety
	short.Events.Age = 30 * oneDay
	sweep(t, h, short)
	wantThere(t, h, 1, "bare event, run, journal, callback")
	h.Advance(51 * oneDay)
	sweep(t, h, short)
	wantThere(t, h, 1, "")
}

func retentionOfASourceIsItsOwn(t *testing.T, h Harness) {
	done(t, h, 1)
	for n, source := range map[int]string{2: "bank", 3: "clinic"} {
		e := event(h, n)
		e.Source = source
		accept(t, h, e)
		run := dispatch.NewRun{ID: fmt.Sprintf("run_%d", n), Agent: "billing", Source: source, Event: e.ID, Prompt: "p"}
		if _, err := h.Store().Route(t.Context(), e.ID, dispatch.Routing{Status: dispatch.Routed, Runs: []dispatch.NewRun{run}}); err != nil {
			t.Fatal(err)
		}
		ends(t, h, run.ID, dispatch.Succeeded, bridge.Answered, owed(h, n))
		attempted(t, h, fmt.Sprintf("msg_%d", n), dispatch.Delivered)
	}
	policy := ninety
	policy.Sources = map[string]retention.Source{"bank": {Own: true}, "clinic": {Own: true, Age: 7 * oneDay, Dedupe: 8 * oneDay}}
	h.Advance(7*oneDay + time.Millisecond)
	sweep(t, h, policy)
	wantThere(t, h, 3, "bare event")
	h.Advance(oneDay)
	sweep(t, h, policy)
	wantThere(t, h, 3, "")
	wantThere(t, h, 1, whole)
	h.Advance(1000 * oneDay)
	policy.Events.Count, policy.Runs.Count = 1, 1
	sweep(t, h, policy)
	wantThere(t, h, 1, "")
	wantThere(t, h, 2, whole)
}

func retentionKeepsTheNewest(t *testing.T, h Harness) {
	for n := range 5 {
		done(t, h, n)
		record(t, h, n)
		h.Advance(40 * oneDay)
	}
	policy := retention.Policy{Events: retention.Bound{Count: 3}, Runs: retention.Bound{Count: 2}, Callbacks: retention.Bound{Count: 1}, Audit: retention.Bound{Count: 2}}
	sweep(t, h, policy)
	for n, want := range []string{"", "", "event", "event, run, journal", whole} {
		wantThere(t, h, n, want)
	}
	if rows, err := h.Store().Audit(t.Context(), "", 10); err != nil || len(rows) != 2 || rows[0].Key != "key_3" {
		t.Errorf("the audit has %+v (%v), want the newest two rows", rows, err)
	}
}

// record leaves a row of the audit, and the first result of a call.
func record(t *testing.T, h Harness, n int) {
	t.Helper()
	row := guard.Row{At: h.Now(), Principal: "key:desk", Door: "mcp", Tool: "crm_get_customer", Effect: "read", Decision: guard.Allowed, Outcome: "ok", Arguments: json.RawMessage(`{}`), Key: fmt.Sprint("key_", n)}
	settled := &guard.Settlement{Principal: "key:desk", Key: row.Key, Tool: row.Tool, Digest: "d", Result: json.RawMessage(`{}`), At: h.Now()}
	if err := h.Store().Record(t.Context(), row, settled); err != nil {
		t.Fatal(err)
	}
}

// steps makes a pass step by step, and gives each kind's steps.
func steps(t *testing.T, h Harness, kind retention.Kind, due retention.Due, most int) []retention.Step {
	t.Helper()
	var made []retention.Step
	for from := ""; len(made) < most; {
		step, err := h.Store().Sweep(t.Context(), kind, due, from)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, step)
		if from = step.Next; from == "" {
			break
		}
	}
	return made
}

func allDue(h Harness) retention.Due { return retention.Due{Now: h.Now(), Before: h.Now()} }

func retentionStepsAreBounded(t *testing.T, h Harness) {
	const events = 3 * retention.StepRows / 2
	for n := range events {
		unroutable(t, h, n, dispatch.Ignored)
		record(t, h, n)
	}
	const largeCalls = 12
	for n := range largeCalls {
		if err := h.Store().Record(t.Context(), guard.Row{At: h.Now(), Arguments: json.RawMessage(`{}`)}, &guard.Settlement{Principal: "key:desk", Key: fmt.Sprint("large_", n), At: h.Now(),
			Result: json.RawMessage(`"` + strings.Repeat("x", retention.StepBytes/3) + `"`)}); err != nil {
			t.Fatal(err)
		}
	}
	large := event(h, 1001)
	large.Body = make([]byte, 2*retention.StepBytes)
	accept(t, h, large)
	reroute(t, h, large.ID, dispatch.Ignored)
	// A run with more of a journal than a step removes.
	start(t, h, "run_1")
	c := carried(t, h, "run_1")
	for i := range int64(2 * retention.StepRows) {
		e := entry(i + 2)
		e.Body = json.RawMessage(`"` + strings.Repeat("x", retention.StepBytes/50) + `"`)
		if err := h.Store().Append(t.Context(), c.Lease, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Store().Finish(t.Context(), c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now()}); err != nil {
		t.Fatal(err)
	}
	h.Advance(100 * oneDay)
	for kind, want := range map[retention.Kind]int{retention.Events: events + 1, retention.Runs: 2*retention.StepRows + 3, retention.Audit: events + largeCalls, retention.Calls: events + largeCalls} {
		rows := 0
		for i, step := range steps(t, h, kind, allDue(h), 1000) {
			rows += step.Rows
			if step.Rows > retention.StepRows || step.Bytes > retention.StepBytes && step.Rows > 1 {
				t.Errorf("step %d of %s removed %d rows and %d bytes", i, kind, step.Rows, step.Bytes)
			}
		}
		if rows != want {
			t.Errorf("the steps of %s removed %d rows, want %d", kind, rows, want)
		}
	}
	wantThere(t, h, 1, "")
}

func retentionGoesOnAfterACrash(t *testing.T, h Harness) {
	routed(t, h, 1)
	c := carried(t, h, "run_1")
	for i := range int64(2 * retention.StepRows) {
		if err := h.Store().Append(t.Context(), c.Lease, entry(i+2)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Store().Finish(t.Context(), c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now()}); err != nil {
		t.Fatal(err)
	}
	h.Advance(100 * oneDay)
	steps(t, h, retention.Runs, allDue(h), 1)
	wantThere(t, h, 1, "event, bare run, journal")
	h.Restart(t)
	sweep(t, h, forever) // whatever the policy says by now: what is left of it is of no use
	wantThere(t, h, 1, "event")
}

func keysOutliveRunsThatMayGoOn(t *testing.T, h Harness) {
	known := func(n int) bool {
		t.Helper()
		prior, err := h.Store().Lookup(t.Context(), "key:desk", fmt.Sprint("key_", n))
		if err != nil {
			t.Fatal(err)
		}
		return prior.State == guard.Settled
	}
	record(t, h, 1)
	h.Advance(oneDay)
	routed(t, h, 2)
	record(t, h, 2)
	ends(t, h, "run_2", dispatch.Dead, bridge.ModelUnavailable, nil)
	h.Advance(100 * oneDay)
	sweep(t, h, ninety)
	if known(1) || !known(2) {
		t.Errorf("the first key is known: %v, the one since the dead run: %v; want false and true", known(1), known(2))
	}
	if err := h.Store().DeleteDead(t.Context(), revive("run_2")); err != nil {
		t.Fatal(err)
	}
	sweep(t, h, ninety)
	if known(2) {
		t.Error("a key is kept that no run can use any more")
	}
}

func auditAndRejectionsGoByAge(t *testing.T, h Harness) {
	for n := range 3 {
		record(t, h, n)
		if err := h.Store().Reject(t.Context(), webhook.Rejection{Source: "shop", At: h.Now(), Remote: "192.0.2.1", Status: 401, Reason: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
		h.Advance(40 * oneDay)
	}
	sweep(t, h, ninety)
	rows, err := h.Store().Audit(t.Context(), "", 10)
	if err != nil || len(rows) != 2 || rows[0].Key != "key_1" {
		t.Errorf("the audit has %+v (%v), want the newest two rows", rows, err)
	}
	refused, err := h.Store().Rejections(t.Context(), "shop", 10)
	if err != nil || len(refused) != 2 || refused[1].Reason != "1" {
		t.Errorf("the rejections are %+v (%v), want the newest two", refused, err)
	}
}

func wholeDeliveryGoesWithItsLastEvent(t *testing.T, h Harness) {
	one, other := event(h, 1), event(h, 2)
	if _, err := h.Store().Accept(t.Context(), webhook.Batch{Raw: []byte(`[{"n":1},{"n":2}]`), Events: []webhook.Event{one, other}}); err != nil {
		t.Fatal(err)
	}
	reroute(t, h, one.ID, dispatch.Ignored)
	reroute(t, h, other.ID, dispatch.Faulty)
	h.Advance(100 * oneDay)
	if got := steps(t, h, retention.Events, allDue(h), 10); got[0].Rows != 1 {
		t.Errorf("steps over events: %+v, want one row", got)
	}
	if got := steps(t, h, retention.Deliveries, allDue(h), 10); got[0].Rows != 0 {
		t.Errorf("steps over deliveries: %+v, want none while one of its events is there", got)
	}
	if err := h.Store().DeleteDead(t.Context(), revive(other.ID)); err != nil {
		t.Fatal(err)
	}
	if got := steps(t, h, retention.Deliveries, allDue(h), 10); got[0].Rows != 1 || got[0].Bytes != 17 {
		t.Errorf("steps over deliveries: %+v, want it gone", got)
	}
}
