package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// routed makes an event a run: evt_00n becomes run_n.
func routed(t *testing.T, h Harness, n int, change ...func(*dispatch.NewRun)) {
	t.Helper()
	e := event(h, n)
	accept(t, h, e)
	run := dispatch.NewRun{ID: fmt.Sprintf("run_%d", n), Agent: "billing", Source: "shop", Event: e.ID, Via: "shop", Prompt: fmt.Sprintf("see to %d", n), Tainted: true, Route: "shop"}
	for _, c := range change {
		c(&run)
	}
	if _, err := h.Store().Route(t.Context(), e.ID, dispatch.Routing{Status: dispatch.Routed, Runs: []dispatch.NewRun{run}}); err != nil {
		t.Fatal(err)
	}
}

// carried claims one run of those that are due, and begins its journal.
func carried(t *testing.T, h Harness, id string) dispatch.Claimed {
	t.Helper()
	claimed, _, err := h.Store().ClaimRun(t.Context(), id, lease)
	if err != nil || claimed == nil {
		t.Fatalf("run %s was not claimed: %v", id, err)
	}
	if err := h.Store().Append(t.Context(), claimed.Lease, bridge.Entry{Seq: 1, Kind: bridge.EntryBrief, At: h.Now(), Body: json.RawMessage(`{"agent":"billing"}`)}); err != nil {
		t.Fatal(err)
	}
	return *claimed
}

// ends carries a run to its end.
func ends(t *testing.T, h Harness, id string, state dispatch.State, reason bridge.Reason, callback *dispatch.Callback) {
	t.Helper()
	c := carried(t, h, id)
	status := bridge.Failed
	if state == dispatch.Succeeded {
		status = bridge.Succeeded
	}
	if err := h.Store().Finish(t.Context(), c.Lease, dispatch.Ending{State: state, At: h.Now(), Callback: callback,
		Outcome: bridge.Outcome{Status: status, Reason: reason, Answer: "So it ended."}}); err != nil {
		t.Fatal(err)
	}
}

// attempted notes an attempt at a callback.
func attempted(t *testing.T, h Harness, id string, state dispatch.CallbackState) {
	t.Helper()
	tried(t, h, id, dispatch.Attempt{State: state, Status: 500, Reason: "answered 500", Next: h.Now().Add(time.Hour)}, dispatch.Patience{})
}

// unroutable makes an event a dead letter.
func unroutable(t *testing.T, h Harness, n int, status dispatch.EventStatus) {
	t.Helper()
	e := event(h, n)
	accept(t, h, e)
	reroute(t, h, e.ID, status)
}

func reroute(t *testing.T, h Harness, id string, status dispatch.EventStatus) {
	t.Helper()
	if _, err := h.Store().Route(t.Context(), id, dispatch.Routing{Status: status, Note: "prompt: no such field"}); err != nil {
		t.Fatal(err)
	}
}

func deadIDs(t *testing.T, h Harness, fits dispatch.DeadFilter) []string {
	t.Helper()
	letters, err := h.Store().DeadLetters(t.Context(), fits, 100)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	return ids
}

// wantDead checks which dead letters there are, the newest first.
func wantDead(t *testing.T, h Harness, fits dispatch.DeadFilter, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), deadIDs(t, h, fits)); diff != "" {
		t.Errorf("dead letters that fit %+v (-want +got):\n%s", fits, diff)
	}
}

