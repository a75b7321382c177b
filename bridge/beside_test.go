package bridge_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
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

// TestFaultsBeforeTheIntentsAreWrittenAreReadAgain: what a read says while the store is
// away, which its intent waits for as well, is no answer.
func TestFaultsBeforeTheIntentsAreWrittenAreReadAgain(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		made int
	}{
		"a fault":   {"internal", 2},
		"an answer": {"not_found", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, made := newWorld(t), make(chan struct{})
			var once sync.Once
			w.tool("look", bridge.Read, false, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				result := mcp.NewToolResultError("it did not work")
				result.EnsureResultMeta().SetMetaField("error", map[string]any{"code": c.code})
				once.Do(func() { time.AfterFunc(time.Second, func() { close(made) }) }) // the store is back
				if len(w.calls()) > 1 {
					return mcp.NewToolResultText("seen"), nil
				}
				return result, nil
			})
			w.model = answers(asks(openai.Call{ID: "a", Name: "look", Arguments: "{}"}), says("done"))
			task := w.task()
			task.Journal = gated{w.journal, made, nil}
			if _, err := bridge.New(w.model, w.options).Run(t.Context(), task); err != nil {
				t.Fatal(err)
			}
			results := w.results()
			if len(w.calls()) != c.made || len(results) != 1 || results[0].IsError != (c.made == 1) {
				t.Errorf("%s: called %v, results %+v", name, w.calls(), results)
			}
		})
	}
}
