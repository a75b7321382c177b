package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// restless is a model that comes to no end as long as it has functions.
var restless = modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
	if len(r.Functions) == 0 {
		return says("I looked and noted, no more."), nil
	}
	a := asks(openai.Call{ID: "a", Name: "look"}, openai.Call{ID: "b", Name: "note"})
	a.Content, a.Cost, a.Currency = "Still at it.", 100_000, "USD"
	return a, nil
})

// tireless is one that asks for calls whatever it was offered.
var tireless = modelFunc(func(context.Context, openai.Request) (openai.Answer, error) {
	a := asks(openai.Call{ID: "a", Name: "look"}, openai.Call{ID: "b", Name: "note"})
	a.Content = "Still at it."
	return a, nil
})

func restlessWorld(t *testing.T) *world {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x")).tool("note", bridge.Write, true, counting())
	w.model = restless
	return w
}

// counting is a handler that never returns the same twice.
func counting() handler {
	n := 0
	return func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		n++
		return mcp.NewToolResultText(fmt.Sprint("noted ", n)), nil
	}
}

func TestBudgetEndsTheRunByItsNameAfterALastAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		budget bridge.Budget
		want   bridge.Outcome
		last   string
	}{
		"turns": {
			bridge.Budget{Turns: 2}, bridge.Outcome{Reason: bridge.BudgetTurns, Usage: bridge.Usage{Turns: 3, Calls: 4}}, "The 2 turns that",
		},
		"calls": {
			bridge.Budget{Calls: 3}, bridge.Outcome{Reason: bridge.BudgetCalls, Usage: bridge.Usage{Turns: 3, Calls: 3}}, "The 3 calls that",
		},
		"tokens": {
			bridge.Budget{Tokens: 30}, bridge.Outcome{Reason: bridge.BudgetTokens, Usage: bridge.Usage{Turns: 3, Calls: 4}}, "The 30 tokens that",
		},
		"tokens that have no room for a turn": {
			bridge.Budget{Tokens: 44}, bridge.Outcome{Reason: bridge.BudgetTokens, Usage: bridge.Usage{Turns: 3, Calls: 4}}, "The 44 tokens that",
		},
		"money": {
			bridge.Budget{Cost: 150_000, Currency: "USD"}, bridge.Outcome{Reason: bridge.BudgetCost, Usage: bridge.Usage{Turns: 3, Calls: 4}}, "The 0.15 USD that",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := restlessWorld(t)
			w.agent.Budget = c.budget
			c.want.Status, c.want.Answer = bridge.Failed, "I looked and noted, no more."
			c.want.Usage.PromptTokens, c.want.Usage.CompletionTokens = 30, 15
			c.want.Usage.Cost, c.want.Usage.Currency = 200_000, "USD"
			for _, life := range []string{"first", "second"} {
				if diff := cmp.Diff(c.want, w.run(), ignoreUnexported); diff != "" {
					t.Errorf("%s life: %s", life, diff)
				}
				w.agent.Budget = bridge.Budget{Turns: 1000, Calls: 1000, Tokens: 1 << 30} // a resume changes nothing
			}
			if len(w.calls()) != c.want.Usage.Calls {
				t.Errorf("made %d calls, want %d", len(w.calls()), c.want.Usage.Calls)
			}
			notes := bodies[bridge.Note](w, bridge.EntryNote)
			last := notes[len(notes)-1]
			if last.Why != bridge.NoteLast || last.Reason != c.want.Reason || !strings.HasPrefix(last.Text, c.last) {
				t.Errorf("told at the end: %+v", last)
			}
		})
	}
}

// TestRUN12_DeathResetsNoBudget: whenever the program dies, and whatever the settings
// say by then, a run uses no more than it began with.
func TestRUN12_DeathResetsNoBudget(t *testing.T) {
	for name, budget := range map[string]bridge.Budget{
		"turns": {Turns: 3}, "calls": {Calls: 3}, "tokens": {Tokens: 40}, "money": {Cost: 250_000, Currency: "USD"},
	} {
		fresh := func(t *testing.T) *world {
			w := newWorld(t).tool("look", bridge.Read, true, returns("x")).tool("note", bridge.Write, true, counting())
			w.model = restless
			w.agent.Budget = budget
			return w
		}
		whole := fresh(t)
		want := whole.run()
		if want.Status != bridge.Failed || !strings.HasPrefix(string(want.Reason), "budget_") {
			t.Fatalf("%s: a whole life ended as %+v", name, want)
		}
		deaths(t, fresh, func(t *testing.T, w *world) {
			w.agent.Budget = bridge.Budget{Turns: 1000, Calls: 1000, Tokens: 1 << 30}
			if len(w.entries()) == 0 {
				w.agent.Budget = budget // it has not begun
			}
			got := w.run()
			if diff := cmp.Diff(want, got, ignoreUnexported); diff != "" {
				t.Errorf("%s (-whole life +this):\n%s", name, diff)
			}
			if diff := cmp.Diff(whole.effects, w.effects); diff != "" {
				t.Errorf("%s: effects (-whole life +this):\n%s", name, diff)
			}
		})
	}
}