func deadLettersAreListedByWhatIsAsked(t *testing.T, h Harness) {
	begin := h.Now()
	unroutable(t, h, 1, dispatch.Unparsed)
	h.Advance(time.Minute)
	unroutable(t, h, 2, dispatch.Quarantined)
	h.Advance(time.Minute)
	routed(t, h, 3)
	ends(t, h, "run_3", dispatch.Dead, bridge.ModelUnavailable, owed(h, 3))
	h.Advance(time.Minute)
	attempted(t, h, "msg_3", dispatch.Undelivered)
	unroutable(t, h, 4, dispatch.Ignored)
	routed(t, h, 5)
	ends(t, h, "run_5", dispatch.Succeeded, bridge.Answered, nil)

	wantDead(t, h, dispatch.DeadFilter{}, "msg_3", "run_3", "evt_002", "evt_001")
	wantDead(t, h, dispatch.DeadFilter{Kind: dispatch.DeadRun}, "run_3")
	wantDead(t, h, dispatch.DeadFilter{Source: "bank"})
	wantDead(t, h, dispatch.DeadFilter{Agent: "billing"}, "msg_3", "run_3")
	wantDead(t, h, dispatch.DeadFilter{Reason: "UNPARSED"}, "evt_001")
	wantDead(t, h, dispatch.DeadFilter{Reason: "no such field"}, "evt_002", "evt_001")
	wantDead(t, h, dispatch.DeadFilter{Reason: "100%"})
	wantDead(t, h, dispatch.DeadFilter{Since: begin.Add(time.Minute), Until: begin.Add(3 * time.Minute)}, "run_3", "evt_002")
	if got, err := h.Store().DeadLetters(t.Context(), dispatch.DeadFilter{}, 2); err != nil || len(got) != 2 || got[1].ID != "run_3" {
		t.Errorf("the newest two: %+v, %v", got, err)
	}

	letter, err := h.Store().DeadLetter(t.Context(), "msg_3")
	want := dispatch.DeadLetter{Kind: dispatch.DeadCallback, ID: "msg_3", Source: "shop", Agent: "billing", Event: "evt_003", Run: "run_3",
		Reason: "answered 500", Detail: "after 1 attempts", At: begin.Add(3 * time.Minute)}
	if diff := cmp.Diff(want, letter); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := h.Store().DeadLetter(t.Context(), "run_5"); !errors.Is(err, dispatch.ErrNotDead) {
		t.Errorf("what succeeded gave %v, want ErrNotDead", err)
	}
	if _, err := h.Store().DeadLetter(t.Context(), "run_9"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("what is not there gave %v, want ErrNotFound", err)
	}
	counts, err := h.Store().CountDead(t.Context())
	if diff := cmp.Diff([]dispatch.DeadCount{{Kind: dispatch.DeadEvent, Count: 2, Oldest: begin}, {Kind: dispatch.DeadRun, Count: 1, Oldest: begin.Add(2 * time.Minute)},
		{Kind: dispatch.DeadCallback, Count: 1, Oldest: begin.Add(3 * time.Minute)}}, counts); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func failureIsNoDeadLetterIfSomebodyWaited(t *testing.T, h Harness) {
	for id, source := range map[string]string{"run_chat": dispatch.FromChat, "run_cli": dispatch.FromTerminal, "run_api": dispatch.FromAPI} {
		if err := h.Store().Start(t.Context(), dispatch.NewRun{ID: id, Agent: "billing", Source: source, Owner: "key:desk", Prompt: "p"}); err != nil {
			t.Fatal(err)
		}
		ends(t, h, id, dispatch.Failed, bridge.ModelError, nil)
	}
	wantDead(t, h, dispatch.DeadFilter{}, "run_api")
	start(t, h, "run_1") // of source cli
	ends(t, h, "run_1", dispatch.Dead, bridge.ModelUnavailable, nil)
	wantDead(t, h, dispatch.DeadFilter{}, "run_api", "run_1")
}

func revive(id string) dispatch.Revival {
	return dispatch.Revival{ID: id, By: "ada", NewID: id + "_new"}
}

func replayedEventIsRoutedAgain(t *testing.T, h Harness) {
	unroutable(t, h, 1, dispatch.Faulty)
	claimEvents(t, h)
	h.Advance(time.Hour)
	drain(h.Store().Wake(dispatch.EventJob))
	id, err := h.Store().ReviveEvent(t.Context(), revive("evt_001"))
	if err != nil || id != "evt_001" {
		t.Fatalf("replaying it gave %q, %v", id, err)
	}
	<-h.Store().Wake(dispatch.EventJob) // hangs if nobody was told
	wantDead(t, h, dispatch.DeadFilter{})
	if got := claimEvents(t, h); len(got) != 1 || got[0].Replay != 1 || string(got[0].Body) != `{"n":1}` {
		t.Fatalf("due: %+v, want the event once more", got)
	}
	if _, err := h.Store().ReviveEvent(t.Context(), revive("evt_001")); !errors.Is(err, dispatch.ErrNotDead) {
		t.Errorf("replaying it again gave %v, want ErrNotDead", err)
	}
	reroute(t, h, "evt_001", dispatch.Faulty)
	wantDead(t, h, dispatch.DeadFilter{Since: h.Now()}, "evt_001") // it died again, and now
	if _, err := h.Store().ReviveEvent(t.Context(), revive("evt_009")); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("replaying what is not there gave %v, want ErrNotFound", err)
	}
}

