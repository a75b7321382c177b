package bridge_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// later is a run whose answers come later, with the questions that were put.
type later struct {
	*world
	asked []openai.Request
}

func answersLater(t *testing.T) *later {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	w.model = modelFunc(func(context.Context, openai.Request) (openai.Answer, error) {
		t.Error("the model was asked at once")
		return openai.Answer{}, context.Canceled
	})
	return &later{world: w}
}

func (l *later) run() bridge.Outcome {
	l.t.Helper()
	task := l.task()
	task.Later = func(r openai.Request) { l.asked = append(l.asked, r) }
	outcome, err := bridge.New(l.model, l.options).Run(l.t.Context(), task)
	if err != nil {
		l.t.Fatal(err)
	}
	return outcome
}

// answer brings an answer into the run's journal.
func (l *later) answer(a openai.Answer) {
	l.t.Helper()
	entry, err := bridge.LateAnswer(runID, l.entries(), a, l.options.Now())
	if err == nil {
		err = l.journal.Append(l.t.Context(), l.journal.Lease(runID), entry)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func TestLateAnswerEndsTheRunAsAnyAnswerWould(t *testing.T) {
	l := answersLater(t)
	if got := l.run(); got.Status != bridge.Waiting || got.Reason != bridge.Batch {
		t.Fatalf("outcome %+v, want it to wait for a batch", got)
	}
	if len(l.asked) != 1 || len(l.asked[0].Functions) != 0 || l.asked[0].Messages[1].Content != "Please see to pi_7." {
		t.Fatalf("asked %+v, want one question without functions", l.asked)
	}
	if briefs := bodies[bridge.Brief](l.world, bridge.EntryBrief); len(briefs) != 1 || len(briefs[0].Functions) != 0 {
		t.Errorf("the run was briefed with %+v, want no functions", briefs)
	}
	l.answer(says("It is paid."))
	if got := l.run(); got.Status != bridge.Succeeded || got.Answer != "It is paid." || got.Usage.PromptTokens != 10 || got.Usage.Turns != 1 {
		t.Errorf("outcome %+v", got)
	}
	if len(l.asked) != 1 || len(l.calls()) != 0 {
		t.Errorf("%d questions and the calls %v, want no more than the one question", len(l.asked), l.calls())
	}
}

func TestLateAnswerThatDoesNotFitIsAskedForAgainTwice(t *testing.T) {
	l := answersLater(t)
	l.agent.Output = []byte(verdict)
	for n := range 3 {
		if got := l.run(); got.Reason != bridge.Batch {
			t.Fatalf("after %d answers: outcome %+v, want another question", n, got)
		}
		l.answer(says("I would refund it."))
	}
	if got := l.run(); got.Status != bridge.Failed || got.Reason != bridge.OutputInvalid || got.Usage.Turns != 3 {
		t.Errorf("outcome %+v, want output_invalid", got)
	}
	if len(l.asked) != 3 || !strings.Contains(l.asked[1].Messages[3].Content, "does not fit the form") {
		t.Errorf("asked %+v", l.asked)
	}
}

// A question of its own for last words would cost another day.
func TestRunWhoseAnswersComeLaterHasNoLastWords(t *testing.T) {
	l := answersLater(t)
	l.agent.Output, l.agent.Budget.Turns = []byte(verdict), 1
	l.run()
	l.answer(says("I would refund it."))
	if got := l.run(); got.Status != bridge.Failed || got.Reason != bridge.BudgetTurns || len(l.asked) != 1 {
		t.Errorf("outcome %+v after %d questions, want budget_turns after one", got, len(l.asked))
	}
}

func TestLateFailureGivesAnAccount(t *testing.T) {
	for reason, want := range map[bridge.Reason]string{
		bridge.BatchExpired:   "No batch came to the question in time: 3 batches expired",
		bridge.BatchCancelled: "was cancelled at the provider",
		bridge.ModelError:     "The model cannot be asked: 3 batches expired",
	} {
		l := answersLater(t)
		l.run()
		got, err := bridge.LateFailure(runID, l.entries(), reason, "3 batches expired")
		if err != nil || got.Status != bridge.Failed || got.Reason != reason || !strings.Contains(got.Answer, want) {
			t.Errorf("%s: %v, outcome %+v", reason, err, got)
		}
	}
}

func TestLateAnswerNeedsARunThatWaitsForOne(t *testing.T) {
	l := answersLater(t)
	if _, err := bridge.LateAnswer(runID, nil, says("x"), l.options.Now()); err == nil {
		t.Error("a run that was never briefed took an answer")
	}
	l.run()
	l.answer(says("It is paid."))
	if _, err := bridge.LateAnswer(runID, l.entries(), says("It is paid twice."), l.options.Now()); err == nil {
		t.Error("a run with its last answer took another one")
	}
	if _, err := bridge.LateFailure(runID, l.entries(), bridge.BatchExpired, ""); err == nil {
		t.Error("a run with its last answer failed")
	}
	kinds := []bridge.EntryKind{}
	for _, e := range l.entries() {
		kinds = append(kinds, e.Kind)
	}
	if want := []bridge.EntryKind{bridge.EntryBrief, bridge.EntryAnswer}; !slices.Equal(kinds, want) {
		t.Errorf("the journal holds %v, want %v", kinds, want)
	}
}
