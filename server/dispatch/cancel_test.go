package dispatch_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/dispatch"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// untilCancelled is a model that never answers.
func untilCancelled(reached chan<- struct{}) answerFunc {
	var once sync.Once
	return func(ctx context.Context, _ int, q openai.Request) (openai.Answer, error) {
		q.Hear.Text("I am ")
		once.Do(func() { close(reached) })
		<-ctx.Done()
		return openai.Answer{}, ctx.Err()
	}
}

func (s serving) cancel(run string, want dispatch.State) {
	s.w.t.Helper()
	if state, err := s.Cancel(s.w.t.Context(), run, "not wanted"); err != nil || state != want {
		s.w.t.Errorf("cancelling gave %s (%v), want %s", state, err, want)
	}
}

func TestCancelBreaksOffTheModel(t *testing.T) {
	w := newWorld(t)
	reached := make(chan struct{})
	w.play(untilCancelled(reached))
	d := w.serve()
	x := d.talk(ask(""))
	<-reached
	d.cancel(x.Run(), dispatch.Running)
	rest(t, x)
	if end := x.End(); end.State != dispatch.Cancelled || end.Outcome.Reason != bridge.CancelledByUser || !strings.Contains(end.Outcome.Answer, "not wanted") {
		t.Errorf("it ended as %+v", end)
	}
	if state, err := d.Cancel(t.Context(), x.Run(), ""); !errors.Is(err, dispatch.ErrEnded) || state != dispatch.Cancelled {
		t.Errorf("cancelling again gave %s, %v; want its state and ErrEnded", state, err)
	}
}

func TestCancelBreaksOffAReadInFlight(t *testing.T) {
	w := newWorld(t)
	reached := make(chan struct{})
	w.find = func(ctx context.Context) {
		close(reached)
		<-ctx.Done()
	}
	w.play(inOrder(calls("", "crm_find"), says("Found.")))
	d := w.serve()
	x := d.talk(ask(""))
	<-reached
	d.cancel(x.Run(), dispatch.Running)
	rest(t, x)
	if end := x.End(); end.State != dispatch.Cancelled {
		t.Errorf("it ended as %+v", end)
	}
}

func TestCancelWaitsForAWriteInFlight(t *testing.T) {
	w := newWorld(t)
	reached, release := make(chan struct{}), make(chan struct{})
	w.note = func(ctx context.Context) {
		close(reached)
		select {
		case <-release:
		case <-ctx.Done():
			t.Error("the write was broken off")
		}
	}
	w.play(func(ctx context.Context, n int, _ openai.Request) (openai.Answer, error) {
		if n == 1 {
			return calls("I note it.", "crm_note"), nil
		}
		<-ctx.Done() // the cancel may come to the run a moment after the write has
		return openai.Answer{}, ctx.Err()
	})
	w.accept(`{"type":"paid"}`)
	d := w.serve()
	<-reached
	run := w.onlyRun().ID
	d.cancel(run, dispatch.Running)
	if asked, err := w.store.CancelRequests(t.Context()); err != nil || len(asked) != 1 {
		t.Errorf("while the write is waited for %+v are to be cancelled (%v)", asked, err)
	}
	close(release)
	w.await("run cancelled", "callback delivered")
	entries, err := w.store.Entries(t.Context(), run)
	if err != nil || len(entries) < 2 || entries[len(entries)-2].Kind != bridge.EntryResult {
		t.Errorf("the journal is %+v (%v), want the write's result before the outcome", entries, err)
	}
	kind, said := w.report(w.received[0])
	if kind != "run.cancelled" || said.State != dispatch.Cancelled || len(said.Calls) != 1 || said.Calls[0].Status != "ok" || said.Usage.Calls != 1 {
		t.Errorf("the callback is %s and says %+v", kind, said)
	}
}

func TestCancelEndsAWaitingRunWithItsCallback(t *testing.T) {
	w := newWorld(t)
	w.model = always(503)
	w.accept(`{"type":"paid"}`)
	d := w.serve()
	w.await("run waiting")
	state, err := d.Cancel(t.Context(), w.onlyRun().ID, "not wanted")
	if err != nil || state != dispatch.Cancelled && state != dispatch.Running { // running: a worker was quicker to end it
		t.Errorf("cancelling gave %s (%v)", state, err)
	}
	w.await("run cancelled", "callback delivered")
	if kind, _ := w.report(w.received[0]); kind != "run.cancelled" {
		t.Errorf("the callback is %s", kind)
	}
}