func editedEventLeavesTheOriginal(t *testing.T, h Harness) {
	unroutable(t, h, 1, dispatch.Faulty)
	r := revive("evt_001")
	r.Body = []byte(`{"n":"one"}`)
	if id, err := h.Store().ReviveEvent(t.Context(), r); err != nil || id != "evt_001_new" {
		t.Fatalf("replaying it edited gave %q, %v", id, err)
	}
	wantDead(t, h, dispatch.DeadFilter{})
	original, err := h.Store().Event(t.Context(), "evt_001")
	if err != nil || string(original.Body) != `{"n":1}` || original.Status != dispatch.Faulty || original.Successor != "evt_001_new" || original.EditedBy != "" {
		t.Errorf("the original is %+v (%v), want it as it was, with its successor", original, err)
	}
	edited := claimEvents(t, h)
	if len(edited) != 1 || string(edited[0].Body) != `{"n":"one"}` || edited[0].EditedFrom != "evt_001" || edited[0].EditedBy != "ada" || edited[0].Key != "key_001" {
		t.Fatalf("due: %+v, want the copy, marked", edited)
	}
	again := event(h, 1)
	again.ID = "evt_again"
	if receipt, err := acceptOne(t.Context(), h.Store(), again); err != nil || receipt.ID != "evt_001" || !receipt.Duplicate {
		t.Errorf("the delivery sent again is %+v (%v), want a duplicate of the original", receipt, err)
	}
	reroute(t, h, "evt_001_new", dispatch.Faulty)
	wantDead(t, h, dispatch.DeadFilter{}, "evt_001_new")
}

func replayedRunIsAnotherRun(t *testing.T, h Harness) {
	routed(t, h, 1, func(r *dispatch.NewRun) {
		r.Subject, r.Budget, r.Metadata = "cus_1", bridge.Budget{Turns: 3}, map[string]string{"order": "7"}
	})
	ends(t, h, "run_1", dispatch.Dead, bridge.ModelUnavailable, nil)
	prompt := "see to it otherwise"
	r := revive("run_1")
	r.Prompt = &prompt
	if id, err := h.Store().ReviveRun(t.Context(), r); err != nil || id != "run_1_new" {
		t.Fatalf("replaying it gave %q, %v", id, err)
	}
	wantDead(t, h, dispatch.DeadFilter{})
	got := claim(t, h)
	if len(got) != 1 {
		t.Fatalf("%d runs are due, want the new one", len(got))
	}
	run := got[0].Run
	if run.ID != "run_1_new" || run.Prompt != prompt || run.Event != "evt_001" || run.Via != "shop" || run.Replay != 1 || !run.Tainted || run.Route != "shop" ||
		run.Subject != "cus_1" || run.Budget.Turns != 3 || run.Metadata["order"] != "7" || run.SuccessorOf != "run_1" || run.EditedBy != "ada" {
		t.Errorf("the new run is %+v", run)
	}
	if old, err := h.Store().Run(t.Context(), "run_1"); err != nil || old.State != dispatch.Dead || old.Successor != "run_1_new" || old.Dead || old.Prompt != "see to 1" {
		t.Errorf("the old run is %+v (%v), want it as it was, with its successor", old, err)
	}
	if entries, err := h.Store().Entries(t.Context(), "run_1_new"); err != nil || len(entries) != 0 {
		t.Errorf("the new run has %d entries of a journal (%v), want none", len(entries), err)
	}
	// An event routed again afterwards counts on.
	if err := h.Store().Finish(t.Context(), got[0].Lease, dispatch.Ending{State: dispatch.Dead, At: h.Now()}); err != nil {
		t.Fatal(err)
	}
	wantDead(t, h, dispatch.DeadFilter{}, "run_1_new")
	r = revive("run_1_new")
	if _, err := h.Store().ReviveRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if third, err := h.Store().Run(t.Context(), r.NewID); err != nil || third.Replay != 2 || third.EditedBy != "" || third.Prompt != prompt {
		t.Errorf("the third is %+v (%v)", third, err)
	}
}

