package bridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// today makes a task's day: what other runs of the agent have used, and this one.
func (w *world) today(others bridge.Usage) func(*bridge.Task) {
	return func(task *bridge.Task) {
		task.Today = func(context.Context) (bridge.Usage, time.Time, error) {
			used := bridge.Spent(w.entries())
			used.Turns += others.Turns
			used.Calls += others.Calls
			used.PromptTokens += others.PromptTokens
			used.Wall += others.Wall
			return used, w.now.Add(5 * time.Hour), nil
		}
	}
}

func TestRunThatHasNotBegunWaitsForTheNextDay(t *testing.T) {
	w := restlessWorld(t)
	w.agent.Daily.Tokens = 1000
	for range 2 {
		_, got := w.watched(w.today(bridge.Usage{PromptTokens: 1000}))
		if got.Status != bridge.Waiting || got.Reason != bridge.BudgetDay || got.RetryAfter != 5*time.Hour {
			t.Errorf("outcome %+v", got)
		}
		if e := w.entries(); len(e) != 1 || e[0].Kind != bridge.EntryBrief {
			t.Errorf("journaled %d entries, want the brief", len(e))
		}
	}
	if _, got := w.watched(w.today(bridge.Usage{})); got.Status == bridge.Waiting {
		t.Errorf("the next day: %+v", got)
	}
}

func TestRunUnderWayEndsWithTheDaysBudgetAfterALastAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		daily  bridge.Budget
		others bridge.Usage
		turns  int
	}{
		"turns":  {bridge.Budget{Turns: 10}, bridge.Usage{Turns: 7}, 4},
		"calls":  {bridge.Budget{Calls: 10}, bridge.Usage{Calls: 6}, 3},
		"tokens": {bridge.Budget{Tokens: 100}, bridge.Usage{PromptTokens: 70}, 3},
		"money":  {bridge.Budget{Cost: 250_000, Currency: "USD"}, bridge.Usage{}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := restlessWorld(t)
			w.agent.Daily = c.daily
			_, got := w.watched(w.today(c.others))
			if got.Status != bridge.Failed || got.Reason != bridge.BudgetDay || got.Answer != "I looked and noted, no more." || got.Usage.Turns != c.turns {
				t.Errorf("outcome %+v, want the last answer in turn %d", got, c.turns)
			}
			notes := bodies[bridge.Note](w, bridge.EntryNote)
			if len(notes) != 2 || notes[0].Why != bridge.NoteBudget || notes[1].Why != bridge.NoteLast || notes[1].Reason != bridge.BudgetDay ||
				!strings.Contains(notes[0].Text, "the agent, in all its runs of a day together, may use") {
				t.Errorf("notes %+v", notes)
			}
		})
	}
}

func TestRunThatBeginsLateInTheDayIsNotToldToEndAtOnce(t *testing.T) {
	w := restlessWorld(t)
	w.agent.Daily.Turns = 10
	model := &inTurn{answers: []openai.Answer{asks(openai.Call{ID: "a", Name: "look"}), says("Seen.")}}
	w.model = model
	w.watched(w.today(bridge.Usage{Turns: 8}))
	if last := model.last(0); last != "Please see to pi_7." {
		t.Errorf("first asked %q", last)
	}
	if last := model.last(1); !strings.Contains(last, "may use: 1 turn. Come to an end") {
		t.Errorf("then asked %q", last)
	}
}

func TestTimeOfThePresentLifeCountsForTheDay(t *testing.T) {
	w := restlessWorld(t)
	w.agent.Daily.Wall = time.Hour
	w.model = modelFunc(func(ctx context.Context, r openai.Request) (openai.Answer, error) {
		w.pass(11 * time.Minute)
		return restless(ctx, r)
	})
	w.agent.Budget.Wall = 10 * time.Hour
	if _, got := w.watched(w.today(bridge.Usage{Wall: 40 * time.Minute})); got.Reason != bridge.BudgetDay || got.Usage.Turns != 3 {
		t.Errorf("outcome %+v", got)
	}
}

func TestDayIsAskedForOnlyWhereItHasABudget(t *testing.T) {
	w := newWorld(t)
	w.model = answers(says("Hello."))
	refuse := func(task *bridge.Task) {
		task.Today = func(context.Context) (bridge.Usage, time.Time, error) {
			return bridge.Usage{}, time.Time{}, errKilled
		}
	}
	if _, got := w.watched(refuse); got.Answer != "Hello." {
		t.Errorf("outcome %+v", got)
	}
	w = newWorld(t)
	w.agent.Daily.Turns = 1
	task := w.task()
	refuse(&task)
	if _, err := bridge.New(w.model, w.options).Run(context.Background(), task); !errors.Is(err, errKilled) {
		t.Errorf("error %v, want that the day cannot be known", err)
	}
}

func TestWhatEntriesSpendAddsUpToTheUsage(t *testing.T) {
	w := restlessWorld(t)
	w.agent.Budget.Turns = 3
	got := w.run()
	var sum bridge.Usage
	for _, e := range w.entries() {
		one := bridge.Spent([]bridge.Entry{e})
		sum.Turns += one.Turns
		sum.Calls += one.Calls
		sum.PromptTokens += one.PromptTokens
		sum.CompletionTokens += one.CompletionTokens
		sum.Cost += one.Cost
		sum.Currency = got.Usage.Currency
	}
	if sum != got.Usage || sum.Turns != 4 || sum.Cost != 300_000 {
		t.Errorf("spent %+v, used %+v", sum, got.Usage)
	}
	if whole, err := bridge.UsageOf(runID, w.entries()); err != nil || whole != got.Usage {
		t.Errorf("%v: %+v, used %+v", err, whole, got.Usage)
	}
}
