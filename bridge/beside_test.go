package bridge_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// gated is a journal whose appends of intents wait, and may then fail.
type gated struct {
	bridge.Journal
	open <-chan struct{}
	then error
}

func (g gated) Append(ctx context.Context, lease bridge.Lease, entries ...bridge.Entry) error {
	if slices.ContainsFunc(entries, func(e bridge.Entry) bool { return e.Kind == bridge.EntryIntent }) {
		select {
		case <-g.open:
		case <-time.After(10 * time.Second):
			return errors.New("the read was not made while its intent was being written")
		}
		if g.then != nil {
			return g.then
		}
	}
	return g.Journal.Append(ctx, lease, entries...)
}

// TestReadsAreMadeWhileTheirIntentsAreWritten: and their results are used only behind
// them.
func TestReadsAreMadeWhileTheirIntentsAreWritten(t *testing.T) {
	for name, then := range map[string]error{"written": nil, "fenced": bridge.ErrFenced} {
		t.Run(name, func(t *testing.T) {
			w, made := newWorld(t), make(chan struct{})
			w.tool("look", bridge.Read, true, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				close(made)
				return mcp.NewToolResultText("seen"), nil
			})
			w.model = answers(asks(openai.Call{ID: "a", Name: "look", Arguments: "{}"}), says("done"))
			task := w.task()
			task.Journal = gated{w.journal, made, then}
			outcome, err := bridge.New(w.model, w.options).Run(t.Context(), task)
			if !errors.Is(err, then) || then == nil && outcome.Answer != "done" {
				t.Fatalf("%+v, %v", outcome, err)
			}
			if results := w.results(); (len(results) == 0) != (then != nil) {
				t.Errorf("results %+v", results)
			}
		})
	}
}

func TestWritesAreMadeBehindTheirIntents(t *testing.T) {
	w := newWorld(t)
	w.tool("pay", bridge.Write, true, returns("paid"))
	w.model = answers(asks(openai.Call{ID: "a", Name: "pay", Arguments: "{}"}), says("done"))
	open := make(chan struct{})
	close(open)
	task := w.task()
	task.Journal = gated{w.journal, open, bridge.ErrFenced}
	if _, err := bridge.New(w.model, w.options).Run(t.Context(), task); !errors.Is(err, bridge.ErrFenced) {
		t.Fatal(err)
	}
	if made := w.calls(); len(made) != 0 {
		t.Errorf("called %v without an intent on disk", made)
	}
}
