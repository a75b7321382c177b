package bridge_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// A call whose answer was lost is made again under its key. That it is not let through then
// says nothing of the first time: who takes it for undone makes another one in its place.
func TestRUN05_CallThatIsRefusedAtASecondTryIsNotTakenForUndone(t *testing.T) {
	refused := func(code string, retryable bool) *mcp.CallToolResult {
		result := mcp.NewToolResultError(code + ": nothing was changed")
		result.Meta = mcp.NewMetaFromMap(map[string]any{"error": map[string]any{"code": code, "retryable": retryable, "inconclusive": true}})
		return result
	}
	lost := mcp.NewToolResultError("no answer came")
	lost.Meta = mcp.NewMetaFromMap(map[string]any{"error": map[string]any{"code": "outcome_unknown"}})
	paid := mcp.NewToolResultText("paid")

	begin := func(t *testing.T, replies ...*mcp.CallToolResult) *world {
		w := newWorld(t)
		w.model = modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
			if last := r.Messages[len(r.Messages)-1]; last.Role == openai.Tool {
				return says(last.Content), nil
			}
			return asks(openai.Call{ID: "a", Name: "pay", Arguments: `{}`}), nil
		})
		w.server.AddTool(mcp.Tool{Name: "pay", Description: "Pays.", RawInputSchema: json.RawMessage(`{"type":"object"}`),
			Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: bridge.Money, bridge.MetaIdempotent: true})},
			func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				key, _ := r.Params.Meta.AdditionalFields[bridge.MetaKey].(string)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.made = append(w.made, "pay "+key)
				reply := replies[0]
				replies = replies[1:]
				return reply, nil
			})
		return w
	}
	waits := func(t *testing.T, w *world, why bridge.Reason, says string) {
		t.Helper()
		if got := w.run(); got.Status != bridge.Waiting || got.Reason != why || !strings.Contains(got.Answer, says) {
			t.Fatalf("outcome %+v", got)
		}
	}
	ends := func(t *testing.T, w *world, answer string, calls int) {
		t.Helper()
		if got := w.run(); got.Status != bridge.Succeeded || got.Answer != answer {
			t.Errorf("outcome %+v, want %q", got, answer)
		}
		made := w.calls()
		for _, call := range made {
			if call != made[0] {
				t.Errorf("made under several keys: %q", made)
			}
		}
		if len(made) != calls {
			t.Errorf("%d calls, want %d: %q", len(made), calls, made)
		}
	}

	t.Run("for a while", func(t *testing.T) {
		w := begin(t, lost, refused("unavailable", true), refused("rate_limited", true), paid)
		waits(t, w, bridge.ToolsUnavailable, "no answer came")
		waits(t, w, bridge.ToolsUnavailable, "did not get through a second time: unavailable")
		waits(t, w, bridge.ToolsUnavailable, "did not get through a second time: rate_limited")
		ends(t, w, "paid", 4)
	})
	t.Run("for good, and it had happened", func(t *testing.T) {
		w := begin(t, lost, refused("denied", false))
		waits(t, w, bridge.ToolsUnavailable, "no answer came")
		waits(t, w, bridge.OutcomeOpen, "did not get through a second time: denied")
		w.decide(bridge.Ruling{Verdict: bridge.Happened, By: "ada", Result: json.RawMessage(`{"id":"p1"}`)})
		ends(t, w, `{"id":"p1"}`, 2)
	})
	t.Run("for good, and it had not", func(t *testing.T) {
		w := begin(t, lost, refused("denied", false), refused("denied", false))
		waits(t, w, bridge.ToolsUnavailable, "no answer came")
		waits(t, w, bridge.OutcomeOpen, "did not get through a second time: denied")
		w.decide(bridge.Ruling{Verdict: bridge.DidNotHappen, By: "ada"})
		ends(t, w, "error: denied: nothing was changed", 3)
	})
	t.Run("since there is no such tool any more", func(t *testing.T) {
		w := begin(t, lost)
		waits(t, w, bridge.ToolsUnavailable, "no answer came")
		w.server.DeleteTools("pay")
		waits(t, w, bridge.OutcomeOpen, "did not get through a second time: ")
		w.decide(bridge.Ruling{Verdict: bridge.Happened, By: "ada", Result: json.RawMessage(`{"id":"p1"}`)})
		ends(t, w, `{"id":"p1"}`, 1)
	})
	t.Run("the first time it is an answer", func(t *testing.T) {
		ends(t, begin(t, refused("unavailable", true)), "error: unavailable: nothing was changed", 1)
	})
	t.Run("by what is behind the tool", func(t *testing.T) {
		fails := func(code string, retryable bool) *mcp.CallToolResult {
			result := mcp.NewToolResultError(code + ": nothing was changed")
			result.Meta = mcp.NewMetaFromMap(map[string]any{"error": map[string]any{"code": code, "retryable": retryable, "inconclusive": code != "internal"}})
			return result
		}
		w := begin(t, lost, fails("unavailable", true), fails("rate_limited", true), fails("internal", false), fails("denied", false))
		for _, why := range []string{"no answer came", "a second time: unavailable", "a second time: rate_limited", "a second time: internal"} {
			waits(t, w, bridge.ToolsUnavailable, why)
		}
		waits(t, w, bridge.OutcomeOpen, "a second time: denied")
		w.decide(bridge.Ruling{Verdict: bridge.Happened, By: "ada", Result: json.RawMessage(`{"id":"p1"}`)})
		ends(t, w, `{"id":"p1"}`, 5)
	})
	t.Run("an answer of the tool is one at any time", func(t *testing.T) {
		own := mcp.NewToolResultError("not_found: there is no such payment")
		own.Meta = mcp.NewMetaFromMap(map[string]any{"error": map[string]any{"code": "not_found"}})
		w := begin(t, lost, own)
		waits(t, w, bridge.ToolsUnavailable, "no answer came")
		ends(t, w, "error: not_found: there is no such payment", 2)
	})
}
