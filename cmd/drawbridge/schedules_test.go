package main

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// listedSchedules is what `schedules list --json` says.
func listedSchedules(t *testing.T, file string, flags ...string) map[string]scheduleView {
	t.Helper()
	out, errs, code := command(t, append([]string{"schedules", "list", "--json", "-c", file}, flags...)...)
	var views []scheduleView
	if err := json.Unmarshal([]byte(out), &views); err != nil || code != exitDone {
		t.Fatalf("exit %d, %s%s (%v)", code, out, errs, err)
	}
	all := map[string]scheduleView{}
	for _, v := range views {
		all[v.Name] = v
	}
	return all
}

// says runs a command of schedules that has to end with a code and say something.
func says(t *testing.T, file string, code int, want string, args ...string) {
	t.Helper()
	out, errs, got := command(t, append([]string{"schedules", "-c", file}, args...)...)
	if got != code || !strings.Contains(out+errs, want) {
		t.Errorf("%q: exit %d, %s%s; want %d and %q", args, got, out, errs, code, want)
	}
}

// planned waits until a serving process has planned a schedule.
func planned(t *testing.T, path, name string) *state.Store {
	t.Helper()
	store := look(t, path)
	eventually(t, name+" is planned", time.Minute, func() bool {
		s, err := store.Schedule(t.Context(), name)
		return err == nil && !s.Next.IsZero()
	})
	return store
}

func TestSchedulesAreLookedAtPausedAndRunBesideAServer(t *testing.T) {
	fake := openaitest.New(t)
	fake.Func(func(openaitest.Request) openaitest.Reply { return openaitest.Say("Done.") })
	file, path := deskFile(t, fake.URL(), "schedules: {yearly: {cron: \"@yearly\", agent: desk, prompt: \"Look at {{.schedule}}.\"}, held: {every: 1d, agent: desk, prompt: Look., paused: true}}\n")
	server := serve(t, file)
	store := planned(t, path, "yearly")
	newYear := time.Date(time.Now().UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
	all := listedSchedules(t, file)
	if v := all["yearly"]; v.State != "active" || v.Next == nil || !v.Next.Equal(newYear) || v.LastTick != nil || v.Origin != "config" {
		t.Errorf("it is listed as %+v", v)
	}
	if v := all["held"]; v.State != "paused by the settings" || v.Next != nil {
		t.Errorf("the held one is listed as %+v", v)
	}

	says(t, file, exitDone, "schedule yearly runs as run_", "run", "yearly")
	eventually(t, "its run has ended", time.Minute, func() bool {
		ticks, err := store.Ticks(t.Context(), "yearly", 1)
		return len(ticks) == 1 && ticks[0].State == dispatch.Succeeded && err == nil
	})
	if v := listedSchedules(t, file)["yearly"]; v.RunState != dispatch.Succeeded || v.LastRun == "" || v.LastTick != nil || !v.Next.Equal(newYear) {
		t.Errorf("after a run besides its times it is listed as %+v", v)
	}
	says(t, file, exitDone, "Look at {{.schedule}}.", "show", "yearly")
	says(t, file, exitDone, "run by a person", "show", "yearly")

	says(t, file, exitDone, "schedule yearly is paused", "pause", "yearly")
	if v := listedSchedules(t, file)["yearly"]; v.State != "paused" || v.Next != nil {
		t.Errorf("paused it is listed as %+v", v)
	}
	says(t, file, exitDone, "next: "+newYear.Format(time.RFC3339), "resume", "yearly")
	says(t, file, exitDone, "schedule yearly is not paused", "resume", "yearly")
	says(t, file, exitFailed, "is paused by the settings", "resume", "held")
	says(t, file, exitFailed, `the settings name schedule "yearly"`, "delete", "yearly")
	server.stop(t)
	last := fake.Requests()
	if len(last) != 1 || !strings.Contains(last[0].Last().Text, "Look at yearly.") {
		t.Errorf("the model was asked %d times", len(last))
	}
}

func TestAgentSchedulesAFollowUpOfItsOwn(t *testing.T) {
	fake := openaitest.New(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		if q.Turn() == 1 && q.Last().Text == "begin" {
			return openaitest.Call("schedule_run", `{"prompt":"Look whether ada has paid.","in_minutes":1440,"at":null}`)
		}
		return openaitest.Say("Done.")
	})
	file, path := deskFile(t, fake.URL(), "")
	server := serve(t, file)
	answered(t, server.base, "begin")
	store := look(t, path)
	all := listedSchedules(t, file)
	if len(all) != 1 {
		t.Fatalf("there are %+v", all)
	}
	var f scheduleView
	for _, f = range all {
	}
	if f.Origin != "agent" || f.State != "active" || f.Agent != "desk" || f.Owner == "" || f.Depth != 1 || f.Next == nil || time.Until(*f.Next) < 23*time.Hour {
		t.Errorf("the follow-up is listed as %+v", f)
	}
	says(t, file, exitDone, "runs as run_", "run", f.Name)
	eventually(t, "it has run", time.Minute, func() bool {
		ticks, err := store.Ticks(t.Context(), f.Name, 1)
		return len(ticks) == 1 && ticks[0].State == dispatch.Succeeded && err == nil
	})
	runs, err := store.Runs(t.Context(), "", 10)
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs (%v)", len(runs), err)
	}
	later, first := runs[0], runs[1]
	if later.Source != "schedule/"+f.Name || later.Agent != first.Agent || later.Owner != first.Owner || later.Tainted != first.Tainted ||
		!strings.HasPrefix(later.Prompt, "Follow-up of run "+first.ID+", scheduled by you, the agent, at ") || !strings.HasSuffix(later.Prompt, "Look whether ada has paid.") {
		t.Errorf("of %+v came %+v", first, later)
	}
	if len(listedSchedules(t, file)) != 0 || listedSchedules(t, file, "--ended")[f.Name].State != "done" {
		t.Error("it is not done")
	}
	says(t, file, exitFailed, "is done already", "run", f.Name)
	says(t, file, exitDone, "is deleted", "delete", f.Name)

	// An MCP client has no agent that could be run.
	said, failed := connectDesk(t, server.base).call("schedule_run", json.RawMessage(`{"prompt":"Look.","in_minutes":5}`))
	if !failed || !strings.Contains(said, "only a run of an agent can schedule follow-ups") {
		t.Errorf("an MCP client was told %q", said)
	}
	server.stop(t)
}

