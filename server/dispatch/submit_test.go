package dispatch_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// submit submits a run for the agent desk.
func submit(t *testing.T, d *dispatch.Dispatcher, run dispatch.NewRun) string {
	t.Helper()
	run.Agent, run.Owner = "desk", "key:desk"
	id, fresh, err := d.Submit(t.Context(), run)
	if err != nil || !fresh {
		t.Fatalf("submitting gave %q, fresh %v (%v)", id, fresh, err)
	}
	return id
}

func TestSubmittedRunIsCarriedByWhoeverWorksFromTheStore(t *testing.T) {
	w := newWorld(t)
	id := submit(t, w.dispatcher(), dispatch.NewRun{Prompt: "Look."})
	w.until("run succeeded")
	if run := w.onlyRun(); run.ID != id || run.Owner != "key:desk" || run.Source != dispatch.FromAPI || run.Answer != "Noted and found." || run.Prompt != "Look." {
		t.Errorf("the run stands as %+v", run)
	}
	if _, _, err := w.dispatcher().Submit(t.Context(), dispatch.NewRun{Agent: "nobody", Prompt: "Look."}); !errors.Is(err, dispatch.ErrUnknownAgent) {
		t.Errorf("nobody: %v, want ErrUnknownAgent", err)
	}
}

// TestSubmittedRunWaitsForTheNextDay: nobody sits there, as in a conversation, to be
// told that the agent has had enough for today.
func TestSubmittedRunWaitsForTheNextDay(t *testing.T) {
	w := newWorld(t)
	agent := w.settings.Agents["desk"]
	agent.Daily = bridge.Budget{Turns: 3}
	w.settings.Agents["desk"] = agent
	submit(t, w.dispatcher(), dispatch.NewRun{Prompt: "Look."})
	w.until("run succeeded") // three turns
	second := submit(t, w.dispatcher(), dispatch.NewRun{Prompt: "Look again."})
	w.until("run waiting")
	if run, err := w.store.Run(t.Context(), second); err != nil || run.Reason != string(bridge.BudgetDay) {
		t.Errorf("the second run is %+v (%v)", run, err)
	}
	w.pass(w.clock().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(w.clock()))
	w.until("run succeeded")
}

// TestTaintedPromptStandsBetweenLinesThatItDoesNotHold whatever its writer made of it.
func TestTaintedPromptStandsBetweenLinesThatItDoesNotHold(t *testing.T) {
	w := newWorld(t)
	d := w.dispatcher()
	first := submit(t, d, dispatch.NewRun{Prompt: "Look.", Tainted: true})
	run, err := w.store.Run(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(run.Prompt, "-----BEGIN EVENT ")
	marker, body, _ := strings.Cut(rest, "-----\n")
	if body != "Look.\n-----END EVENT "+marker+"-----" || len(marker) < 16 {
		t.Errorf("the prompt is %q", run.Prompt)
	}
}

func TestFollowingGivesTheEndTogetherWithTheLastEntries(t *testing.T) {
	w := newWorld(t)
	d := w.dispatcher()
	id := submit(t, d, dispatch.NewRun{Prompt: "Look."})
	f := d.FollowJournal(id, 0)
	defer f.Leave()
	run, entries, err := f.Next(t.Context())
	if err != nil || run.State != dispatch.Queued || len(entries) != 0 {
		t.Fatalf("first came %s with %d entries (%v)", run.State, len(entries), err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := f.Next(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("with nothing new, and a context that has ended: %v", err)
	}
	stop := w.work()
	defer stop()
	var seqs []int64
	for !run.State.Ended() {
		if run, entries, err = f.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			seqs = append(seqs, e.Seq)
		}
	}
	all, err := w.store.Entries(t.Context(), id)
	if err != nil || len(all) == 0 || len(seqs) != len(all) || seqs[len(seqs)-1] != all[len(all)-1].Seq || all[len(all)-1].Kind != bridge.EntryOutcome {
		t.Errorf("heard the entries %v of %d (%v)", seqs, len(all), err)
	}
	for i, seq := range seqs {
		if seq != int64(i+1) {
			t.Errorf("the entries came as %v", seqs)
		}
	}
}

func TestAwaitEndsWithTheProcess(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	d := w.dispatcher()
	id := submit(t, d, dispatch.NewRun{Prompt: "Look.", StartAt: w.clock().Add(time.Hour)})
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	over := make(chan error, 1)
	go func() {
		run, err := d.Await(context.WithoutCancel(ctx), id, func(run dispatch.Run) bool { return run.State.Ended() })
		if run.State != dispatch.Queued {
			t.Errorf("it gave a run that is %s", run.State)
		}
		over <- err
	}()
	stop()
	<-done
	if err := <-over; !errors.Is(err, dispatch.ErrStopping) {
		t.Errorf("it ended with %v, want ErrStopping", err)
	}
	if _, err := d.Await(t.Context(), "run_none", func(dispatch.Run) bool { return false }); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("no run: %v, want ErrNotFound", err)
	}
}
