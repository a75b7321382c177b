package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/dispatch"
)

func TestTalkIsHeardFromItsFirstWordToItsEnd(t *testing.T) {
	w := newWorld(t)
	w.play(notes())
	x := w.serve().talk(ask(""))
	same(t, "heard", whole, rest(t, x))
	end := x.End()
	if end.State != dispatch.Succeeded || end.Outcome.Answer != "It is noted." || end.Finish != openai.FinishStop || end.Model != "m-1" {
		t.Errorf("it ended as %+v", end)
	}
	same(t, "used", bridge.Usage{Turns: 2, Calls: 1, PromptTokens: 20, CompletionTokens: 4}, end.Usage)
	run := w.onlyRun()
	if run.ID != x.Run() || run.Owner != "key:desk" || run.Source != "chat" || run.Prompt != "Note it." || run.State != dispatch.Succeeded {
		t.Errorf("the run stands as %+v", run)
	}
	same(t, "called", []string{"crm_note"}, w.made)
}

func TestTalkWithNobodyIsRefused(t *testing.T) {
	w := newWorld(t)
	w.play(notes())
	d := w.serve()
	talk := ask("")
	talk.Run.Agent = "nobody"
	if _, err := d.Talk(t.Context(), talk); !errors.Is(err, dispatch.ErrUnknownAgent) {
		t.Errorf("gave %v, want ErrUnknownAgent", err)
	}
	talk = ask("")
	talk.Conversation.Functions = []openai.Function{{Name: "crm_note", Parameters: json.RawMessage(`{}`)}}
	var refused *bridge.ConversationError
	if _, err := d.Talk(t.Context(), talk); !errors.As(err, &refused) {
		t.Errorf("a function that the agent has already gave %v, want a ConversationError", err)
	}
	d.stop()
	if _, err := d.Talk(t.Context(), ask("")); !errors.Is(err, dispatch.ErrStopping) {
		t.Errorf("after the stop it gave %v, want ErrStopping", err)
	}
	if runs, err := w.store.Runs(t.Context(), "", 10); err != nil || len(runs) != 0 {
		t.Errorf("%d runs came of it (%v)", len(runs), err)
	}
}

// The model may be asked while the disk is at work, but nothing may come of its
// answer before the run is there.
func TestNothingIsDoneForARunThatIsNotBegun(t *testing.T) {
	w := newWorld(t)
	answered := make(chan struct{})
	w.play(func(ctx context.Context, n int, _ openai.Request) (openai.Answer, error) {
		if n == 1 {
			close(answered)
		}
		return inOrder(calls("I note it.", "crm_note"), says("It is noted."))(ctx, n, openai.Request{})
	})
	w.store.beforeBegin = func() { <-answered }
	w.store.refuse("run begun")
	d := w.serve()
	if _, err := d.Talk(t.Context(), ask("")); !errors.Is(err, errDiskFull) {
		t.Fatalf("gave %v, want the store's error", err)
	}
	d.stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.made) > 0 {
		t.Errorf("%q were called for a run that does not exist", w.made)
	}
	if runs, err := w.store.Runs(t.Context(), "", 10); err != nil || len(runs) != 0 {
		t.Errorf("%d runs came of it (%v)", len(runs), err)
	}
}

func TestModelIsAskedWhileTheRunIsBegun(t *testing.T) {
	w := newWorld(t)
	asked := make(chan struct{})
	w.play(func(context.Context, int, openai.Request) (openai.Answer, error) {
		close(asked)
		return openai.Answer{}, &openai.Error{Kind: openai.Transient, Message: "overloaded"}
	})
	w.store.beforeBegin = func() { <-asked } // hangs if it is not
	x := w.serve().talk(ask(""))
	hear(t, x, dispatch.Parked)
	if run := w.onlyRun(); run.State != dispatch.Waiting {
		t.Errorf("the run stands as %+v", run)
	}
}

func TestAnswerIsJournaledWhenTheRunIsBegunAndNotBefore(t *testing.T) {
	w := newWorld(t)
	answered := make(chan struct{})
	w.play(func(context.Context, int, openai.Request) (openai.Answer, error) {
		defer close(answered)
		return says("Yes."), nil
	})
	w.store.beforeBegin = func() {
		<-answered
		for range 1000 { // time enough to write too early
			runtime.Gosched()
		}
	}
	x := w.serve().talk(ask(""))
	same(t, "heard", []string{"words: Yes.", "turned 1"}, rest(t, x))
	if end := x.End(); end.State != dispatch.Succeeded {
		t.Errorf("it ended as %+v", end)
	}
}

func TestTalkUnderAKeyAsksNoModelInVain(t *testing.T) {
	w := newWorld(t)
	w.store.refuse("run begun")
	m := w.play(notes())
	if _, err := w.serve().Talk(t.Context(), ask("k")); !errors.Is(err, errDiskFull) {
		t.Fatalf("gave %v, want the store's error", err)
	}
	if m.times() != 0 {
		t.Errorf("the model was asked %d times", m.times())
	}
}

