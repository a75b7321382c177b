package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/openaitest"
)

type markedTainted struct{}

// marks are the calls of a world's tools that came, with whether each was marked as that of
// a run which has read text from outside.
type marks map[string][]bool

// marking adds a tool that notes whether its calls are marked.
func (m marks) marking(w *world, name string, effect bridge.Effect, meta map[string]any) {
	all := map[string]any{bridge.MetaEffect: string(effect), bridge.MetaIdempotent: true}
	for key, value := range meta {
		all[key] = value
	}
	w.server.AddTool(mcp.Tool{Name: name, RawInputSchema: json.RawMessage(`{"type":"object"}`), Meta: mcp.NewMetaFromMap(all)},
		func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			m[name] = append(m[name], ctx.Value(markedTainted{}) != nil)
			return mcp.NewToolResultText("x"), nil
		})
}

// runMarking carries the world's run with a Taint that the marks see.
func (w *world) runMarking() bridge.Outcome {
	w.t.Helper()
	task := w.task()
	task.Taint = func(ctx context.Context) context.Context { return context.WithValue(ctx, markedTainted{}, true) }
	outcome, err := bridge.New(w.model, w.options).Run(context.Background(), task)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ended = outcome
	return outcome
}

// readsThenWrites is a world whose model reads a mail, and then changes something.
func readsThenWrites(t *testing.T) (*world, marks) {
	w, m := newWorld(t).rehearse("scenes:\n  - {when: {turn: 1}, call: [{tool: mail_read}]}\n  - {when: {turn: 2}, call: [{tool: refund}]}\n  - {say: ok}\n"), marks{}
	m.marking(w, "mail_read", bridge.Read, map[string]any{bridge.MetaTaints: true})
	m.marking(w, "refund", bridge.Money, nil)
	return w, m
}

// TestTaintOutlivesTheWorkerThatCarriedTheRun: whoever takes a run up, wherever it was
// broken off or put down, knows from the journal what it has read.
func TestTaintOutlivesTheWorkerThatCarriedTheRun(t *testing.T) {
	first, _ := readsThenWrites(t)
	first.runMarking()
	for n := range len(first.entries()) {
		w, m := readsThenWrites(t)
		w.journal = resumed(first, n)
		if got := w.runMarking(); !got.Tainted {
			t.Errorf("taken up behind %d entries, it ends untainted: %+v", n, got)
		}
		if slices.Contains(m["refund"], false) {
			t.Errorf("taken up behind %d entries, it makes the call unmarked", n)
		}
	}
}

// TestTaintOutlivesWhatTheModelIsShown: the mail was read forty turns ago, and is folded
// and summarized by now.
func TestTaintOutlivesWhatTheModelIsShown(t *testing.T) {
	c, m := newClerk(t, 40), marks{}
	m.marking(c.world, "mail_read", bridge.Read, map[string]any{bridge.MetaTaints: true})
	m.marking(c.world, "pay", bridge.Money, nil)
	c.fake.Func(func(q openaitest.Request) openaitest.Reply {
		switch turn := len(bodies[openai.Answer](c.world, bridge.EntryAnswer)) + 1; {
		case isSummary(q):
			return openaitest.Say("Asked: look at everything. Nothing of note was read.")
		case turn == 1:
			return openaitest.Call("mail_read", `{}`)
		case turn <= c.looks:
			return openaitest.Call("look", fmt.Sprintf(`{"id":"thing_%d"}`, turn))
		case turn == c.looks+1:
			return openaitest.Call("pay", `{}`)
		}
		return openaitest.Say("All seen.")
	})
	if got := c.runMarking(); got.Answer != "All seen." || !got.Tainted {
		t.Fatalf("outcome %+v", got)
	}
	if c.kinds(bridge.EntryFold) == 0 || c.kinds(bridge.EntrySummary) == 0 {
		t.Fatal("the run did not fill its window")
	}
	if !slices.Equal(m["pay"], []bool{true}) {
		t.Errorf("the call at the end was marked %v", m["pay"])
	}
}

// TestForeignDescriptionsTaintWhatLeavesAndWhatCosts: a model is shown what tools of others
// say of themselves before it calls anything.
func TestForeignDescriptionsTaintWhatLeavesAndWhatCosts(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		w, m := newWorld(t).rehearse("scenes:\n  - {when: {turn: 1}, call: [{tool: note}]}\n  - {when: {turn: 2}, call: [{tool: partner}]}\n"+
			"  - {when: {turn: 3}, call: [{tool: mail}]}\n  - {when: {turn: 4}, call: [{tool: refund}]}\n  - {say: ok}\n"), marks{}
		m.marking(w, "note", bridge.Write, nil)
		m.marking(w, "partner", bridge.Write, map[string]any{bridge.MetaForeign: foreign})
		m.marking(w, "mail", bridge.Message, nil)
		m.marking(w, "refund", bridge.Money, nil)
		w.runMarking()
		for name, want := range map[string]bool{"note": false, "partner": false, "mail": foreign, "refund": foreign} {
			if !slices.Equal(m[name], []bool{want}) {
				t.Errorf("foreign %v: %s was marked %v, want %v", foreign, name, m[name], want)
			}
		}
		// The server may be gone when the run is taken up again; what it said was read.
		later, n := newWorld(t), marks{}
		later.rehearse("scenes:\n  - {when: {turn: 1}, call: [{tool: refund}]}\n  - {say: ok}\n")
		n.marking(later, "refund", bridge.Money, nil)
		later.journal = resumed(w, 1)
		later.runMarking()
		if !slices.Equal(n["refund"], []bool{foreign}) {
			t.Errorf("foreign %v: taken up without the server, the call was marked %v", foreign, n["refund"])
		}
	}
}
