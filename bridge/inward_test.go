package bridge_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// appended is a journal that keeps what its entries say of themselves and do not keep.
type appended struct {
	bridge.Journal
	outward []bridge.EntryKind
	inward  []bridge.EntryKind
}

func (a *appended) Append(ctx context.Context, lease bridge.Lease, entries ...bridge.Entry) error {
	for _, e := range entries {
		if e.Inward {
			a.inward = append(a.inward, e.Kind)
		} else {
			a.outward = append(a.outward, e.Kind)
		}
	}
	return a.Journal.Append(ctx, lease, entries...)
}

// Only a tool that says that it works on the store alone is called before its intent is on
// disk, and of such a one the result need not be there either.
func TestEntriesAreInwardUnlessTheyTellOfWhatIsOutside(t *testing.T) {
	w := newWorld(t)
	for name, inward := range map[string]bool{"note": true, "post": false} {
		w.server.AddTool(mcp.Tool{Name: name, Description: "A tool of the test.", RawInputSchema: json.RawMessage(`{"type":"object"}`),
			Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: bridge.Write, bridge.MetaIdempotent: true, bridge.MetaInward: inward})},
			w.counted(name, bridge.Write, true, returns("done")))
	}
	call := func(name string) openai.Answer {
		return asks(openai.Call{ID: "c", Name: name, Arguments: `{}`})
	}
	w.model = answers(call("note"), call("post"), call("nothing"), says("done"))
	w.between = func(t transport.Interface) transport.Interface { return direct{t, w} }
	journal := &appended{Journal: w.journal}
	task := w.task()
	task.Journal = journal
	if outcome, err := bridge.New(w.model, w.options).Run(t.Context(), task); err != nil || outcome.Status != bridge.Succeeded {
		t.Fatalf("ended %v (%v)", outcome, err)
	}
	// That of "nothing" was refused by whoever serves the tools: it may have been there.
	if want := []bridge.EntryKind{bridge.EntryIntent, bridge.EntryResult, bridge.EntryIntent, bridge.EntryResult}; !slices.Equal(journal.outward, want) {
		t.Errorf("not inward are %v, want %v", journal.outward, want)
	}
	if want := []bridge.EntryKind{bridge.EntryBrief, bridge.EntryAnswer, bridge.EntryIntent, bridge.EntryResult, bridge.EntryAnswer, bridge.EntryAnswer, bridge.EntryAnswer}; !slices.Equal(journal.inward, want) {
		t.Errorf("inward are %v, want %v", journal.inward, want)
	}
}

// What a server in another process says of its store is said of another store.
func TestToolsOfAnotherProcessAreNotInward(t *testing.T) {
	w := newWorld(t)
	w.server.AddTool(mcp.Tool{Name: "note", Description: "A tool of the test.", RawInputSchema: json.RawMessage(`{"type":"object"}`),
		Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: bridge.Write, bridge.MetaInward: true})}, returns("done"))
	for _, c := range []struct {
		name    string
		between func(transport.Interface) transport.Interface
		want    bool
	}{
		{"this process", func(t transport.Interface) transport.Interface { return direct{t, w} }, true},
		{"another", nil, false},
	} {
		w.between = c.between
		tools, _, err := w.session().Tools(t.Context())
		if err != nil || len(tools) != 1 || tools[0].Inward != c.want {
			t.Errorf("of %s: %+v (%v), want inward: %v", c.name, tools, err, c.want)
		}
	}
}
