package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/dispatch"
)

func TestLiveRunIsTakenUpWhenItsModelIsBack(t *testing.T) {
	w := newWorld(t)
	w.play(func(_ context.Context, n int, q openai.Request) (openai.Answer, error) {
		if n == 1 {
			q.Hear.Text("I am")
			return openai.Answer{}, &openai.Error{Kind: openai.Transient, Message: "overloaded"}
		}
		return says("Here."), nil
	})
	x := w.serve().talk(ask(""))
	hear(t, x, dispatch.Parked)
	if run := w.onlyRun(); run.State != dispatch.Waiting || run.Reason != "model_unavailable" || run.Attempts != 1 {
		t.Errorf("the run stands as %+v", run)
	}
	w.pass(time.Minute)
	same(t, "heard then", []string{"resumed 0", "words: Here.", "turned 1"}, rest(t, x))
	if end := x.End(); end.State != dispatch.Succeeded {
		t.Errorf("it ended as %+v", end)
	}
}

func TestLiveRunDoesNotWaitForTomorrow(t *testing.T) {
	w := newWorld(t)
	agent := w.settings.Agents["desk"]
	agent.Daily = bridge.Budget{Turns: 1}
	w.settings.Agents["desk"] = agent
	w.play(inOrder(says("Yes.")))
	d := w.serve()
	if first := d.talk(ask("")); len(rest(t, first)) == 0 {
		t.Error("the first one said nothing")
	}
	x := d.talk(ask(""))
	same(t, "heard", []string(nil), rest(t, x))
	if end := x.End(); end.State != dispatch.Cancelled || end.Outcome.Reason != bridge.BudgetDay {
		t.Errorf("it ended as %+v, want cancelled for the day's budget", end)
	}
	w.start("desk", "")
	w.await("run waiting")
	runs, err := w.store.Runs(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		if run.Owner == "" && (run.State != dispatch.Waiting || run.Reason != "budget_day" || run.Attempts != 0) {
			t.Errorf("a run of nobody stands as %+v, want it waiting, without a fault counted", run)
		}
	}
	w.pass(w.clock().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(w.clock()))
	d.stop()
	w.until("run succeeded")
}

func TestStopPutsLiveRunsDownAndTheNextStartCarriesThemOn(t *testing.T) {
	w := newWorld(t)
	reached := make(chan struct{})
	w.find = func(ctx context.Context) {
		close(reached)
		<-ctx.Done()
	}
	w.play(inOrder(calls("I note it.", "crm_note"), calls("", "crm_find"), says("It is noted.")))
	d := w.serve()
	x := d.talk(ask("k"))
	<-reached
	d.stop()
	w.await("run queued")
	for {
		if _, err := x.Next(t.Context()); errors.Is(err, dispatch.ErrStopping) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	w.mu.Lock()
	w.find = func(context.Context) {}
	w.mu.Unlock()
	again := w.serve().talk(ask("k"))
	same(t, "heard by who asks again", []string{"words: I note it.", "turned 1", "calling crm_note", "returned crm_note", "turned 2", "calling crm_find",
		"returned crm_find", "words: It is noted.", "turned 3"}, rest(t, again))
	same(t, "called", []string{"crm_note", "crm_find", "crm_find"}, w.made)
	if again.Run() != x.Run() {
		t.Error("the same key made another run")
	}
}

func TestUnconfiguredOwnerWaitsForOtherSettings(t *testing.T) {
	w := newWorld(t)
	session := w.session
	w.session = func(ctx context.Context, _ dispatch.Run) (context.Context, *bridge.Session, error) {
		return ctx, nil, fmt.Errorf("the key %q: %w", "desk", dispatch.ErrUnconfigured)
	}
	w.start("desk", "")
	w.until("run waiting")
	if run := w.onlyRun(); run.Reason != "owner_unknown" || run.Attempts != 0 {
		t.Errorf("the run stands as %+v", run)
	}
	w.session = session
	w.pass(time.Minute)
	w.until("run succeeded")
}

func TestRunLiveLeavesOtherWorkAlone(t *testing.T) {
	w := newWorld(t)
	m := w.play(func(_ context.Context, n int, _ openai.Request) (openai.Answer, error) {
		if n == 1 {
			return openai.Answer{}, &openai.Error{Kind: openai.Transient, Message: "overloaded"}
		}
		return says("Here."), nil
	})
	other := w.start("desk", "")
	ctx, cancel := context.WithCancel(t.Context())
	d, done := w.dispatcher(), make(chan struct{})
	go func() {
		defer close(done)
		d.RunLive(ctx)
	}()
	x, err := d.Talk(t.Context(), ask(""))
	if err != nil {
		t.Fatal(err)
	}
	hear(t, x, dispatch.Parked)
	w.pass(time.Minute)
	same(t, "heard then", []string{"resumed 0", "words: Here.", "turned 1"}, rest(t, x))
	x.Leave()
	cancel()
	<-done
	if run, err := w.store.Run(t.Context(), other); err != nil || run.State != dispatch.Queued || m.times() != 2 {
		t.Errorf("a run of somebody else is %s (%v), and the model was asked %d times", run.State, err, m.times())
	}
}

func TestRunGivenUpForAFaultTellsWhatItUsed(t *testing.T) {
	w := newWorld(t)
	w.options.MaxAttempts = 1
	w.play(func(_ context.Context, n int, _ openai.Request) (openai.Answer, error) {
		if n > 1 {
			panic("no model today")
		}
		return calls("", "crm_note"), nil
	})
	x := w.serve().talk(ask(""))
	rest(t, x)
	if end := x.End(); end.State != dispatch.Dead || end.Usage.Turns != 1 || end.Usage.Calls != 1 || end.Usage.PromptTokens != 10 {
		t.Errorf("it ended as %+v, want dead, with one turn and one call", end)
	}
}
