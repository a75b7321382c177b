package dispatch_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
)

// guardNotes has crm_note need an approval each, which the store keeps.
func (w *world) guardNotes() {
	w.t.Helper()
	tools := server.NewMCPServer("tools", "1", server.WithToolCapabilities(false))
	add := func(name string, effect bridge.Effect, handle server.ToolHandlerFunc) {
		tools.AddTool(mcp.Tool{Name: name, RawInputSchema: json.RawMessage(`{"type":"object","properties":{}}`),
			Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: effect, bridge.MetaClaims: true})}, handle)
	}
	made := func(name string) *mcp.CallToolResult {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.made = append(w.made, name)
		return mcp.NewToolResultText("done")
	}
	add("crm_find", bridge.Read, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) { return made("crm_find"), nil })
	add("crm_note", bridge.Write, func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		key, _ := r.Params.Meta.AdditionalFields[bridge.MetaKey].(string)
		run, err := w.store.Runs(ctx, "", 1)
		if err != nil {
			return nil, err
		}
		a, err := w.store.Ask(ctx, guard.Approval{ID: "apr_1", Digest: key, Call: key, Key: key, Principal: "agent:desk", Run: run[0].ID, Tool: "crm_note",
			Arguments: json.RawMessage("{}"), State: guard.ApprovalPending, Created: w.clock(), Expires: w.clock().Add(time.Hour)})
		switch {
		case err != nil:
			return nil, err
		case a.State == guard.ApprovalGiven:
			return made("crm_note"), nil
		case a.State != guard.ApprovalPending:
			return mcp.NewToolResultError("denied: it was " + string(a.State)), nil
		}
		result := mcp.NewToolResultError("approval_required: wait")
		result.Meta = mcp.NewMetaFromMap(map[string]any{"error": map[string]any{"code": "approval_required"},
			"drawbridge/approval": map[string]any{"id": a.ID, "expires_at": a.Expires.Format(time.RFC3339), "state": "pending"}})
		return result, nil
	})
	session, err := bridge.Connect(w.t.Context(), transport.NewInProcessTransport(tools))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = session.Close() })
	w.session = func(ctx context.Context, _ dispatch.Run) (context.Context, *bridge.Session, error) {
		return ctx, session, nil
	}
	w.options.Approval = func(ctx context.Context, id string) (bridge.Standing, error) {
		a, err := w.store.Approval(ctx, id)
		return bridge.Standing{State: bridge.ApprovalState(a.State)}, err
	}
}

// TestConversationIsToldThatSomebodyHasToAgree: it does not hang, and the run goes on once it is decided.
func TestConversationIsToldThatSomebodyHasToAgree(t *testing.T) {
	for _, approve := range []bool{true, false} {
		w := newWorld(t)
		w.play(notes())
		w.guardNotes()
		s := w.serve()
		x := s.talk(ask("k"))
		same(t, "heard", []string{"words: I note it.", "turned 1", "calling crm_note", "held crm_note"}, rest(t, x))
		end := x.End()
		if end.State != dispatch.Waiting || end.Outcome.Reason != bridge.ApprovalNeeded || !strings.Contains(end.Outcome.Answer, "apr_1") || !strings.Contains(end.Outcome.Answer, "crm_note") {
			t.Fatalf("the exchange ended as %+v", end)
		}
		if _, err := w.store.DecideApproval(t.Context(), "apr_1", guard.Decider{Name: "key:boss"}, guard.ApprovalVerdict{Approve: approve, At: w.clock()}); err != nil {
			t.Fatal(err)
		}
		run, err := s.Await(t.Context(), x.Run(), func(r dispatch.Run) bool { return r.State.Ended() })
		if err != nil || run.State != dispatch.Succeeded || slices.Contains(w.made, "crm_note") != approve {
			t.Errorf("approved %v: it ended as %+v (%v), made %v", approve, run, err, w.made)
		}
	}
}
