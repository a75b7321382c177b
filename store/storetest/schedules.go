package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/dispatch"
)

// planned is a schedule that is due every hour of the harness's clock.
func planned(h Harness, name string) dispatch.PlannedSchedule {
	return dispatch.PlannedSchedule{Name: name, Spec: "every 1h", Agent: "billing", Prompt: "do it", From: h.Now(), Next: h.Now().Add(time.Hour)}
}

func plan(t *testing.T, h Harness, all ...dispatch.PlannedSchedule) {
	t.Helper()
	if err := h.Store().PlanSchedules(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

// due claims the schedules whose time has come, and gives their names.
func due(t *testing.T, h Harness) []dispatch.StoredSchedule {
	t.Helper()
	all, err := h.Store().ClaimSchedules(t.Context(), 100, lease)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func names(all []dispatch.StoredSchedule) []string {
	out := []string{}
	for _, s := range all {
		out = append(out, s.Name)
	}
	return out
}

func scheduled(t *testing.T, h Harness, name string) dispatch.StoredSchedule {
	t.Helper()
	s, err := h.Store().Schedule(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stepOf deals with the next time of a schedule by a run.
func stepOf(s dispatch.StoredSchedule, run string, overlap dispatch.Overlap) dispatch.ScheduleStep {
	return dispatch.ScheduleStep{Schedule: s.Name, Since: s.Since, Next: s.Next.Add(time.Hour), Overlap: overlap,
		Tick: dispatch.Tick{Schedule: s.Name, At: s.Next, Outcome: dispatch.TickStarted},
		Run:  &dispatch.NewRun{ID: run, Agent: "billing", Source: "schedule/" + s.Name, Via: s.Name, Subject: "schedule/" + s.Name, Prompt: "do it"}}
}

func advance(t *testing.T, h Harness, step dispatch.ScheduleStep) dispatch.Tick {
	t.Helper()
	tick, err := h.Store().Advance(t.Context(), step)
	if err != nil {
		t.Fatal(err)
	}
	return tick
}

func timeBecomesOneRun(t *testing.T, h Harness) {
	plan(t, h, planned(h, "hourly"))
	if got := due(t, h); len(got) != 0 {
		t.Fatalf("%q are due before their time", names(got))
	}
	h.Advance(time.Hour)
	claimed := due(t, h)
	if diff := cmp.Diff([]string{"hourly"}, names(claimed)); diff != "" {
		t.Fatalf("due (-want +got):\n%s", diff)
	}
	if got := due(t, h); len(got) != 0 {
		t.Errorf("%q are claimed twice", names(got))
	}
	step := stepOf(claimed[0], "run_1", dispatch.OverlapSkip)
	want := dispatch.Tick{Schedule: "hourly", At: h.Now(), Outcome: dispatch.TickStarted, Run: "run_1"}
	if diff := cmp.Diff(want, advance(t, h, step)); diff != "" {
		t.Errorf("tick (-want +got):\n%s", diff)
	}
	step.Run.ID = "run_2"
	if _, err := h.Store().Advance(t.Context(), step); !errors.Is(err, dispatch.ErrEnded) {
		t.Errorf("dealing with it again gave %v, want ErrEnded", err)
	}
	runs := claim(t, h)
	if len(runs) != 1 || runs[0].Run.ID != "run_1" || runs[0].Run.Source != "schedule/hourly" || runs[0].Run.Subject != "schedule/hourly" {
		t.Errorf("the runs are %+v", runs)
	}
	after := scheduled(t, h, "hourly")
	if !after.Since.Equal(h.Now()) || !after.LastTick.Equal(h.Now()) || !after.Next.Equal(h.Now().Add(time.Hour)) {
		t.Errorf("it stands at %+v", after)
	}
	if at, found, err := h.Store().NextDue(t.Context(), dispatch.ScheduleJob); err != nil || !found || !at.Equal(after.Next) {
		t.Errorf("it is due at %v, %v (%v)", at, found, err)
	}
	want.State = dispatch.Running
	ticks, err := h.Store().Ticks(t.Context(), "hourly", 10)
	if diff := cmp.Diff([]dispatch.Tick{want}, ticks); diff != "" || err != nil {
		t.Errorf("%v; ticks (-want +got):\n%s", err, diff)
	}
}

// The clock was set back, and the schedule planned anew from there: a time that was dealt
// with comes again, makes no second run, and does not hold up those behind it.
func timeThatComesTwiceIsDealtWithOnce(t *testing.T, h Harness) {
	step := func(run string) dispatch.ScheduleStep {
		step := stepOf(due(t, h)[0], run, dispatch.OverlapParallel)
		step.Run.Subject = ""
		return step
	}
	back := planned(h, "hourly")
	back.Spec = "cron 0 * * * * (UTC)"
	plan(t, h, planned(h, "hourly"))
	h.Advance(time.Hour)
	advance(t, h, step("run_1"))
	plan(t, h, back)
	again := advance(t, h, step("run_2"))
	if again.Outcome != dispatch.TickSkipped || again.Run != "" || again.Note == "" {
		t.Errorf("the time came again as %+v", again)
	}
	h.Advance(time.Hour)
	if next := advance(t, h, step("run_3")); next.Run != "run_3" {
		t.Errorf("the next time is %+v", next)
	}
	if _, got := taken(t, h); got != "1 3" {
		t.Errorf("the runs are %q, want 1 and 3", got)
	}
}

func timeIsNotHalfDealtWith(t *testing.T, h Harness) {
	plan(t, h, planned(h, "hourly"))
	start(t, h, "run_1")
	h.Advance(time.Hour)
	claimed := due(t, h)
	step := stepOf(claimed[0], "run_1", dispatch.OverlapSkip) // an id that is taken
	if _, err := h.Store().Advance(t.Context(), step); err == nil {
		t.Fatal("two runs have one id")
	}
	if s := scheduled(t, h, "hourly"); !s.Since.Equal(claimed[0].Since) || !s.LastTick.IsZero() {
		t.Errorf("it has moved on to %+v", s)
	}
	h.Restart(t) // the worker is gone
	if diff := cmp.Diff([]string{"hourly"}, names(due(t, h))); diff != "" {
		t.Errorf("due after a restart (-want +got):\n%s", diff)
	}
	step.Run.ID = "run_2"
	advance(t, h, step)
	if runs := claim(t, h); len(runs) != 2 {
		t.Errorf("%d runs", len(runs))
	}
}

func concurrentStepsMakeOneRun(t *testing.T, h Harness) {
	plan(t, h, planned(h, "hourly"))
	h.Advance(time.Hour)
	s := due(t, h)[0]
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			if _, err := h.Store().Advance(t.Context(), stepOf(s, fmt.Sprintf("run_%02d", i), dispatch.OverlapParallel)); err != nil && !errors.Is(err, dispatch.ErrEnded) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if runs := claim(t, h); len(runs) != 1 {
		t.Errorf("%d runs came of one time", len(runs))
	}
}

func overlapLeavesOutOrQueues(t *testing.T, h Harness) {
	plan(t, h, planned(h, "hourly"))
	for i, c := range []struct {
		overlap dispatch.Overlap
		want    dispatch.TickOutcome
	}{
		{dispatch.OverlapSkip, dispatch.TickStarted},
		{dispatch.OverlapSkip, dispatch.TickSkipped},
		{dispatch.OverlapQueue, dispatch.TickStarted},
		{dispatch.OverlapParallel, dispatch.TickStarted}, // behind the others of its subject, as it names one
	} {
		h.Advance(time.Hour)
		tick := advance(t, h, stepOf(due(t, h)[0], fmt.Sprintf("run_%d", i), c.overlap))
		if tick.Outcome != c.want || (tick.Run != "") != (c.want == dispatch.TickStarted) || (tick.Note != "") != (c.want == dispatch.TickSkipped) {
			t.Errorf("time %d became %+v, want %s", i, tick, c.want)
		}
		// The first one's lease has run out by now; nobody else may begin.
		if runs := claim(t, h); len(runs) != 1 || runs[0].Run.ID != "run_0" {
			t.Errorf("time %d: %+v may begin, want run_0", i, runs)
		}
	}
	if ticks, err := h.Store().Ticks(t.Context(), "hourly", 2); err != nil || len(ticks) != 2 || ticks[0].Run != "run_3" || ticks[1].Run != "run_2" {
		t.Errorf("the last times are %+v (%v)", ticks, err)
	}
}

func plannedAgainGoesOnOrAnew(t *testing.T, h Harness) {
	p := planned(h, "hourly")
	plan(t, h, p)
	first := p.Next
	h.Advance(10 * time.Minute)
	again := planned(h, "hourly")
	again.Prompt, again.Agent = "else", "desk"
	plan(t, h, again)
	if s := scheduled(t, h, "hourly"); !s.Next.Equal(first) || s.Prompt != "else" || s.Agent != "desk" || !s.Listed {
		t.Errorf("planned again it is %+v", s)
	}
	again.Spec = "every 1h, otherwise"
	plan(t, h, again)
	if s := scheduled(t, h, "hourly"); !s.Next.Equal(again.Next) || !s.Since.Equal(h.Now()) {
		t.Errorf("planned anew it is %+v", s)
	}
	plan(t, h) // it is taken out
	h.Advance(2 * time.Hour)
	if got := due(t, h); len(got) != 0 {
		t.Errorf("%q are due that the settings do not name", names(got))
	}
	if s := scheduled(t, h, "hourly"); s.Listed || !s.Dormant() {
		t.Errorf("taken out it is %+v", s)
	}
	back := planned(h, "hourly")
	back.Spec = again.Spec
	plan(t, h, back)
	if s := scheduled(t, h, "hourly"); !s.Next.Equal(back.Next) || !s.Listed {
		t.Errorf("put back it is %+v", s)
	}
	back.Paused = true
	plan(t, h, back)
	h.Advance(2 * time.Hour)
	if got := due(t, h); len(got) != 0 {
		t.Errorf("%q are due that the settings pause", names(got))
	}
	resumed := planned(h, "hourly")
	resumed.Spec = again.Spec
	plan(t, h, resumed)
	if s := scheduled(t, h, "hourly"); !s.Next.Equal(resumed.Next) || s.PausedBySettings {
		t.Errorf("not paused any more it is %+v", s)
	}
}

func pauseHoldsUntilResumed(t *testing.T, h Harness) {
	plan(t, h, planned(h, "hourly"))
	h.Advance(time.Hour)
	claimed := due(t, h)[0]
	if err := h.Store().PauseSchedule(t.Context(), "hourly"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Store().Advance(t.Context(), stepOf(claimed, "run_1", dispatch.OverlapSkip)); !errors.Is(err, dispatch.ErrEnded) {
		t.Errorf("a time of a paused schedule gave %v, want ErrEnded", err)
	}
	again := planned(h, "hourly")
	again.Spec = "otherwise" // settings do not end a person's pause
	plan(t, h, again)
	h.Restart(t)
	h.Advance(3 * time.Hour)
	if got := due(t, h); len(got) != 0 {
		t.Errorf("%q are due", names(got))
	}
	if err := h.Store().ResumeSchedule(t.Context(), "hourly", h.Now(), h.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	h.Advance(time.Minute)
	if got := due(t, h); len(got) != 1 || got[0].Paused || !got[0].Next.Equal(h.Now()) {
		t.Errorf("resumed it is %+v", got)
	}
	for _, act := range []error{
		h.Store().PauseSchedule(t.Context(), "none"),
		h.Store().ResumeSchedule(t.Context(), "none", h.Now(), h.Now()),
		h.Store().RunSchedule(t.Context(), "none", dispatch.NewRun{ID: "run_9", Agent: "billing", Source: "x", Prompt: "x"}),
		h.Store().DeleteSchedule(t.Context(), "none"),
	} {
		if !errors.Is(act, dispatch.ErrNotFound) {
			t.Errorf("of a schedule that is not there: %v", act)
		}
	}
}

func runNowLeavesThePlan(t *testing.T, h Harness) {
	plan(t, h, planned(h, "hourly"))
	before := scheduled(t, h, "hourly")
	h.Advance(time.Minute)
	run := dispatch.NewRun{ID: "run_1", Agent: "billing", Source: "schedule/hourly", Via: "hourly", Prompt: "do it"}
	if err := h.Store().RunSchedule(t.Context(), "hourly", run); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, scheduled(t, h, "hourly")); diff != "" {
		t.Errorf("the schedule (-before +after):\n%s", diff)
	}
	if runs := claim(t, h); len(runs) != 1 || runs[0].Run.ID != "run_1" {
		t.Errorf("the runs are %+v", runs)
	}
	ticks, err := h.Store().Ticks(t.Context(), "hourly", 10)
	if err != nil || len(ticks) != 1 || !ticks[0].Manual || ticks[0].Run != "run_1" || !ticks[0].At.Equal(h.Now()) {
		t.Errorf("the times are %+v (%v)", ticks, err)
	}
}

func onlyWhatSettingsDoNotNameIsDeleted(t *testing.T, h Harness) {
	plan(t, h, planned(h, "hourly"))
	if err := h.Store().DeleteSchedule(t.Context(), "hourly"); !errors.Is(err, dispatch.ErrListed) {
		t.Errorf("%v, want ErrListed", err)
	}
	plan(t, h)
	if err := h.Store().DeleteSchedule(t.Context(), "hourly"); err != nil {
		t.Fatal(err)
	}
	if all, err := h.Store().Schedules(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("there are %+v (%v)", all, err)
	}
}

func planningWakesWhoWaits(t *testing.T, h Harness) {
	plan(t, h, planned(h, "hourly"))
	select {
	case <-h.Store().Wake(dispatch.ScheduleJob):
	default:
		t.Error("nobody was woken")
	}
}

func queueAndMemoryOfTimesAreBounded(t *testing.T, h Harness) {
	plan(t, h, planned(h, "hourly"))
	const times, kept = 1010, 1000
	started := 0
	for i := range times {
		h.Advance(time.Hour)
		tick := advance(t, h, stepOf(scheduled(t, h, "hourly"), fmt.Sprintf("run_%04d", i), dispatch.OverlapQueue))
		if tick.Outcome == dispatch.TickStarted {
			started++
		}
	}
	if started != dispatch.MostQueued+1 { // the first does not wait
		t.Errorf("%d runs wait for each other, want %d", started, dispatch.MostQueued+1)
	}
	ticks, err := h.Store().Ticks(t.Context(), "hourly", times)
	if err != nil || len(ticks) != kept || !ticks[0].At.Equal(h.Now()) || ticks[0].Note != "101 runs of earlier times had not ended" {
		t.Errorf("%d times are kept (%v), the last of them %+v", len(ticks), err, ticks[0])
	}
}
