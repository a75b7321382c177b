package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/dispatch"
	"drawbridge/tools"
	"drawbridge/tools/schedule"
)

var followUpCases = map[string]func(*testing.T, Harness){
	"BecomeARunOfTheirAgent":     followUpBecomesARunOfItsAgent,
	"SameKeyIsTheSameFollowUp":   sameKeyIsTheSameFollowUp,
	"AreTheirAgentsAndOwnersOwn": followUpsAreTheirAgentsAndOwnersOwn,
	"AreBounded":                 followUpsAreBounded,
	"ChainEnds":                  chainOfFollowUpsEnds,
	"TaintIsHandedOn":            taintIsHandedOn,
	"ActForTheTriggerOfTheirRun": followUpsActForTheTriggerOfTheirRun,
	"PausedKeepTheirTime":        pausedFollowUpKeepsItsTime,
	"PersonEndsThem":             personEndsAFollowUp,
	"EndedAreForgottenInTime":    endedFollowUpsAreForgottenInTime,
}

// running adds a run of an agent that calls tools.
func running(t *testing.T, h Harness, run dispatch.NewRun) tools.Caller {
	t.Helper()
	run.Prompt = "do it"
	if run.Source == "" {
		run.Source = "cli"
	}
	if err := h.Store().Start(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	return tools.Caller{Agent: run.Agent, Run: run.ID}
}

func followUp(t *testing.T, h Harness, caller tools.Caller, in time.Duration) schedule.FollowUp {
	t.Helper()
	f, err := h.Store().AddFollowUp(t.Context(), caller, schedule.Plan{Prompt: "look again", In: in})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func followUpBecomesARunOfItsAgent(t *testing.T, h Harness) {
	caller := running(t, h, dispatch.NewRun{ID: "run_1", Agent: "billing", Owner: "key:desk"})
	caller.Tainted = true
	f := followUp(t, h, caller, time.Hour)
	if !f.At.Equal(h.Now().Add(time.Hour)) || f.Run != "run_1" || f.Prompt != "look again" || f.Status != schedule.Open {
		t.Errorf("the follow-up is %+v", f)
	}
	plan(t, h, planned(h, "other")) // settings know nothing of it
	h.Advance(time.Hour)
	claimed := due(t, h)
	if diff := cmp.Diff([]string{f.ID, "other"}, names(claimed)); diff != "" {
		t.Fatalf("due (-want +got):\n%s", diff)
	}
	s := claimed[0]
	want := dispatch.StoredSchedule{Name: f.ID, Spec: s.Spec, Agent: "billing", Prompt: "look again", Listed: true, Since: h.Now().Add(-time.Hour), Next: h.Now(),
		FollowUp: &dispatch.FollowUp{Owner: "key:desk", Run: "run_1", Tainted: true, Depth: 1, Created: h.Now().Add(-time.Hour)}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("the follow-up (-want +got):\n%s", diff)
	}
	run := s.FollowUpRun()
	advance(t, h, dispatch.ScheduleStep{Schedule: s.Name, Since: s.Since, Overlap: dispatch.OverlapParallel, Run: &run,
		Tick: dispatch.Tick{Schedule: s.Name, At: s.Next, Outcome: dispatch.TickStarted}})
	if got := scheduled(t, h, f.ID); got.Ended != "done" || !got.Next.IsZero() {
		t.Errorf("after its run it is %+v", got)
	}
	if at, found, err := h.Store().NextDue(t.Context(), dispatch.ScheduleJob); err != nil || !found || at.Equal(h.Now().Add(-time.Hour)) {
		t.Errorf("due next at %v, %v (%v)", at, found, err)
	}
	if list, err := h.Store().FollowUps(t.Context(), caller); err != nil || len(list) != 0 {
		t.Errorf("open still: %+v (%v)", list, err)
	}
	// Settings without it, as after a restart, leave a follow-up as it is.
	open := followUp(t, h, caller, time.Hour)
	h.Restart(t)
	plan(t, h)
	h.Advance(time.Hour)
	if diff := cmp.Diff([]string{open.ID}, names(due(t, h))); diff != "" {
		t.Errorf("due after a restart (-want +got):\n%s", diff)
	}
}

func sameKeyIsTheSameFollowUp(t *testing.T, h Harness) {
	caller := running(t, h, dispatch.NewRun{ID: "run_1", Agent: "billing"})
	ctx := tools.WithKey(t.Context(), "k1")
	plan := schedule.Plan{Prompt: "look again", At: h.Now().Add(time.Hour)}
	first, err := h.Store().AddFollowUp(ctx, caller, plan)
	if err != nil {
		t.Fatal(err)
	}
	h.Advance(2 * time.Hour) // its time has passed: that is no reason to refuse it now
	again, err := h.Store().AddFollowUp(ctx, caller, plan)
	if diff := cmp.Diff(first, again); diff != "" || err != nil {
		t.Errorf("%v; under the same key (-first +again):\n%s", err, diff)
	}
	if _, err := h.Store().AddFollowUp(tools.WithKey(t.Context(), "k2"), caller, plan); tools.CodeOf(err) != tools.Invalid {
		t.Errorf("a time that has passed gave %v", err)
	}
	if list, err := h.Store().FollowUps(t.Context(), caller); err != nil || len(list) != 1 {
		t.Errorf("there are %+v (%v)", list, err)
	}
	cancelled, err := h.Store().CancelFollowUp(tools.WithKey(t.Context(), "k3"), caller, first.ID)
	if err != nil || cancelled.Status != schedule.Cancelled {
		t.Fatalf("cancelling gave %+v (%v)", cancelled, err)
	}
	if again, err := h.Store().CancelFollowUp(tools.WithKey(t.Context(), "k3"), caller, first.ID); err != nil || again.Status != schedule.Cancelled {
		t.Errorf("cancelling under the same key gave %+v (%v)", again, err)
	}
	if _, err := h.Store().CancelFollowUp(t.Context(), caller, first.ID); tools.CodeOf(err) != tools.Conflict {
		t.Errorf("cancelling what is cancelled gave %v", err)
	}
	if got := due(t, h); len(got) != 0 {
		t.Errorf("%q are due that were cancelled", names(got))
	}
}

func followUpsAreTheirAgentsAndOwnersOwn(t *testing.T, h Harness) {
	mine := running(t, h, dispatch.NewRun{ID: "run_1", Agent: "billing", Owner: "key:desk"})
	later := running(t, h, dispatch.NewRun{ID: "run_2", Agent: "billing", Owner: "key:desk"})
	f := followUp(t, h, mine, time.Hour)
	for name, caller := range map[string]tools.Caller{
		"another owner": running(t, h, dispatch.NewRun{ID: "run_3", Agent: "billing", Owner: "key:other"}),
		"nobody":        running(t, h, dispatch.NewRun{ID: "run_4", Agent: "billing"}),
		"another agent": running(t, h, dispatch.NewRun{ID: "run_5", Agent: "desk", Owner: "key:desk"}),
	} {
		if list, err := h.Store().FollowUps(t.Context(), caller); err != nil || len(list) != 0 {
			t.Errorf("%s sees %+v (%v)", name, list, err)
		}
		if _, err := h.Store().CancelFollowUp(t.Context(), caller, f.ID); tools.CodeOf(err) != tools.NotFound {
			t.Errorf("%s cancelling it gave %v", name, err)
		}
	}
	// A run cannot say that it is another agent's.
	if _, err := h.Store().AddFollowUp(t.Context(), tools.Caller{Agent: "desk", Run: "run_1"}, schedule.Plan{Prompt: "x", In: time.Hour}); err == nil {
		t.Error("a run of billing had desk run")
	}
	list, err := h.Store().FollowUps(t.Context(), later)
	if diff := cmp.Diff([]schedule.FollowUp{f}, list); diff != "" || err != nil {
		t.Errorf("%v; a later run sees (-want +got):\n%s", err, diff)
	}
	plan(t, h, planned(h, "hourly"))
	if _, err := h.Store().CancelFollowUp(t.Context(), mine, "hourly"); tools.CodeOf(err) != tools.NotFound {
		t.Errorf("cancelling a schedule of the settings gave %v", err)
	}
}

func followUpsAreBounded(t *testing.T, h Harness) {
	caller := running(t, h, dispatch.NewRun{ID: "run_1", Agent: "billing"})
	for range schedule.MaxOpen {
		followUp(t, h, caller, time.Hour)
	}
	if _, err := h.Store().AddFollowUp(t.Context(), caller, schedule.Plan{Prompt: "x", In: time.Hour}); tools.CodeOf(err) != tools.Conflict {
		t.Errorf("one more than there may be gave %v", err)
	}
	other := running(t, h, dispatch.NewRun{ID: "run_2", Agent: "billing", Owner: "key:desk"})
	if _, err := h.Store().AddFollowUp(t.Context(), other, schedule.Plan{Prompt: "x", In: time.Hour}); err != nil {
		t.Errorf("another owner's gave %v", err)
	}
	if _, err := h.Store().AddFollowUp(t.Context(), other, schedule.Plan{Prompt: "x", In: schedule.MaxAhead + time.Hour}); tools.CodeOf(err) != tools.Invalid {
		t.Errorf("one too far ahead gave %v", err)
	}
}

func chainOfFollowUpsEnds(t *testing.T, h Harness) {
	caller := running(t, h, dispatch.NewRun{ID: "run_0", Agent: "billing"})
	for depth := 1; depth <= schedule.MaxDepth; depth++ {
		f := followUp(t, h, caller, time.Hour)
		if got := scheduled(t, h, f.ID).FollowUp.Depth; got != depth {
			t.Fatalf("follow-up %d has depth %d", depth, got)
		}
		caller = running(t, h, dispatch.NewRun{ID: fmt.Sprintf("run_%d", depth), Agent: "billing", Source: "schedule/" + f.ID})
	}
	if _, err := h.Store().AddFollowUp(t.Context(), caller, schedule.Plan{Prompt: "x", In: time.Hour}); tools.CodeOf(err) != tools.Conflict {
		t.Errorf("one more in the chain gave %v", err)
	}
	// A chain whose length nobody knows any more is at its end.
	orphan := running(t, h, dispatch.NewRun{ID: "run_x", Agent: "billing", Source: "schedule/followup_gone"})
	if _, err := h.Store().AddFollowUp(t.Context(), orphan, schedule.Plan{Prompt: "x", In: time.Hour}); tools.CodeOf(err) != tools.Conflict {
		t.Errorf("a run of a follow-up that is forgotten gave %v", err)
	}
}

func taintIsHandedOn(t *testing.T, h Harness) {
	clean := running(t, h, dispatch.NewRun{ID: "run_1", Agent: "billing"})
	read := clean
	read.Tainted = true // it read a mail on its way
	prompted := running(t, h, dispatch.NewRun{ID: "run_2", Agent: "billing", Tainted: true})
	for caller, want := range map[tools.Caller]bool{clean: false, read: true, prompted: true} {
		if got := scheduled(t, h, followUp(t, h, caller, time.Hour).ID).FollowUp.Tainted; got != want {
			t.Errorf("%+v: tainted %v", caller, got)
		}
	}
}

// What a source may not do it cannot have done another day: a follow-up is its trigger's.
func followUpsActForTheTriggerOfTheirRun(t *testing.T, h Harness) {
	for i, c := range []struct{ owner, source, want string }{
		{"key:desk", dispatch.FromChat, "key:desk"},
		{"", "shop", "webhook:shop"},
		{"", dispatch.FromSchedule + "nightly", "schedule:nightly"},
		{"", dispatch.FromTerminal, ""},
	} {
		caller := running(t, h, dispatch.NewRun{ID: fmt.Sprintf("run_%d", i+1), Agent: fmt.Sprintf("agent_%d", i), Owner: c.owner, Source: c.source})
		if got := scheduled(t, h, followUp(t, h, caller, time.Hour).ID).FollowUp.Owner; got != c.want {
			t.Errorf("a follow-up of a run of %q, from %q, is of %q, want %q", c.owner, c.source, got, c.want)
		}
		// Another run of the same trigger sees it.
		later := running(t, h, dispatch.NewRun{ID: fmt.Sprintf("run_%d_later", i+1), Agent: fmt.Sprintf("agent_%d", i), Owner: c.owner, Source: c.source})
		if list, err := h.Store().FollowUps(t.Context(), later); err != nil || len(list) != 1 {
			t.Errorf("a later run of %q, from %q, sees %+v (%v)", c.owner, c.source, list, err)
		}
	}
}

func pausedFollowUpKeepsItsTime(t *testing.T, h Harness) {
	caller := running(t, h, dispatch.NewRun{ID: "run_1", Agent: "billing"})
	f := followUp(t, h, caller, time.Hour)
	if err := h.Store().PauseSchedule(t.Context(), f.ID); err != nil {
		t.Fatal(err)
	}
	if list, err := h.Store().FollowUps(t.Context(), caller); err != nil || len(list) != 1 || list[0].Status != schedule.Paused {
		t.Errorf("paused it shows as %+v (%v)", list, err)
	}
	h.Advance(3 * time.Hour)
	if got := due(t, h); len(got) != 0 {
		t.Errorf("%q are due", names(got))
	}
	if err := h.Store().ResumeSchedule(t.Context(), f.ID, h.Now(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := due(t, h); len(got) != 1 || !got[0].Next.Equal(f.At) {
		t.Errorf("resumed late, %+v are due", got)
	}
}

func personEndsAFollowUp(t *testing.T, h Harness) {
	caller := running(t, h, dispatch.NewRun{ID: "run_1", Agent: "billing"})
	now, gone := followUp(t, h, caller, time.Hour), followUp(t, h, caller, 2*time.Hour)
	if err := h.Store().RunSchedule(t.Context(), now.ID, scheduled(t, h, now.ID).FollowUpRun()); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"run":    h.Store().RunSchedule(t.Context(), now.ID, dispatch.NewRun{ID: "run_2", Agent: "billing", Source: "x", Prompt: "x"}),
		"pause":  h.Store().PauseSchedule(t.Context(), now.ID),
		"resume": h.Store().ResumeSchedule(t.Context(), now.ID, h.Now(), h.Now()),
	} {
		if !errors.Is(err, dispatch.ErrEnded) {
			t.Errorf("%s of one that has run gave %v", name, err)
		}
	}
	if err := h.Store().DeleteSchedule(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	h.Advance(3 * time.Hour)
	if got := due(t, h); len(got) != 0 {
		t.Errorf("%q are due", names(got))
	}
	if _, err := h.Store().Schedule(t.Context(), gone.ID); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("deleted it gave %v", err)
	}
}

func endedFollowUpsAreForgottenInTime(t *testing.T, h Harness) {
	caller := running(t, h, dispatch.NewRun{ID: "run_1", Agent: "billing"})
	old := followUp(t, h, caller, time.Hour)
	if _, err := h.Store().CancelFollowUp(t.Context(), caller, old.ID); err != nil {
		t.Fatal(err)
	}
	h.Advance(100 * 24 * time.Hour)
	newer := followUp(t, h, caller, time.Hour)
	if _, err := h.Store().CancelFollowUp(t.Context(), caller, newer.ID); err != nil {
		t.Fatal(err)
	}
	all, err := h.Store().Schedules(t.Context())
	if diff := cmp.Diff([]string{newer.ID}, names(all)); diff != "" || err != nil {
		t.Errorf("%v; kept (-want +got):\n%s", err, diff)
	}
}