func deadRunReplayedAtOnceIsReplayedOnce(t *testing.T, h Harness) {
	routed(t, h, 1)
	ends(t, h, "run_1", dispatch.Dead, bridge.ModelUnavailable, nil)
	var mu sync.Mutex
	done := 0
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			r := dispatch.Revival{ID: "run_1", By: "ada", NewID: fmt.Sprint("run_new_", i)}
			var err error
			if i%2 == 0 {
				_, err = h.Store().ReviveRun(t.Context(), r)
			} else {
				err = h.Store().ResumeRun(t.Context(), r)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			}
		})
	}
	all.Wait()
	if runs := claim(t, h); done != 1 || len(runs) != 1 {
		t.Errorf("%d had it go on and %d runs are due, want 1 and 1", done, len(runs))
	}
}

func resumedRunGoesOn(t *testing.T, h Harness) {
	routed(t, h, 1)
	c := carried(t, h, "run_1")
	if err := h.Store().Park(t.Context(), c.Lease, h.Now(), "model_unavailable", 7); err != nil {
		t.Fatal(err)
	}
	c = claim(t, h)[0]
	if err := h.Store().Finish(t.Context(), c.Lease, dispatch.Ending{State: dispatch.Dead, At: h.Now(), Outcome: bridge.Outcome{Status: bridge.Failed, Reason: "model_unavailable"}}); err != nil {
		t.Fatal(err)
	}
	wantDead(t, h, dispatch.DeadFilter{}, "run_1")
	drain(h.Store().Wake(dispatch.RunJob))
	if err := h.Store().ResumeRun(t.Context(), revive("run_1")); err != nil {
		t.Fatal(err)
	}
	<-h.Store().Wake(dispatch.RunJob)
	wantDead(t, h, dispatch.DeadFilter{})
	runs := claim(t, h)
	if len(runs) != 1 || runs[0].Run.ID != "run_1" || runs[0].Run.Attempts != 0 || runs[0].Lease.Epoch <= c.Lease.Epoch || !runs[0].Run.FinishedAt.IsZero() || runs[0].Run.Answer != "" {
		t.Fatalf("due: %+v, want the run under a new epoch, its faults forgotten", runs)
	}
	entries, err := h.Store().Entries(t.Context(), "run_1")
	if err != nil || len(entries) != 3 || entries[2].Kind != bridge.EntryResume {
		t.Errorf("the journal is %+v (%v), want it to go on behind its outcome", entries, err)
	}
	if err := h.Store().Append(t.Context(), runs[0].Lease, entry(4)); err != nil {
		t.Errorf("its worker cannot write: %v", err)
	}
	if err := h.Store().ResumeRun(t.Context(), revive("run_1")); !errors.Is(err, dispatch.ErrNotDead) {
		t.Errorf("resuming a run that goes on gave %v, want ErrNotDead", err)
	}
}

