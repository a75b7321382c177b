package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
)

type fenceMark struct{}

// TestRUN03_CallsThatChangeSomethingCarryTheLease: so that it can be looked at once more
// where their bytes go out. Reads may be made by two.
func TestRUN03_CallsThatChangeSomethingCarryTheLease(t *testing.T) {
	w := newWorld(t).rehearse("scenes:\n  - {when: {turn: 1}, call: [{tool: look}, {tool: note}, {tool: mail}, {tool: refund}]}\n  - {say: ok}\n")
	lost := errors.New("somebody else has it")
	carried := map[string]error{} // by tool: what its fence said, nil for none
	for name, effect := range map[string]bridge.Effect{"look": bridge.Read, "note": bridge.Write, "mail": bridge.Message, "refund": bridge.Money} {
		w.server.AddTool(mcp.Tool{Name: name, RawInputSchema: json.RawMessage(`{"type":"object"}`), Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: string(effect)})},
			func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				carried[name] = nil
				if held, ok := ctx.Value(fenceMark{}).(func(context.Context) error); ok {
					carried[name] = held(ctx)
				}
				return mcp.NewToolResultText("x"), nil
			})
	}
	task := w.task()
	sent := 0
	task.Held = func(ctx context.Context) error {
		if ctx.Value(fenceMark{}) != nil { // asked from within a call, where its bytes go out
			return lost
		}
		sent++
		return nil
	}
	task.Fence = func(ctx context.Context, held func(context.Context) error) context.Context {
		return context.WithValue(ctx, fenceMark{}, held)
	}
	if _, err := bridge.New(w.model, w.options).Run(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	want := map[string]error{"look": nil, "note": lost, "mail": lost, "refund": lost}
	if !maps.Equal(carried, want) || sent < len(want) {
		t.Errorf("the fences of %v said %v after %d looks, want %v", slices.Sorted(maps.Keys(carried)), carried, sent, want)
	}
}