func TestCancelTellsWhoListensToAWaitingRun(t *testing.T) {
	w := newWorld(t)
	w.play(func(context.Context, int, openai.Request) (openai.Answer, error) {
		return openai.Answer{}, &openai.Error{Kind: openai.Transient, Message: "overloaded"}
	})
	d := w.serve()
	x := d.talk(ask(""))
	hear(t, x, dispatch.Parked)
	d.cancel(x.Run(), dispatch.Cancelled)
	same(t, "heard then", []string(nil), rest(t, x))
	if end := x.End(); end.State != dispatch.Cancelled {
		t.Errorf("it ended as %+v", end)
	}
}

func TestCancelOfAnUnknownRunIsNotFound(t *testing.T) {
	w := newWorld(t)
	if _, err := w.serve().Cancel(t.Context(), "run_x", ""); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("gave %v, want ErrNotFound", err)
	}
}

// beside is the world's store as another process has it.
func (w *world) beside() *state.Store {
	w.t.Helper()
	store, err := sqlite.Open(w.t.Context(), w.path, state.Beside, state.Options{Now: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = store.Close() })
	return store
}

func TestCancelOfAnotherProcessStopsTheRunWithinAboutASecond(t *testing.T) {
	w := newWorld(t)
	reached := make(chan struct{})
	w.play(untilCancelled(reached))
	x := w.serve().talk(ask(""))
	<-reached
	asked := time.Now()
	if state, err := w.beside().RequestCancel(t.Context(), x.Run(), "not wanted"); err != nil || state != dispatch.Running {
		t.Fatalf("gave %s (%v), want running", state, err)
	}
	rest(t, x)
	if took := time.Since(asked); x.End().State != dispatch.Cancelled || took > 5*time.Second {
		t.Errorf("after %v it ended as %+v", took, x.End())
	}
}

func TestRunOneIsCancelledByAnotherProcess(t *testing.T) {
	w := newWorld(t)
	reached := make(chan struct{})
	w.play(untilCancelled(reached))
	run := w.start("desk", "")
	done := make(chan error, 1)
	go func() { done <- w.dispatcher().RunOne(t.Context(), run) }()
	<-reached
	if _, err := w.beside().RequestCancel(t.Context(), run, "not wanted"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := w.onlyRun(); got.State != dispatch.Cancelled {
		t.Errorf("the run is %s", got.State)
	}
}

func TestRunCancelledWhileItsWorkerWasGoneEndsAtTheNextStart(t *testing.T) {
	w := newWorld(t)
	w.start("desk", "")
	claimed, err := w.store.ClaimRuns(t.Context(), 1, dispatch.LeaseFor)
	if err != nil || len(claimed) != 1 {
		t.Fatal(err)
	}
	if _, err := w.store.RequestCancel(t.Context(), claimed[0].Run.ID, "not wanted"); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * dispatch.LeaseFor)
	w.until("run cancelled")
	if w.asked != 0 {
		t.Errorf("the model was asked %d times", w.asked)
	}
}

func TestRunIsCancelledWhenItsLastListenerLeaves(t *testing.T) {
	w := newWorld(t)
	reached := make(chan struct{})
	w.play(untilCancelled(reached))
	d := w.serve()
	talk := ask("k")
	talk.CancelWhenGone = true
	first, second := d.talk(talk), d.talk(talk)
	<-reached
	first.Leave()
	hear(t, second, bridge.Words)
	if run := w.onlyRun(); run.Cancel != "" {
		t.Errorf("the run is to be cancelled while somebody listens: %q", run.Cancel)
	}
	second.Leave()
	w.await("run cancelled")
}

func TestRunGoesOnIfWhoListenedLastWantsThat(t *testing.T) {
	w := newWorld(t)
	reached := make(chan struct{})
	w.play(untilCancelled(reached))
	d := w.serve()
	talk := ask("k")
	talk.CancelWhenGone = true
	first, second := d.talk(talk), d.talk(ask("k"))
	<-reached
	first.Leave()
	second.Leave()
	if run := w.onlyRun(); run.Cancel != "" || run.State.Ended() {
		t.Errorf("the run is %s, cancel %q", run.State, run.Cancel)
	}
}

func TestListenerWhoLeavesAfterTheEndCancelsNothing(t *testing.T) {
	w := newWorld(t)
	w.play(opens())
	d := w.serve()
	talk := askWith("")
	talk.CancelWhenGone = true
	x := d.talk(talk)
	rest(t, x)
	x.Leave()
	if run := w.onlyRun(); run.State != dispatch.Waiting {
		t.Errorf("the run is %s, want it waiting for its caller's calls", run.State)
	}
	rest(t, d.reply(answers(x)))
}