func resumedRunOvertakesNobody(t *testing.T, h Harness) {
	ofSubject := func(r *dispatch.NewRun) { r.Subject = "cus_1" }
	routed(t, h, 1, ofSubject)
	ends(t, h, "run_1", dispatch.Dead, bridge.ModelUnavailable, nil)
	routed(t, h, 2, ofSubject)
	second := carried(t, h, "run_2")
	if err := h.Store().ResumeRun(t.Context(), revive("run_1")); err != nil {
		t.Fatal(err)
	}
	if runs := claim(t, h); len(runs) != 0 {
		t.Fatalf("%s is due beside another run of its subject", runs[0].Run.ID)
	}
	if err := h.Store().Finish(t.Context(), second.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now()}); err != nil {
		t.Fatal(err)
	}
	if runs := claim(t, h); len(runs) != 1 || runs[0].Run.ID != "run_1" {
		t.Errorf("due when the other has ended: %+v, want the resumed run", runs)
	}
}

func deletedEventIsStillADuplicate(t *testing.T, h Harness) {
	unroutable(t, h, 1, dispatch.Quarantined)
	if err := h.Store().DeleteDead(t.Context(), revive("evt_001")); err != nil {
		t.Fatal(err)
	}
	wantDead(t, h, dispatch.DeadFilter{})
	e, err := h.Store().Event(t.Context(), "evt_001")
	if err != nil || e.Status != dispatch.Deleted || len(e.Body)+len(e.Headers) != 0 || e.EmptiedAt.IsZero() || e.Note != "deleted by ada" {
		t.Errorf("what is left is %+v (%v), want the bare row", e, err)
	}
	again := event(h, 1)
	again.ID = "evt_again"
	if receipt, err := acceptOne(t.Context(), h.Store(), again); err != nil || !receipt.Duplicate {
		t.Errorf("sent again it is %+v (%v), want a duplicate", receipt, err)
	}
	if err := h.Store().DeleteDead(t.Context(), revive("evt_001")); !errors.Is(err, dispatch.ErrNotDead) {
		t.Errorf("deleting it twice gave %v, want ErrNotDead", err)
	}
}

func deletedRunIsGone(t *testing.T, h Harness) {
	routed(t, h, 1)
	ends(t, h, "run_1", dispatch.Dead, bridge.ModelUnavailable, owed(h, 1))
	attempted(t, h, "msg_1", dispatch.Delivered)
	if err := h.Store().DeleteDead(t.Context(), revive("run_1")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Store().Run(t.Context(), "run_1"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("a deleted run gave %v, want ErrNotFound", err)
	}
	entries, err := h.Store().Entries(t.Context(), "run_1")
	callbacks, err2 := h.Store().Callbacks(t.Context(), "run_1")
	if err != nil || err2 != nil || len(entries)+len(callbacks) != 0 {
		t.Errorf("%d entries and %d callbacks are left (%v, %v)", len(entries), len(callbacks), err, err2)
	}
}

func deletedRunStaysBareForItsCallback(t *testing.T, h Harness) {
	routed(t, h, 1)
	ends(t, h, "run_1", dispatch.Dead, bridge.ModelUnavailable, owed(h, 1))
	attempted(t, h, "msg_1", dispatch.Undelivered)
	if err := h.Store().DeleteDead(t.Context(), revive("run_1")); err != nil {
		t.Fatal(err)
	}
	run, err := h.Store().Run(t.Context(), "run_1")
	entries, err2 := h.Store().Entries(t.Context(), "run_1")
	if err != nil || err2 != nil || run.Prompt+run.Answer != "" || run.EmptiedAt.IsZero() || len(entries) != 0 {
		t.Errorf("what is left is %+v with %d entries (%v, %v), want a bare run", run, len(entries), err, err2)
	}
	wantDead(t, h, dispatch.DeadFilter{}, "msg_1")
	if err := h.Store().DeleteDead(t.Context(), revive("msg_1")); err != nil {
		t.Fatal(err)
	}
	sweep(t, h, forever)
	if _, err := h.Store().Run(t.Context(), "run_1"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("without its callback the bare run gave %v, want ErrNotFound", err)
	}
}
