package bridge_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// restless is a model that never comes to an end.
var restless = modelFunc(func(context.Context, openai.Request) (openai.Answer, error) {
	a := asks(openai.Call{ID: "a", Name: "look"}, openai.Call{ID: "b", Name: "note"})
	a.Content = "Still at it."
	return a, nil
})

func restlessWorld(t *testing.T) *world {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x")).tool("note", bridge.Write, true, returns("noted"))
	w.model = restless
	return w
}

func TestBudgetEndsTheRunByItsName(t *testing.T) {
	for name, c := range map[string]struct {
		budget bridge.Budget
		want   bridge.Outcome
		answer string
	}{
		"turns": {
			bridge.Budget{Turns: 2},
			bridge.Outcome{Reason: bridge.BudgetTurns, Usage: bridge.Usage{Turns: 2, Calls: 4}},
			"Not finished. The budget of 2 turns is used up.\nDone: look (ok), note (ok), look (ok), note (ok)\nThe model's last words: Still at it.",
		},
		"calls": {
			bridge.Budget{Calls: 3},
			bridge.Outcome{Reason: bridge.BudgetCalls, Usage: bridge.Usage{Turns: 2, Calls: 3}},
			"Not finished. The budget of 3 calls is used up.\nDone: look (ok), note (ok), look (ok)\nLeft undone: note\nThe model's last words: Still at it.",
		},
		"tokens": {
			bridge.Budget{Tokens: 30},
			bridge.Outcome{Reason: bridge.BudgetTokens, Usage: bridge.Usage{Turns: 2, Calls: 4}},
			"Not finished. The budget of 30 tokens is used up.\nDone: look (ok), note (ok), look (ok), note (ok)\nThe model's last words: Still at it.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := restlessWorld(t)
			w.agent.Budget = c.budget
			c.want.Status, c.want.Answer = bridge.Failed, c.answer
			c.want.Usage.PromptTokens, c.want.Usage.CompletionTokens = 20, 10
			for _, life := range []string{"first", "second"} {
				if diff := cmp.Diff(c.want, w.run(), ignoreUnexported); diff != "" {
					t.Errorf("%s life: %s", life, diff)
				}
				w.agent.Budget = bridge.Budget{Turns: 1000, Calls: 1000, Tokens: 1 << 30} // a resume changes nothing
			}
			if len(w.calls()) != c.want.Usage.Calls {
				t.Errorf("made %d calls, want %d", len(w.calls()), c.want.Usage.Calls)
			}
		})
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

func TestTimeIsUpBetweenTurns(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	w.agent.Budget.Wall = time.Hour
	w.tool("note", bridge.Write, true, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		w.pass(40 * time.Minute)
		return mcp.NewToolResultText("noted"), nil
	})
	w.model = restless
	got := w.run()
	if got.Reason != bridge.BudgetWall || got.Usage.Turns != 2 || !strings.HasPrefix(got.Answer, "Not finished. The time of 1h0m0s is used up.") {
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
	w.model = answers(asks(openai.Call{Name: "note"}, openai.Call{Name: "note"}), says("never"))
	got := w.run()
	if got.Reason != bridge.BudgetWall || len(w.calls()) != 1 || !strings.Contains(got.Answer, "Done: note (ok)\nLeft undone: note") {
		t.Errorf("outcome %+v", got)
	}
}

func TestTimeIsUpWhileTheModelThinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Now = time.Now
		w.agent.Budget.Wall = time.Minute
		w.model = modelFunc(func(ctx context.Context, _ openai.Request) (openai.Answer, error) {
			<-ctx.Done()
			return openai.Answer{}, ctx.Err()
		})
		if got := w.run(); got.Reason != bridge.BudgetWall {
			t.Errorf("outcome %+v", got)
		}
	})
}

func TestWaitingDoesNotCountAgainstTheTimeButWorkDoes(t *testing.T) {
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