func TestBudgetWithoutLastWordsEndsInAnAccount(t *testing.T) {
	for name, c := range map[string]struct {
		budget bridge.Budget
		model  bridge.Model
		want   string
	}{
		"turns": {
			bridge.Budget{Turns: 2}, wordless(tireless, nil),
			"Not finished. The budget of 2 turns is used up.\nDone: look (ok), note (ok), look (ok), note (ok)\nLeft undone: look, note\nThe model's last words: Still at it.",
		},
		"calls": {
			bridge.Budget{Calls: 3}, wordless(tireless, &openai.Error{Kind: openai.Transient}),
			"Not finished. The budget of 3 calls is used up.\nDone: look (ok), note (ok), look (ok)\nLeft undone: note\nThe model's last words: Still at it.",
		},
		"tokens": {
			bridge.Budget{Tokens: 30}, wordless(tireless, &openai.Error{Kind: openai.Permanent}),
			"Not finished. The budget of 30 tokens has no room for another turn.\nDone: look (ok), note (ok), look (ok), note (ok)\nThe model's last words: Still at it.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := restlessWorld(t)
			w.agent.Budget, w.model = c.budget, c.model
			got := w.run()
			if got.Status != bridge.Failed || got.Answer != c.want {
				t.Errorf("outcome %+v, want %q", got, c.want)
			}
		})
	}
}

// wordless is the model without words, or with an error, where it is asked for its
// last ones.
func wordless(m bridge.Model, err error) bridge.Model {
	return modelFunc(func(ctx context.Context, r openai.Request) (openai.Answer, error) {
		a, _ := m.Complete(ctx, r)
		if len(r.Functions) > 0 {
			return a, nil
		}
		a.Content = " "
		return a, err
	})
}

func TestModelIsToldOnceABudgetIsNearlyUsed(t *testing.T) {
	for name, c := range map[string]struct {
		budget bridge.Budget
		turn   int // that is asked with the note
		want   string
	}{
		"turns":  {bridge.Budget{Turns: 10}, 8, "Left of the 10 turns that this run may use: 2 turns. Come to an end: "},
		"calls":  {bridge.Budget{Calls: 14}, 6, "Left of the 14 calls that this run may use: 2 calls. "},
		"tokens": {bridge.Budget{Tokens: 150}, 8, "Left of the 150 tokens that this run may use: 30 tokens. "},
		"money":  {bridge.Budget{Cost: 1_000_000, Currency: "USD"}, 8, "Left of the 1.00 USD that this run may use: 0.20 USD. "},
	} {
		t.Run(name, func(t *testing.T) {
			w := restlessWorld(t)
			w.agent.Budget = c.budget
			asked := 0
			w.model = modelFunc(func(ctx context.Context, r openai.Request) (openai.Answer, error) {
				last := r.Messages[len(r.Messages)-1].Content
				if told := strings.Contains(last, c.want); told != (asked == c.turn) {
					t.Errorf("question %d ends in %q", asked, last)
				}
				asked++
				if asked > c.turn+1 {
					return says("That is all."), nil
				}
				return restless(ctx, r)
			})
			if got := w.run(); got.Status != bridge.Succeeded || asked != c.turn+2 {
				t.Errorf("outcome %+v after %d questions", got, asked)
			}
			if notes := bodies[bridge.Note](w, bridge.EntryNote); len(notes) != 1 || notes[0].Why != bridge.NoteBudget {
				t.Errorf("notes %+v, want one", notes)
			}
		})
	}
}

// The rehearsal model has to know a note for one: to a script it is nobody's message.
func TestNoteIsNotTakenForTheUser(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	w.rehearse("scenes:\n  - {when: {turn: 5}, say: '{{ user }}'}\n  - call: [{tool: look, with: {id: 'no. {{ turn }}'}}]\n")
	w.agent.Budget.Turns = 5
	got := w.run()
	if n := len(bodies[bridge.Note](w, bridge.EntryNote)); n != 1 || got.Answer != w.task().Prompt {
		t.Errorf("%d notes, outcome %+v; want the prompt as the answer behind one note", n, got)
	}
}

