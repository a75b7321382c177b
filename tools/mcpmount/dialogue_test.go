package mcpmount_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

func TestProgressReachesTheCallerInOrderAndBeforeTheResult(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	var got []tools.Progress
	ctx := tools.WithProgress(t.Context(), func(p tools.Progress) { got = append(got, p) })
	if _, err := w.call(ctx, "shop__act", "progress"); err != nil {
		t.Fatal(err)
	}
	want := []tools.Progress{{Done: 1, Total: 3, Message: "step"}, {Done: 2, Total: 3, Message: "step"}, {Done: 3, Total: 3, Message: "step"}}
	if !slices.Equal(got, want) {
		t.Errorf("progress %v", got)
	}
}

func answering(t *testing.T, questions chan<- tools.Question, reply tools.Reply, err error) context.Context {
	return tools.WithAsk(t.Context(), func(_ context.Context, q tools.Question) (tools.Reply, error) {
		questions <- q
		return reply, err
	})
}

func TestQuestionIsPutToTheCallersPerson(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	questions := make(chan tools.Question, 1)
	yes := tools.Reply{Action: tools.Accept, Content: []byte(`{"sure":1.0}`)}
	raw, err := w.call(answering(t, questions, yes, nil), "shop__act", "ask")
	if err != nil || !strings.Contains(raw, `{\"action\":\"accept\",\"content\":{\"sure\":1.0}}`) {
		t.Errorf("the server got %s, %v", raw, err)
	}
	if q := <-questions; q.Message != `The server "shop" asks: Sure?` || string(q.Schema) != `{"type":"object"}` || q.URL != "" {
		t.Errorf("question %+v", q)
	}
	no := tools.Reply{Action: tools.Decline, Content: []byte(`{"leak":1}`)}
	raw, err = w.call(answering(t, questions, no, nil), "shop__act", "ask for a visit")
	if err != nil || !strings.Contains(raw, `{\"action\":\"decline\"}`) {
		t.Errorf("the server got %s, %v", raw, err)
	}
	if q := <-questions; q.URL != "https://example.com/x" || q.Schema != nil {
		t.Errorf("question %+v", q)
	}
}

func TestQuestionsAddressIsAWebPage(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	questions := make(chan tools.Question, 1)
	if _, err := w.call(answering(t, questions, tools.Reply{Action: tools.Accept}, nil), "shop__act", "ask for a trick"); err != nil || len(questions) > 0 {
		t.Errorf("%v; %d questions about a script", err, len(questions))
	}
}

func TestQuestionWithNobodyToAnswerIsCancelled(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	raw, err := w.call(t.Context(), "shop__act", "ask")
	if err != nil || !strings.Contains(raw, `{\"action\":\"cancel\"}`) {
		t.Errorf("nobody there: %s, %v", raw, err)
	}
	questions := make(chan tools.Question, 1)
	raw, err = w.call(answering(t, questions, tools.Reply{}, errors.New("the door broke")), "shop__act", "ask")
	if err != nil || !strings.Contains(raw, `{\"action\":\"cancel\"}`) {
		t.Errorf("a broken door: %s, %v", raw, err)
	}
}

func TestQuestionThatMayBeAnothersIsPutToNobody(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	ctx, cancel := context.WithCancel(t.Context())
	hanging := make(chan struct{})
	go func() {
		defer close(hanging)
		_, _ = w.call(ctx, "shop__act", "hang")
	}()
	w.says("hanging in")
	questions := make(chan tools.Question, 1)
	raw, err := w.call(answering(t, questions, tools.Reply{Action: tools.Accept}, nil), "shop__act", "ask")
	if err != nil || !strings.Contains(raw, `{\"action\":\"cancel\"}`) || len(questions) > 0 {
		t.Errorf("of two calls: %s, %v, %d questions", raw, err, len(questions))
	}
	cancel()
	<-hanging
}

func TestTimeAPersonTakesIsNotTheCalls(t *testing.T) {
	s := onStdio("ordinary")
	s.CallTimeout = 50 * time.Millisecond
	w := start(t, s, mcpmount.Options{}).ready()
	slow := tools.WithAsk(t.Context(), func(ctx context.Context, _ tools.Question) (tools.Reply, error) {
		timer := time.NewTimer(200 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
			return tools.Reply{Action: tools.Decline}, nil
		case <-ctx.Done():
			return tools.Reply{}, ctx.Err()
		}
	})
	raw, err := w.call(slow, "shop__act", "ask")
	if err != nil || !strings.Contains(raw, "decline") {
		t.Errorf("an answer after four call timeouts: %s, %v", raw, err)
	}
}

func TestStopWithAQuestionOpenLeavesNothingBehind(t *testing.T) {
	w := prepare(t, onStdio("ordinary"), mcpmount.Options{})
	stop := w.run()
	w.ready()
	asked, done := make(chan struct{}), make(chan error)
	ctx := tools.WithAsk(context.Background(), func(ctx context.Context, _ tools.Question) (tools.Reply, error) {
		close(asked)
		<-ctx.Done()
		return tools.Reply{}, ctx.Err()
	})
	go func() {
		_, err := w.call(ctx, "shop__act", "ask")
		done <- err
	}()
	<-asked
	stop()
	if err := <-done; tools.CodeOf(err) != tools.OutcomeUnknown {
		t.Errorf("the call: %v", err)
	}
}
