package dispatch_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// breakNotes has crm_note break behind its effect: nobody knows what became of a call.
func (w *world) breakNotes(breaks bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breaks = breaks
}

// undecided lets a run come to where it waits for a person.
func (w *world) undecided(route string) (id string) {
	w.t.Helper()
	w.breakNotes(true)
	id = w.start("desk", route)
	w.until("run waiting")
	run := w.onlyRun()
	if !run.Undecided() || run.Attempts != 0 {
		w.t.Fatalf("the run stands as %+v", run)
	}
	w.breakNotes(false)
	return id
}

func TestRunThatWaitsForAPersonHoldsNoWorkerAndIsLogged(t *testing.T) {
	w := newWorld(t)
	var log syncBuffer
	w.options.Log = slog.New(slog.NewTextHandler(&log, nil))
	id := w.undecided("")
	if _, due, err := w.store.NextDue(t.Context(), dispatch.RunJob); due || err != nil {
		t.Errorf("it has a job (%v)", err)
	}
	for _, want := range []string{"run waits for a person", "run=" + id, "tool=crm_note", "key=dbk_", "call=3", "half way"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
	if err := w.dispatcher().RunOne(t.Context(), id); err != nil { // it does not wait for the person
		t.Error(err)
	}
}

func TestDecidedRunGoesOnToItsEnd(t *testing.T) {
	for verdict, want := range map[bridge.Verdict]struct {
		state dispatch.State
		calls int // of crm_note
	}{
		bridge.Happened:     {dispatch.Succeeded, 1},
		bridge.DidNotHappen: {dispatch.Succeeded, 2},
		bridge.GiveUp:       {dispatch.Failed, 1},
	} {
		t.Run(string(verdict), func(t *testing.T) {
			w := newWorld(t)
			id := w.undecided("")
			s := w.serve()
			if err := s.Resolve(t.Context(), id, bridge.Ruling{Verdict: verdict, By: "ada"}); err != nil {
				t.Fatal(err)
			}
			run, err := s.Await(t.Context(), id, func(r dispatch.Run) bool { return r.State.Ended() })
			if err != nil || run.State != want.state {
				t.Fatalf("the run ended as %+v (%v)", run, err)
			}
			if verdict == bridge.GiveUp && (run.Reason != string(bridge.OutcomeOpen) || !run.Dead) {
				t.Errorf("given up, it stands as %s, a dead letter %v", run.Reason, run.Dead)
			}
			notes := 0
			for _, made := range w.made {
				if made == "crm_note" {
					notes++
				}
			}
			if notes != want.calls {
				t.Errorf("%d calls, want %d", notes, want.calls)
			}
			if err := s.Resolve(t.Context(), id, bridge.Ruling{Verdict: verdict}); !errors.Is(err, dispatch.ErrEnded) {
				t.Errorf("decided about at its end: %v", err)
			}
		})
	}
}

func TestOnlyWhatWaitsForAPersonIsDecidedAbout(t *testing.T) {
	w := newWorld(t)
	d := w.dispatcher()
	if err := d.Resolve(t.Context(), "run_none", bridge.Ruling{Verdict: bridge.Happened}); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("no run: %v", err)
	}
	id := w.start("desk", "")
	if err := d.Resolve(t.Context(), id, bridge.Ruling{Verdict: bridge.Happened}); !errors.Is(err, bridge.ErrNotUnknown) {
		t.Errorf("a queued run: %v", err)
	}
}

// TestCancelledRunOfUnknownOutcomeSaysSo: a cancel of one that waits for a person is as any other, and its
// callback tells that nobody knows.
func TestCancelledRunOfUnknownOutcomeSaysSo(t *testing.T) {
	w := newWorld(t)
	id := w.undecided("shop")
	if state, err := w.dispatcher().Cancel(t.Context(), id, "by ada"); err != nil || state != dispatch.Cancelled {
		t.Fatalf("cancelling gave %s (%v)", state, err)
	}
	run, owed := w.onlyRun(), w.owed(id)
	if run.State != dispatch.Cancelled || !strings.Contains(run.Answer, "crm_note (not known whether it took effect)") {
		t.Errorf("the run ended as %s: %s", run.State, run.Answer)
	}
	if !bytes.Contains(owed.Body, []byte(`"tool":"crm_note","status":"unknown"`)) {
		t.Errorf("the callback says %s", owed.Body)
	}
}

// TestConversationIsToldThatAPersonHasToLook: whoever talks is not kept waiting for a person. The
// same request later hears what came of it.
func TestConversationIsToldThatAPersonHasToLook(t *testing.T) {
	w := newWorld(t)
	w.play(notes())
	w.breakNotes(true)
	s := w.serve()
	first := s.talk(ask("k"))
	same(t, "heard", []string{"words: I note it.", "turned 1", "calling crm_note"}, rest(t, first))
	end := first.End()
	if end.State != dispatch.Waiting || end.Outcome.Reason != bridge.OutcomeOpen || end.Outcome.Answer != dispatch.InDoubt(first.Run(), []bridge.UnknownCall{{Tool: "crm_note"}}) {
		t.Fatalf("the exchange ended as %+v", end)
	}
	again := s.talk(ask("k"))
	rest(t, again)
	if again.Run() != first.Run() || again.End().Outcome.Answer != end.Outcome.Answer {
		t.Errorf("asked again: %+v", again.End())
	}
	if err := s.Resolve(t.Context(), first.Run(), bridge.Ruling{Verdict: bridge.Happened, By: "ada"}); err != nil {
		t.Fatal(err)
	}
	run, err := s.Await(t.Context(), first.Run(), func(r dispatch.Run) bool { return r.State.Ended() })
	if err != nil || run.State != dispatch.Succeeded || run.Answer != "It is noted." {
		t.Fatalf("the run ended as %+v (%v)", run, err)
	}
	whole, err := s.Follow(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Leave()
	same(t, "heard of all", []string{"words: I note it.", "turned 1", "calling crm_note", "returned crm_note", "words: It is noted.", "turned 2"}, rest(t, whole))
	if whole.End().State != dispatch.Succeeded {
		t.Errorf("followed, it ended as %+v", whole.End())
	}
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
