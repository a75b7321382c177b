package dispatch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drawbridge/bridge"
)

// told is what a listener has made of its events: words that were taken back are out.
type told struct {
	lines []string
	words string
}

func (s *told) hear(e bridge.Event) {
	switch e.Kind {
	case bridge.Words:
		s.words += e.Text
	case bridge.Again:
		s.words = ""
	default:
		s.flush()
		s.lines = append(s.lines, fmt.Sprint(e.Kind, e.Turn, e.Function, e.Text))
	}
}

func (s *told) flush() {
	if s.words != "" {
		s.lines = append(s.lines, s.words)
		s.words = ""
	}
}

// drain takes up to n events.
func (s *told) drain(l *listener, n int) {
	for range n {
		e, got, _, _ := l.take()
		if !got {
			return
		}
		s.hear(e)
	}
}

func quietDispatcher() *Dispatcher {
	return &Dispatcher{live: newLive(nil), transcripts: map[string]*transcript{}}
}

// Whenever a listener comes and however slowly it takes what there is, it comes to
// the same as one that took everything at once.
func TestEveryListenerComesToTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := quietDispatcher()
		tr := d.attach("run_1")
		carrier := &life{}
		tr.carriedBy(carrier)
		quick := &told{}
		first := d.listen(tr, 1, false)
		listeners, heard := []*listener{}, []*told{}
		turn := 1
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 8).Draw(rt, "step") {
			case 0, 1, 2:
				tr.watched(carrier, bridge.Event{Kind: bridge.Words, Turn: turn, Text: rapid.StringMatching(`[a-z]{1,3}`).Draw(rt, "word")})
			case 3:
				tr.watched(carrier, bridge.Event{Kind: bridge.Again, Turn: turn})
			case 4:
				tr.watched(carrier, bridge.Event{Kind: bridge.Turned, Turn: turn})
				turn++
			case 5:
				tr.watched(carrier, bridge.Event{Kind: bridge.Calling, Turn: turn, Function: "f"})
			case 6:
				tr.putOff(carrier, "model_unavailable")
				tr.putDown(carrier)
				carrier = &life{}
				tr.carriedBy(carrier)
			case 7:
				listeners, heard = append(listeners, d.listen(tr, 1, false)), append(heard, &told{})
			case 8:
				for i, l := range listeners {
					heard[i].drain(l, rapid.IntRange(0, 3).Draw(rt, "taken"))
				}
			}
			quick.drain(first, 1000)
		}
		tr.ended(carrier, ExchangeEnd{State: Succeeded})
		quick.drain(first, 1000)
		quick.flush()
		for i, l := range listeners {
			heard[i].drain(l, 1000)
			heard[i].flush()
			if diff := cmp.Diff(quick.lines, heard[i].lines); diff != "" {
				rt.Fatalf("listener %d differs from the first (-first +it):\n%s", i, diff)
			}
			if _, got, over, _ := l.take(); got || !over {
				rt.Fatalf("listener %d does not know that it is over", i)
			}
		}
	})
}

// A worker that lost its lease does not know yet, and goes on talking.
func TestFencedLifeIsNotHeard(t *testing.T) {
	d := quietDispatcher()
	tr := d.attach("run_1")
	stale, fresh := &life{}, &life{}
	tr.carriedBy(stale)
	tr.watched(stale, bridge.Event{Kind: bridge.Words, Turn: 1, Text: "old"})
	tr.carriedBy(fresh)
	tr.watched(stale, bridge.Event{Kind: bridge.Words, Turn: 1, Text: "older"})
	tr.watched(fresh, bridge.Event{Kind: bridge.Words, Turn: 1, Text: "new"})
	tr.putOff(stale, "fault")
	tr.ended(stale, ExchangeEnd{State: Dead})
	tr.putDown(stale)
	var heard told
	heard.drain(d.listen(tr, 1, false), 100)
	if heard.words != "new" || len(heard.lines) > 0 {
		t.Errorf("heard %q, %q; want only what the holder said", heard.lines, heard.words)
	}
	if _, carried := tr.known(); !carried {
		t.Error("the end of the stale life took the fresh one along")
	}
}

func TestTranscriptIsForgottenWhenNobodyNeedsIt(t *testing.T) {
	d := quietDispatcher()
	one, two := d.listen(d.attach("run_1"), 1, false), d.listen(d.attach("run_1"), 1, false)
	one.Leave()
	one.Leave() // is once
	if d.transcript("run_1") == nil {
		t.Error("it is forgotten while somebody listens")
	}
	two.Leave()
	if d.transcript("run_1") != nil {
		t.Error("it is kept while nobody listens")
	}
}

// idleStore is a store with one run that waits for its model.
type idleStore struct {
	Store
	looks int
	state State
}

func (s *idleStore) Run(context.Context, string) (Run, error) {
	s.looks++
	return Run{ID: "run_1", State: s.state, Reason: "model_unavailable"}, nil
}

func (s *idleStore) EntriesAfter(context.Context, string, int64) ([]bridge.Entry, error) {
	return nil, nil
}

func (s *idleStore) Entries(context.Context, string) ([]bridge.Entry, error) { return nil, nil }

func TestListenerLooksForItselfWhileNobodyCarriesTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := quietDispatcher(), &idleStore{state: Waiting}
		d.store = store
		l := d.listen(d.attach("run_1"), 1, false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Millisecond)
		defer cancel()
		if _, err := l.Next(ctx); !errors.Is(err, context.DeadlineExceeded) || store.looks != 60 {
			t.Errorf("in a minute it looked %d times and gave %v; want 60, and that the time was up", store.looks, err)
		}
		carrier := &life{}
		l.t.carriedBy(carrier)
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := l.Next(ctx); !errors.Is(err, context.DeadlineExceeded) || store.looks != 60 {
			t.Errorf("while it is carried it looked %d times more (%v)", store.looks-60, err)
		}
		l.t.putDown(carrier)
		store.state = Dead
		if _, err := l.Next(t.Context()); err == nil || l.End().State != Dead {
			t.Errorf("after the end it gave %v and %+v", err, l.End())
		}
	})
}
