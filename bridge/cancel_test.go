package bridge_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

func (w *world) cancel(why string) bridge.Outcome {
	w.t.Helper()
	outcome, err := bridge.Cancel(runID, w.entries(), why)
	if err != nil {
		w.t.Fatal(err)
	}
	return outcome
}

func TestCancelledRunGivesAnAccount(t *testing.T) {
	w := newWorld(t).tool("note", bridge.Write, true, returns("noted"))
	ctx, cancel := context.WithCancel(context.Background())
	w.tool("email_send", bridge.Message, false, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		cancel()
		return mcp.NewToolResultText("sent"), nil
	})
	a := asks(openai.Call{ID: "a", Name: "email_send"}, openai.Call{ID: "b", Name: "note"})
	a.Content = "I will write."
	w.model = answers(a)
	task := w.task()
	if _, err := bridge.New(w.model, w.options).Run(ctx, task); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want the context's", err)
	}
	got := w.cancel("by ada")
	want := bridge.Outcome{
		Status: bridge.Cancelled, Reason: bridge.CancelledByUser,
		Answer: "Cancelled: by ada\nDone: email_send (ok)\nLeft undone: note\nThe model's last words: I will write.",
		Usage:  bridge.Usage{Turns: 1, Calls: 1, PromptTokens: 10, CompletionTokens: 5},
	}
	if diff := cmp.Diff(want, got, ignoreUnexported); diff != "" {
		t.Error(diff)
	}
	if err := w.journal.Append(context.Background(), task.Lease, got.Entry(w.now)); err != nil {
		t.Error(err)
	}
	if _, err := bridge.Cancel(runID, w.entries(), "again"); err == nil {
		t.Error("a run that has ended can be cancelled")
	}
	if diff := cmp.Diff(want, w.run(), ignoreUnexported); diff != "" {
		t.Errorf("carried on: %s", diff)
	}
}

func TestCancelledRunNeverGuessesWhatTookEffect(t *testing.T) {
	w := mailWorld(t)
	if _, err := w.life(&mortal{n: 2, after: true}); !errors.Is(err, errKilled) { // the intent is on disk
		t.Fatal(err)
	}
	if got, want := w.cancel("by ada").Answer, "Cancelled: by ada\nDone: email_send (not known whether it took effect)\nLeft undone: crm_note"; got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
}

func TestRunCanBeCancelledBeforeItBegins(t *testing.T) {
	w := newWorld(t)
	task := w.task()
	outcome := w.cancel("by ada")
	if err := w.journal.Append(context.Background(), task.Lease, outcome.Entry(w.now)); err != nil {
		t.Fatal(err)
	}
	if got := w.run(); got.Status != bridge.Cancelled || got.Answer != "Cancelled: by ada" {
		t.Errorf("outcome %+v", got)
	}
}
