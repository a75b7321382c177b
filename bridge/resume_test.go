package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// end closes the run's journal, as whoever carries it does.
func (w *world) end(outcome bridge.Outcome) {
	w.t.Helper()
	if err := w.journal.Append(context.Background(), w.journal.Lease(runID), outcome.Entry(w.options.Now())); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) resume() error {
	w.t.Helper()
	entry, err := bridge.Resume(runID, w.entries(), "ada", w.options.Now())
	if err != nil {
		return err
	}
	return w.journal.Append(context.Background(), w.journal.Lease(runID), entry)
}

// leaves is a model that gives these answers and cannot be had after them.
func leaves(list ...openai.Answer) bridge.Model {
	turn := 0
	return modelFunc(func(context.Context, openai.Request) (openai.Answer, error) {
		if turn == len(list) {
			return openai.Answer{}, errors.New("connection refused")
		}
		turn++
		return list[turn-1], nil
	})
}

// RUN-06: a run that is resumed keeps its keys, and does nothing twice.
func TestRUN06_ResumedRunDoesNothingTwice(t *testing.T) {
	w := newWorld(t).tool("refund", bridge.Money, true, returns("refunded"))
	w.model = leaves(asks(openai.Call{ID: "a", Name: "refund"}))
	waiting := w.run() // the model is not to be had for the second question
	if waiting.Status != bridge.Waiting {
		t.Fatalf("outcome %+v, want it to wait for the model", waiting)
	}
	w.end(w.cancel("gave up")) // as a run that is dead has an outcome
	before := bodies[bridge.Intent](w, bridge.EntryIntent)
	if err := w.resume(); err != nil {
		t.Fatal(err)
	}
	w.model = leaves(asks(openai.Call{ID: "b", Name: "refund"}), says("Both are refunded."))
	got := w.run()
	if got.Status != bridge.Succeeded || got.Answer != "Both are refunded." || got.Usage.Turns != 3 || got.Usage.Calls != 2 {
		t.Errorf("outcome %+v, want the end of all of it", got)
	}
	after := bodies[bridge.Intent](w, bridge.EntryIntent)
	if len(before) != 1 || len(after) != 2 || before[0].Key != after[0].Key || after[0].Key == after[1].Key {
		t.Errorf("keys %+v, then %+v: the first is to stay, the second to be another", before, after)
	}
	if calls := w.calls(); len(calls) != 2 {
		t.Errorf("the tools saw %v, want one call before and one after", calls)
	}
}

// RUN-06: keys are of the run, the answer and the place in it: stable over every death, and
// others in a run that a person had run anew.
func TestRUN06_KeysStayWithTheRunAndAreOthersInTheNext(t *testing.T) {
	ask := openai.Call{Name: "refund"}
	keys := func(run string, n int) []string {
		w := newWorld(t).tool("refund", bridge.Money, true, returns("refunded"))
		w.model = answers(asks(ask, ask), asks(ask), says("Done."))
		for _, m := range []*mortal{{n: n}, {}} {
			task := w.task()
			task.Lease = w.journal.Lease(run)
			m.Journal, task.Journal = w.journal, m
			if _, err := bridge.New(w.model, w.options).Run(context.Background(), task); err != nil && !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
		}
		entries, err := w.journal.Entries(context.Background(), run)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, e := range entries {
			var intent bridge.Intent
			if e.Kind == bridge.EntryIntent && json.Unmarshal(e.Body, &intent) == nil {
				keys = append(keys, intent.Key)
			}
		}
		return keys
	}
	first := keys("run_1", 0)
	if len(first) != 3 || first[0] == first[1] || first[1] == first[2] {
		t.Fatalf("keys %q", first)
	}
	for n := 1; n < 8; n++ {
		if again := keys("run_1", n); !slices.Equal(first, again) {
			t.Errorf("killed at append %d: keys %q, want %q", n, again, first)
		}
	}
	for _, key := range keys("run_2", 0) {
		if slices.Contains(first, key) {
			t.Errorf("another run has the key %q as well", key)
		}
	}
}

func TestRunThatWouldEndTheSameWayIsNotResumed(t *testing.T) {
	for name, answer := range map[string]openai.Answer{
		"refused":   {Refusal: "I will not.", Finish: openai.FinishStop},
		"withheld":  {Finish: openai.FinishFiltered},
		"cut":       {Content: "It is", Finish: openai.FinishLength},
		"succeeded": says("Done."),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.model = answers(answer)
			w.end(w.run())
			if err := w.resume(); err == nil || !strings.Contains(err.Error(), "would end the same way") {
				t.Errorf("resuming it gave %v", err)
			}
		})
	}
	w := newWorld(t)
	w.model = answers(asks(openai.Call{ID: "a", Name: "look"}), says("That was all."))
	w.tool("look", bridge.Read, true, returns("x"))
	w.agent.Budget.Turns = 1
	w.end(w.run())
	if err := w.resume(); err == nil {
		t.Error("a run whose budget is used up was resumed")
	}
}

func TestOnlyARunThatBeganAndEndedIsResumed(t *testing.T) {
	w := newWorld(t)
	if err := w.resume(); err == nil {
		t.Error("a run without a journal was resumed")
	}
	w.end(w.cancel("at once"))
	if err := w.resume(); err == nil || !strings.Contains(err.Error(), "replay it") {
		t.Errorf("resuming what did nothing gave %v, want it to be replayed", err)
	}
	w = newWorld(t).tool("look", bridge.Read, true, returns("x"))
	w.model = leaves(asks(openai.Call{ID: "a", Name: "look"}))
	w.run()
	if err := w.resume(); err == nil {
		t.Error("a run that has not ended was resumed")
	}
	w.end(w.cancel("gave up"))
	if err := w.resume(); err != nil {
		t.Fatal(err)
	}
	if err := w.resume(); err == nil {
		t.Error("a run was resumed twice")
	}
	if _, err := bridge.Cancel(runID, w.entries(), "by ada"); err != nil {
		t.Errorf("a resumed run cannot be cancelled: %v", err)
	}
}
