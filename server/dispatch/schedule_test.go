package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/server/callback"
	"drawbridge/server/dispatch"
)

// The world's clock begins at 2027-01-15T08:00:00Z, a Friday.

// schedule has the world work by one schedule more, with what the test leaves out.
func (w *world) schedule(s dispatch.Schedule) *dispatch.Schedule {
	w.t.Helper()
	if s.Agent == "" {
		s.Agent = "desk"
	}
	if s.Prompt == "" {
		s.Prompt = "Look."
	}
	if s.CatchUp == "" {
		s.CatchUp = dispatch.CatchUpOne
	}
	if s.Overlap == "" {
		s.Overlap = dispatch.OverlapSkip
	}
	if s.Cron == "" && s.Every == 0 && s.At.IsZero() {
		s.Every = time.Hour
	}
	if err := s.Compile(); err != nil {
		w.t.Fatal(err)
	}
	w.settings.Schedules = map[string]*dispatch.Schedule{s.Name: &s}
	return &s
}

// hours is how a time of the world's first day reads.
func hours(t time.Time) string {
	return strings.TrimPrefix(t.UTC().Format("2006-01-02 15:04"), "2027-01-15 ")
}

// ticks are the dealt-with times of a schedule, the first one first: time, outcome, note.
func (w *world) ticks(name string) []string {
	w.t.Helper()
	ticks, err := w.store.Ticks(w.t.Context(), name, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	all := []string{}
	for _, tick := range ticks {
		line := strings.TrimSpace(hours(tick.At) + " " + string(tick.Outcome) + " " + tick.Note)
		all = append([]string{line}, all...)
		if (tick.Run != "") != (tick.Outcome == dispatch.TickStarted) {
			w.t.Errorf("the tick is %+v", tick)
		}
	}
	return all
}

func (w *world) stored(name string) dispatch.StoredSchedule {
	w.t.Helper()
	s, err := w.store.Schedule(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestTimeBecomesARun(t *testing.T) {
	w := newWorld(t)
	w.schedule(dispatch.Schedule{Name: "nightly", Cron: "30 8 * * *", Zone: "Asia/Kolkata", Priority: dispatch.High, Callback: true,
		Prompt: "{{.agent}} does {{.schedule}} of {{.tick}}, a {{.tick.Weekday}}, as {{.id}}."})
	w.settings.Targets["schedule/nightly"] = dispatch.Target{URL: w.settings.Targets["shop"].URL, Secrets: []callback.Secret{{Text: secret}}, Schedule: callback.Schedule{0}}
	w.until("schedules planned")
	if next := w.stored("nightly").Next; !next.Equal(time.Date(2027, 1, 16, 3, 0, 0, 0, time.UTC)) {
		t.Fatalf("it is due at %v", next)
	}
	w.pass(19 * time.Hour)
	w.until("tick started", "run succeeded", "callback delivered")
	run := w.onlyRun()
	if want := "desk does nightly of 2027-01-16T08:30:00+05:30, a Saturday, as " + run.ID + "."; run.Prompt != want {
		t.Errorf("the prompt is %q, want %q", run.Prompt, want)
	}
	if run.Source != "schedule/nightly" || run.Via != "nightly" || run.Event != "" || run.Owner != "" || run.Tainted || run.Priority != dispatch.High {
		t.Errorf("the run is %+v", run)
	}
	if kind, said := w.report(w.received[0]); kind != "run.succeeded" || said.Source != "schedule/nightly" || said.Run != run.ID {
		t.Errorf("the callback is of type %q and says %+v", kind, said)
	}
	if diff := cmp.Diff([]string{"2027-01-16 03:00 started"}, w.ticks("nightly")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := w.stored("nightly"); !s.LastTick.Equal(w.clock()) || !s.Next.Equal(w.clock().Add(24*time.Hour)) {
		t.Errorf("it stands at %+v", s)
	}
}

func TestRUN11_TimesThatPassWhileStopped(t *testing.T) {
	for catchUp, c := range map[dispatch.CatchUp]struct{ told, ticks []string }{
		dispatch.CatchUpSkip: {[]string{"tick missed"}, []string{"11:00 missed it and times before it passed while nobody served"}},
		dispatch.CatchUpOne:  {[]string{"tick started", "run succeeded"}, []string{"11:00 started made up for at 2027-01-15T11:30:00Z; times before it were missed"}},
		dispatch.CatchUpAll: {[]string{"tick started", "tick started", "tick started", "run succeeded", "run succeeded", "run succeeded"}, []string{
			"09:00 started made up for at 2027-01-15T11:30:00Z", "10:00 started made up for at 2027-01-15T11:30:00Z", "11:00 started made up for at 2027-01-15T11:30:00Z"}},
	} {
		t.Run(string(catchUp), func(t *testing.T) {
			w := newWorld(t)
			w.schedule(dispatch.Schedule{Name: "hourly", CatchUp: catchUp})
			w.until("schedules planned")
			w.pass(3*time.Hour + 30*time.Minute)
			w.until(c.told...)
			if diff := cmp.Diff(c.ticks, w.ticks("hourly")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if next := hours(w.stored("hourly").Next); next != "12:00" {
				t.Errorf("it is due at %s", next)
			}
			// Whatever was missed, the next one comes, once.
			w.pass(30 * time.Minute)
			w.until("tick started", "run succeeded")
			if diff := cmp.Diff(append(c.ticks, "12:00 started"), w.ticks("hourly")); diff != "" {
				t.Errorf("at the next one (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRUN11_StopRightOverATimeMissesItToo(t *testing.T) {
	w := newWorld(t)
	w.schedule(dispatch.Schedule{Name: "hourly", CatchUp: dispatch.CatchUpSkip})
	w.until("schedules planned")
	w.pass(time.Hour + time.Second)
	w.until("tick missed")
	if diff := cmp.Diff([]string{"09:00 missed it passed while nobody served"}, w.ticks("hourly")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRUN11_OnlySoManyAreMadeUpFor(t *testing.T) {
	w := newWorld(t)
	w.schedule(dispatch.Schedule{Name: "hourly", CatchUp: dispatch.CatchUpAll, Agent: "gone", Overlap: dispatch.OverlapQueue})
	w.until("schedules planned")
	w.pass(30*24*time.Hour + time.Minute)
	told := make([]string, dispatch.MostCaughtUp)
	for i := range told {
		told[i] = "tick started"
	}
	w.until(told...)
	ticks := w.ticks("hourly")
	if len(ticks) != dispatch.MostCaughtUp || !strings.HasSuffix(ticks[0], "times before it were missed") || !strings.HasPrefix(ticks[99], "2027-02-14 08:00 started") {
		t.Errorf("%d times: %q to %q", len(ticks), ticks[0], ticks[len(ticks)-1])
	}
}

func TestOverlapIsAsItsScheduleSays(t *testing.T) {
	for overlap, want := range map[dispatch.Overlap]struct {
		ticks []string
		gates []dispatch.Gate
	}{
		dispatch.OverlapSkip:     {[]string{"09:00 started", "10:00 skipped the run of an earlier time had not ended"}, []dispatch.Gate{dispatch.Open}},
		dispatch.OverlapQueue:    {[]string{"09:00 started", "10:00 started"}, []dispatch.Gate{dispatch.Open, dispatch.SubjectGate}},
		dispatch.OverlapParallel: {[]string{"09:00 started", "10:00 started"}, []dispatch.Gate{dispatch.Open, dispatch.Open}},
	} {
		t.Run(string(overlap), func(t *testing.T) {
			w := newWorld(t)
			w.schedule(dispatch.Schedule{Name: "hourly", Overlap: overlap, Agent: "gone"}) // no run of it ends
			w.until("schedules planned")
			for _, line := range want.ticks {
				w.pass(time.Hour)
				w.until("tick " + strings.Fields(line)[1])
			}
			if diff := cmp.Diff(want.ticks, w.ticks("hourly")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want.gates, w.gates()); diff != "" {
				t.Errorf("gates (-want +got):\n%s", diff)
			}
			// When the earlier run has ended, nothing stands against the next.
			runs, err := w.store.Runs(t.Context(), "", 10)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.store.RequestCancel(t.Context(), runs[len(runs)-1].ID, "test"); err != nil {
				t.Fatal(err)
			}
			if overlap == dispatch.OverlapQueue {
				if diff := cmp.Diff([]dispatch.Gate{dispatch.Open, dispatch.Open}, w.gates()); diff != "" {
					t.Errorf("gates after the first ended (-want +got):\n%s", diff)
				}
				return
			}
			w.pass(time.Hour)
			w.until("tick started")
		})
	}
}

// gates are where the runs stand, the first one first.
func (w *world) gates() []dispatch.Gate {
	w.t.Helper()
	runs, err := w.store.Runs(w.t.Context(), "", 10)
	if err != nil {
		w.t.Fatal(err)
	}
	var gates []dispatch.Gate
	for _, run := range runs {
		gates = append([]dispatch.Gate{run.Gate}, gates...)
	}
	return gates
}

func TestMadeUpForRunOneAfterAnother(t *testing.T) {
	w := newWorld(t)
	w.schedule(dispatch.Schedule{Name: "hourly", CatchUp: dispatch.CatchUpAll, Overlap: dispatch.OverlapSkip, Agent: "gone"})
	w.until("schedules planned")
	w.pass(2*time.Hour + 30*time.Minute)
	w.until("tick started", "tick started")
	if diff := cmp.Diff([]dispatch.Gate{dispatch.Open, dispatch.SubjectGate}, w.gates()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPausedScheduleLetsItsTimesPass(t *testing.T) {
	w := newWorld(t)
	s := w.schedule(dispatch.Schedule{Name: "hourly"})
	w.until("schedules planned")
	if err := w.store.PauseSchedule(t.Context(), "hourly"); err != nil {
		t.Fatal(err)
	}
	w.pass(5*time.Hour + 30*time.Minute)
	w.until("schedules planned")
	if err := w.store.ResumeSchedule(t.Context(), "hourly", w.clock(), s.Next(w.clock())); err != nil {
		t.Fatal(err)
	}
	w.pass(30 * time.Minute)
	w.until("tick started", "run succeeded")
	if diff := cmp.Diff([]string{"14:00 started"}, w.ticks("hourly")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSettingsPauseAndPlanAnew(t *testing.T) {
	w := newWorld(t)
	w.schedule(dispatch.Schedule{Name: "daily", Every: 24 * time.Hour})
	w.until("schedules planned")
	for _, step := range []struct {
		name   string
		change func()
		next   string
		listed bool
	}{
		{"the same", func() {}, "2027-01-16 00:00", true},
		{"another prompt", func() { w.schedule(dispatch.Schedule{Name: "daily", Every: 24 * time.Hour, Prompt: "Else."}) }, "2027-01-16 00:00", true},
		{"another interval", func() { w.schedule(dispatch.Schedule{Name: "daily", Every: time.Hour}) }, "09:00", true},
		{"a cron", func() { w.schedule(dispatch.Schedule{Name: "daily", Cron: "0 12 * * *"}) }, "12:00", true},
		{"the same in another zone", func() { w.schedule(dispatch.Schedule{Name: "daily", Cron: "0 12 * * *", Zone: "America/New_York"}) }, "17:00", true},
		{"taken out", func() { w.settings.Schedules = nil; w.schedule(dispatch.Schedule{Name: "other"}) }, "17:00", false},
	} {
		step.change()
		w.until("schedules planned")
		if s := w.stored("daily"); hours(s.Next) != step.next || s.Listed != step.listed {
			t.Errorf("%s: it is due at %s, listed %v; want %s, %v", step.name, hours(s.Next), s.Listed, step.next, step.listed)
		}
	}
	// What it missed while it was taken out, or paused, is not made up for.
	w.pass(48 * time.Hour)
	w.schedule(dispatch.Schedule{Name: "daily", Cron: "0 12 * * *", Zone: "America/New_York", Paused: true})
	w.until("schedules planned")
	w.pass(48 * time.Hour)
	w.schedule(dispatch.Schedule{Name: "daily", Cron: "0 12 * * *", Zone: "America/New_York"})
	w.until("schedules planned")
	if s := w.stored("daily"); hours(s.Next) != "2027-01-19 17:00" || len(w.ticks("daily")) != 0 {
		t.Errorf("it is due at %s, after %q", hours(s.Next), w.ticks("daily"))
	}
}

func TestOneOffComesOnceAndAPastOneNever(t *testing.T) {
	w := newWorld(t)
	w.schedule(dispatch.Schedule{Name: "closing", At: w.clock().Add(time.Hour)})
	w.until("schedules planned")
	w.pass(3 * time.Hour)
	w.until("tick started", "run succeeded")
	if s := w.stored("closing"); !s.Next.IsZero() {
		t.Errorf("it is due again at %v", s.Next)
	}
	w.schedule(dispatch.Schedule{Name: "gone", At: w.clock().Add(-time.Hour)})
	w.until("schedules planned")
	if _, found, err := w.store.NextDue(t.Context(), dispatch.ScheduleJob); found || err != nil {
		t.Errorf("something is due (%v)", err)
	}
}

func TestPromptThatFailsAtATimeIsNoted(t *testing.T) {
	w := newWorld(t)
	w.schedule(dispatch.Schedule{Name: "hourly", Prompt: `{{if eq .tick.Hour 9}}{{index "abc" 7}}{{end}}Look.`})
	w.until("schedules planned")
	w.pass(time.Hour)
	w.until("tick failed")
	w.pass(time.Hour)
	w.until("tick started", "run succeeded")
	ticks := w.ticks("hourly")
	if len(ticks) != 2 || !strings.HasPrefix(ticks[0], "09:00 failed prompt: ") || !strings.Contains(ticks[0], "index out of range: 7") {
		t.Errorf("%q", ticks)
	}
}

func TestWrongScheduleIsLocated(t *testing.T) {
	for name, c := range map[string]struct {
		schedule dispatch.Schedule
		want     string
	}{
		"cron":            {dispatch.Schedule{Cron: "0 2 30 2 *"}, "cron: line 1, column 5: day 30 never comes in month 2"},
		"zone":            {dispatch.Schedule{Cron: "0 2 * * *", Zone: "Europe/Berln"}, "zone: line 1, column 1: unknown time zone Europe/Berln"},
		"prompt is open":  {dispatch.Schedule{Every: time.Hour, Prompt: "a\n {{.tick"}, "prompt: line 2, column 2: unclosed action"},
		"prompt's name":   {dispatch.Schedule{Every: time.Hour, Prompt: "Look at\nthe {{.event.id}}"}, `prompt: line 2, column 7: map has no entry for key "event"; a prompt has .schedule, .tick, .id and .agent`},
		"prompt's method": {dispatch.Schedule{Every: time.Hour, Prompt: "{{.tick.Noon}}"}, `prompt: line 1, column 8: can't evaluate field Noon in type interface {}; a prompt has .schedule, .tick, .id and .agent`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.schedule.Compile(); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestScheduledRunOfAnOwnerWaitsForTheNextDay(t *testing.T) {
	// Nobody waits for its next word.
	if run := (dispatch.Run{Owner: "key:desk", Source: "schedule/followup_1"}); run.Talked() {
		t.Error("it counts as a conversation")
	}
	if run := (dispatch.Run{Owner: "key:desk", Source: dispatch.FromChat}); !run.Talked() {
		t.Error("a chat does not count as a conversation")
	}
}

func TestFollowUpSaysWhereItComesFrom(t *testing.T) {
	made := time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)
	stored := dispatch.StoredSchedule{Name: "followup_1", Agent: "desk", Prompt: "Look whether it was paid.",
		FollowUp: &dispatch.FollowUp{Owner: "key:desk", Run: "run_1", Created: made}}
	run := stored.FollowUpRun()
	want := dispatch.NewRun{ID: run.ID, Agent: "desk", Owner: "key:desk", Source: "schedule/followup_1", Via: "followup_1",
		Prompt: "Follow-up of run run_1, scheduled by you, the agent, at 2027-01-15T08:00:00Z.\n\nLook whether it was paid."}
	if diff := cmp.Diff(want, run, cmp.AllowUnexported(bridge.Budget{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	stored.FollowUp.Tainted = true
	if run := stored.FollowUpRun(); !run.Tainted || !strings.Contains(run.Prompt, "had read text from outside") {
		t.Errorf("of a tainted run comes %+v", run)
	}
}