// A killed server leaves no time out and has none twice: of a schedule whose missed
// times are all made up for, each second from the first to the last is one run.
func TestKilledServerRunsEachTimeOnce(t *testing.T) {
	begun := make(chan struct{}, 1<<10) // a time has become a run, which asks for the first time
	var known sync.Map
	fake := openaitest.New(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		if _, again := known.LoadOrStore(q.Last().Text, true); !again {
			begun <- struct{}{}
		}
		return openaitest.Say("Done.")
	})
	file, path := deskFile(t, fake.URL(), "schedules: {second: {every: 1s, agent: desk, prompt: \"{{.tick}}\", catch_up: all, overlap: parallel}}\n")
	server := serve(t, file)
	store := planned(t, path, "second")
	for range 4 { // right after a time became a run, and while that is under way
		<-begun
		server.kill(t)
		server = serve(t, file)
	}
	<-begun
	<-begun
	server.stop(t)
	ticks, err := store.Ticks(t.Context(), "second", 1000)
	if err != nil || len(ticks) < 6 {
		t.Fatalf("%d times (%v)", len(ticks), err)
	}
	runs, err := store.Runs(t.Context(), "", 1000)
	if err != nil || len(runs) != len(ticks) {
		t.Errorf("%d runs of %d times (%v)", len(runs), len(ticks), err)
	}
	prompts := map[string]bool{}
	for _, run := range runs {
		prompts[run.Prompt] = true
	}
	for i, tick := range ticks {
		if want := tick.At.Format(time.RFC3339); !prompts[want] || tick.Outcome != dispatch.TickStarted {
			t.Errorf("no run was told of %s, which was %s", want, tick.Outcome)
		}
		if i > 0 && ticks[i-1].At.Sub(tick.At) != time.Second {
			t.Errorf("after %v came %v", tick.At, ticks[i-1].At)
		}
	}
	if len(prompts) != len(runs) {
		t.Errorf("%d runs are about %d times", len(runs), len(prompts))
	}
}

func TestFollowUpOfARunThatReadTextFromOutsideIsTainted(t *testing.T) {
	fake := openaitest.New(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		switch q.Turn() {
		case 1:
			return openaitest.Call("schedule_list_runs", `{}`) // what earlier runs wrote may be from anywhere
		case 2:
			return openaitest.Call("schedule_run", `{"prompt":"Look again.","in_minutes":60,"at":null}`)
		}
		return openaitest.Say("Done.")
	})
	file, path := deskFile(t, fake.URL(), "")
	server := serve(t, file)
	answered(t, server.base, "begin")
	server.stop(t)
	all, err := look(t, path).Schedules(t.Context())
	if err != nil || len(all) != 1 || all[0].FollowUp == nil || !all[0].FollowUp.Tainted {
		t.Fatalf("there are %+v (%v)", all, err)
	}
	says(t, file, exitDone, "tainted   the run had read text from outside", "show", all[0].Name)
}