func TestLiveRunsLeaveNoGoroutine(t *testing.T) {
	w := newWorld(t)
	w.play(opens())
	before := goleak.IgnoreCurrent()
	d := w.serve()
	x, err := d.Talk(t.Context(), askWith(""))
	if err != nil {
		t.Fatal(err)
	}
	rest(t, x)
	x.Leave()
	y, err := d.Reply(t.Context(), answers(x))
	if err != nil {
		t.Fatal(err)
	}
	hear(t, y, bridge.Words)
	y.Leave()
	d.stop()
	goleak.VerifyNone(t, before)
}

func TestSeveralListenersHearTheSame(t *testing.T) {
	w := newWorld(t)
	reached, release := make(chan struct{}), make(chan struct{})
	w.note = func(context.Context) {
		close(reached)
		<-release
	}
	m := w.play(notes())
	d := w.serve()
	first := d.talk(ask("k"))
	<-reached // the second one comes late
	second := d.talk(ask("k"))
	third, err := d.Follow(t.Context(), first.Run())
	if err != nil {
		t.Fatal(err)
	}
	defer third.Leave()
	close(release)
	for _, x := range []dispatch.Exchange{first, second, third} {
		if x.Run() != first.Run() {
			t.Errorf("the same key made another run")
		}
		same(t, "heard", whole, rest(t, x))
		same(t, "its end", first.End(), x.End())
	}
	if m.times() != 2 {
		t.Errorf("the model was asked %d times, want 2", m.times())
	}
}

func TestSameKeyAtOnceMakesOneRun(t *testing.T) {
	w := newWorld(t)
	m := w.play(notes())
	d := w.serve()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			x, err := d.Talk(t.Context(), ask("k"))
			if err != nil {
				t.Error(err)
				return
			}
			defer x.Leave()
			same(t, "heard", whole, rest(t, x))
		})
	}
	all.Wait()
	w.onlyRun()
	if m.times() != 2 || len(w.made) != 1 {
		t.Errorf("the model was asked %d times, %q were called; want 2 and one", m.times(), w.made)
	}
}

func TestEndedExchangeIsGivenAgainUnderItsKey(t *testing.T) {
	w := newWorld(t)
	m := w.play(notes())
	d := w.serve()
	first := d.talk(ask("k"))
	rest(t, first)
	d.stop()
	d = w.serve()
	again := d.talk(ask("k"))
	same(t, "heard", whole, rest(t, again))
	same(t, "its end", first.End(), again.End())
	if m.times() != 2 {
		t.Errorf("the model was asked %d times, want 2", m.times())
	}
	other := ask("k")
	other.Run.Digest = "other"
	if _, err := d.Talk(t.Context(), other); !errors.Is(err, dispatch.ErrKeyReused) {
		t.Errorf("the key for another request gave %v, want ErrKeyReused", err)
	}
	stranger := ask("k")
	stranger.Run.Owner = "key:other"
	if x := d.talk(stranger); x.Run() == first.Run() {
		t.Errorf("another owner's key joined the run")
	}
}

func TestSlowListenerHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	w.play(notes())
	x := w.serve().talk(ask(""))
	w.await("run succeeded") // while nobody has called Next
	e := next(t, x)
	if e.Kind != bridge.Words || e.Text != "I note it." {
		t.Errorf("a late listener hears %+v first, want all words of the turn", e)
	}
	same(t, "heard then", whole[1:], rest(t, x))
}

func TestRunGoesOnWithoutItsListener(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	w.note = func(context.Context) { <-release }
	w.play(notes())
	d := w.serve()
	ctx, gone := context.WithCancel(t.Context())
	x, err := d.Talk(ctx, ask(""))
	if err != nil {
		t.Fatal(err)
	}
	hear(t, x, bridge.Calling)
	gone()
	if _, err := x.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("listening on gave %v", err)
	}
	x.Leave()
	close(release)
	w.await("run succeeded")
}

func TestWordsOfABrokenAnswerAreTakenBack(t *testing.T) {
	w := newWorld(t)
	spoken, heard := make(chan struct{}), make(chan struct{})
	w.play(func(_ context.Context, _ int, q openai.Request) (openai.Answer, error) {
		q.Hear.Text("It is ")
		close(spoken)
		<-heard
		q.Hear.Again()
		return says("Done now."), nil
	})
	d := w.serve()
	early, late := d.talk(ask("k")), d.talk(ask("k"))
	<-spoken
	if e := next(t, early); e.Kind != bridge.Words || e.Text != "It is " {
		t.Errorf("heard %+v first", e)
	}
	close(heard)
	same(t, "heard by who heard the first", []string{"again 1", "words: Done now.", "turned 1"}, rest(t, early))
	same(t, "heard by who did not", []string{"words: Done now.", "turned 1"}, rest(t, late))
}
