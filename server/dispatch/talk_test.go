package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/dispatch"
)

// answerFunc gives the n-th answer of a model, from 1.
type answerFunc func(ctx context.Context, n int, q openai.Request) (openai.Answer, error)

// inProcessModel is a model that a test plays itself. It speaks an answer's words one
// by one.
type inProcessModel struct {
	mu     sync.Mutex
	asked  int
	answer answerFunc
}

func (m *inProcessModel) Complete(ctx context.Context, q openai.Request) (openai.Answer, error) {
	m.mu.Lock()
	m.asked++
	n, answer := m.asked, m.answer
	m.mu.Unlock()
	a, err := answer(ctx, n, q)
	if err == nil && q.Hear.Text != nil {
		for _, word := range strings.SplitAfter(a.Content, " ") {
			q.Hear.Text(word)
		}
	}
	return a, err
}

func (m *inProcessModel) times() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

// play has a model of the test's own speak in the world.
func (w *world) play(answer answerFunc) *inProcessModel {
	m := &inProcessModel{answer: answer}
	w.bridge = bridge.New(m, bridge.Options{Now: w.clock})
	return m
}

func says(text string) openai.Answer {
	return openai.Answer{Model: "m-1", Content: text, Finish: openai.FinishStop, Usage: openai.Usage{Prompt: 10, Completion: 2}}
}

func calls(text string, functions ...string) openai.Answer {
	a := says(text)
	a.Finish = openai.FinishCalls
	for i, name := range functions {
		a.Calls = append(a.Calls, openai.Call{ID: fmt.Sprintf("c%d", i), Name: name, Arguments: "{}"})
	}
	return a
}

// inOrder plays answers in order, the last one for ever.
func inOrder(answers ...openai.Answer) answerFunc {
	return func(_ context.Context, n int, _ openai.Request) (openai.Answer, error) {
		return answers[min(n, len(answers))-1], nil
	}
}

// ask is a talk with one message.
func ask(key string) dispatch.Talk {
	return dispatch.Talk{
		Run:          dispatch.NewRun{Agent: "desk", Owner: "key:desk", Key: key, Digest: "d"},
		Conversation: bridge.Conversation{Messages: []openai.Message{{Role: openai.User, Content: "Note it."}}},
	}
}

// serving is a dispatcher at work.
type serving struct {
	*dispatch.Dispatcher
	w    *world
	stop func()
}

func (w *world) serve() serving {
	ctx, cancel := context.WithCancel(w.t.Context())
	d, done := w.dispatcher(), make(chan struct{})
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	s := serving{d, w, func() {
		cancel()
		<-done
	}}
	w.t.Cleanup(s.stop)
	return s
}

func (s serving) talk(t dispatch.Talk) dispatch.Exchange {
	s.w.t.Helper()
	x, err := s.Talk(s.w.t.Context(), t)
	if err != nil {
		s.w.t.Fatal(err)
	}
	s.w.t.Cleanup(x.Leave)
	return x
}

func (s serving) reply(r dispatch.Reply) dispatch.Exchange {
	s.w.t.Helper()
	x, err := s.Reply(s.w.t.Context(), r)
	if err != nil {
		s.w.t.Fatal(err)
	}
	s.w.t.Cleanup(x.Leave)
	return x
}

// next is the next event of an exchange.
func next(t testing.TB, x dispatch.Exchange) bridge.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // a failing test must end
	defer cancel()
	e, err := x.Next(ctx)
	if err != nil {
		t.Fatalf("listening to %s: %v", x.Run(), err)
	}
	return e
}

// hear listens until an event of the kind.
func hear(t testing.TB, x dispatch.Exchange, kind bridge.EventKind) bridge.Event {
	t.Helper()
	for {
		if e := next(t, x); e.Kind == kind {
			return e
		}
	}
}

// rest listens to the end of an exchange and tells its events in short, the words of
// each turn in one piece.
func rest(t testing.TB, x dispatch.Exchange) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var told []string
	speaking := false
	for {
		e, err := x.Next(ctx)
		if errors.Is(err, io.EOF) {
			return told
		}
		if err != nil {
			t.Fatalf("listening to %s: %v; heard %q", x.Run(), err, told)
		}
		switch {
		case e.Kind == bridge.Words && speaking:
			told[len(told)-1] += e.Text
		case e.Kind == bridge.Words, e.Kind == dispatch.Parked:
			told = append(told, fmt.Sprintf("%s: %s", e.Kind, e.Text))
		case e.Function != "":
			told = append(told, fmt.Sprintf("%s %s", e.Kind, e.Function))
		default:
			told = append(told, fmt.Sprintf("%s %d", e.Kind, e.Turn))
		}
		speaking = e.Kind == bridge.Words
	}
}

func same(t testing.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(bridge.Outcome{})); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// whole is what is heard of a run that makes a note and says so.
var whole = []string{"words: I note it.", "turned 1", "calling crm_note", "returned crm_note", "words: It is noted.", "turned 2"}

func notes() answerFunc { return inOrder(calls("I note it.", "crm_note"), says("It is noted.")) }

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
	w.store.refused = "run begun"
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
	w.store.refused = "run begun"
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
