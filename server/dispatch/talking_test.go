package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