func TestCallsOverBudgetAreAnsweredNotMade(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	w.agent.Budget.Calls = 2
	look := openai.Call{Name: "look"}
	w.model = answers(asks(look, look, look, look), says("never"))
	got := w.run()
	if got.Reason != bridge.BudgetCalls || len(w.calls()) != 2 {
		t.Errorf("outcome %+v after %d calls", got, len(w.calls()))
	}
	codes := make([]bridge.ResultCode, 4)
	for _, r := range w.results() {
		codes[r.Index] = r.Code
		if r.Code != "" && r.Content != "The budget of 2 calls is used up. This call was not made." {
			t.Errorf("result %+v", r)
		}
	}
	if diff := cmp.Diff([]bridge.ResultCode{"", "", "budget_calls", "budget_calls"}, codes); diff != "" {
		t.Error(diff)
	}
}

func TestLastCallOfTheBudgetLeavesRoomForAnAnswer(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	w.agent.Budget.Calls = 1
	w.model = answers(asks(openai.Call{Name: "look"}), says("seen"))
	if got := w.run(); got.Answer != "seen" || got.Status != bridge.Succeeded {
		t.Errorf("outcome %+v", got)
	}
}

func TestRUN10_TimeIsUpBetweenTurns(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	w.agent.Budget.Wall = time.Hour
	w.tool("note", bridge.Write, true, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		w.pass(40 * time.Minute)
		return mcp.NewToolResultText("noted"), nil
	})
	w.model = wordless(restless, nil)
	got := w.run()
	if got.Reason != bridge.BudgetWall || got.Usage.Turns != 3 || !strings.HasPrefix(got.Answer, "Not finished. The time of 1h0m0s is used up.") {
		t.Errorf("outcome %+v", got)
	}
}

func TestTimeIsUpBetweenCalls(t *testing.T) {
	w := newWorld(t)
	w.agent.Budget.Wall = time.Hour
	w.tool("note", bridge.Write, true, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		w.pass(time.Hour)
		return mcp.NewToolResultText("noted"), nil
	})
	w.model = answers(asks(openai.Call{Name: "note"}, openai.Call{Name: "note"}), says(""))
	got := w.run()
	if got.Reason != bridge.BudgetWall || len(w.calls()) != 1 || !strings.Contains(got.Answer, "Done: note (ok)\nLeft undone: note") {
		t.Errorf("outcome %+v", got)
	}
}

func TestRUN10_TimeIsUpWhileTheModelThinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Now = time.Now
		w.agent.Budget.Wall = time.Minute
		w.model = modelFunc(func(ctx context.Context, _ openai.Request) (openai.Answer, error) {
			<-ctx.Done()
			return openai.Answer{}, ctx.Err()
		})
		began := time.Now()
		if got := w.run(); got.Reason != bridge.BudgetWall {
			t.Errorf("outcome %+v", got)
		}
		if took := time.Since(began); took != 90*time.Second {
			t.Errorf("took %s, want a minute, and 30 s for the last words", took)
		}
	})
}

func TestLastWordsWhenTheTimeIsUpAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Now = time.Now
		w.agent.Budget.Wall = time.Minute
		w.model = modelFunc(func(ctx context.Context, r openai.Request) (openai.Answer, error) {
			if len(r.Functions) == 0 {
				return says("Nothing came of it."), nil
			}
			<-ctx.Done()
			return openai.Answer{}, ctx.Err()
		})
		if got := w.run(); got.Reason != bridge.BudgetWall || got.Status != bridge.Failed || got.Answer != "Nothing came of it." {
			t.Errorf("outcome %+v", got)
		}
	})
}

func TestRUN10_WaitingDoesNotCountAgainstTheTimeButWorkDoes(t *testing.T) {
	w := newWorld(t)
	w.model = modelFunc(func(context.Context, openai.Request) (openai.Answer, error) {
		return openai.Answer{}, &openai.Error{Kind: openai.Transient}
	})
	if got := w.run(); got.Status != bridge.Waiting {
		t.Fatalf("outcome %+v", got)
	}
	w.pass(10 * bridge.DefaultBudget.Wall)
	if got := w.run(); got.Status != bridge.Waiting {
		t.Errorf("after a long wait: %+v", got)
	}
	w.worked = bridge.DefaultBudget.Wall
	if got := w.run(); got.Reason != bridge.BudgetWall {
		t.Errorf("after so much work in earlier lives: %+v", got)
	}
}
