package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/bridgetest"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
)

// crowd adds so many tools that a request has no room for them, and one that is
// about something else.
func (w *world) crowd(n int) *world {
	for i := range n {
		w.server.AddTool(mcp.Tool{
			Name: fmt.Sprintf("stock_count_shelf_%03d", i), Description: fmt.Sprintf("Counts the boxes on shelf %03d of the warehouse.", i),
			RawInputSchema: json.RawMessage(`{"type":"object","properties":{"boxes":{"type":"integer"}}}`),
		}, returns("counted"))
	}
	w.server.AddTool(mcp.Tool{
		Name: "lamp_dim", Description: "Dims a lamp.",
		RawInputSchema: json.RawMessage(`{"type":"object","properties":{"room":{"type":"string"},"percent":{"type":"integer","minimum":0,"maximum":100}},"required":["room"]}`),
		Meta:           mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: bridge.Write}),
	}, w.counted("lamp_dim", bridge.Write, false, returns("dimmed")))
	return w
}

// offers are the names of the functions of each request to the model.
func offers(into *[][]string, answers ...openai.Answer) bridge.Model {
	return modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
		var names []string
		for _, f := range r.Functions {
			names = append(names, f.Name)
		}
		*into = append(*into, names)
		return answers[len(*into)-1], nil
	})
}

func TestWhatARequestHasNoRoomForIsFoundBySearch(t *testing.T) {
	w := newWorld(t).crowd(300)
	w.options.Limits = selection.Limits{Functions: 20}
	var seen [][]string
	w.model = offers(&seen,
		asks(openai.Call{ID: "a", Name: "find_tools", Arguments: `{"query":"make a lamp less bright: dim"}`}),
		asks(openai.Call{ID: "b", Name: "lamp_dim", Arguments: `{"room":"hall","percent":null}`}),
		says("It is dimmed."))
	w.agent.Instructions = "You count boxes on shelves of the warehouse."
	if outcome := w.run(); outcome.Status != bridge.Succeeded {
		t.Fatalf("outcome %+v", outcome)
	}
	for i, offered := range seen {
		if len(offered) > 20 || offered[0] != "read_result" || offered[1] != "find_tools" {
			t.Errorf("request %d carries %d functions: %v", i, len(offered), offered)
		}
		if has := slices.Contains(offered, "lamp_dim"); has != (i > 0) {
			t.Errorf("request %d offers lamp_dim: %v", i, has)
		}
	}
	if diff := cmp.Diff(seen[1], seen[2]); diff != "" {
		t.Errorf("the offer moved without a reason:\n%s", diff)
	}
	brief := bodies[bridge.Brief](w, bridge.EntryBrief)[0]
	if !slices.Contains(brief.LeftOut, "lamp_dim") || len(brief.LeftOut)+len(brief.Functions)-2 != 301 {
		t.Errorf("the brief names %d offered and %d left out", len(brief.Functions), len(brief.LeftOut))
	}
	results := w.results()
	if !slices.Contains(results[0].Found, "lamp_dim") || !strings.Contains(results[0].Content, "lamp_dim") {
		t.Errorf("find_tools returned %+v", results[0])
	}
	if diff := cmp.Diff([]string{"lamp_dim"}, w.calls()); diff != "" {
		t.Errorf("calls: %s", diff)
	}
}

func TestConfiguredFunctionsGoIntoEveryRequest(t *testing.T) {
	w := newWorld(t).crowd(300)
	w.options.Limits = selection.Limits{Functions: 10}
	w.agent.Always = []string{"lamp_*", "stock_*_299"}
	var seen [][]string
	w.model = offers(&seen, says("Nothing to do."))
	w.run()
	for _, name := range []string{"lamp_dim", "stock_count_shelf_299"} {
		if !slices.Contains(seen[0], name) {
			t.Errorf("%s is not offered: %v", name, seen[0])
		}
	}
}

func TestFewFunctionsAllGoWithoutASearch(t *testing.T) {
	w := newWorld(t).crowd(5)
	var seen [][]string
	w.model = offers(&seen, says("Nothing to do."))
	w.run()
	if len(seen[0]) != 7 || slices.Contains(seen[0], "find_tools") {
		t.Errorf("offered %v", seen[0])
	}
}

// A resumed run must show the model what it showed before, or a call that the
// model makes next is of something it no longer sees.
func TestResumedRunOffersWhatItHadFound(t *testing.T) {
	w := newWorld(t).crowd(300)
	w.options.Limits = selection.Limits{Functions: 20}
	var seen [][]string
	w.model = offers(&seen, asks(openai.Call{ID: "a", Name: "find_tools", Arguments: `{"query":"dim a lamp"}`}), says("First life."))
	w.run()
	second := seen[1]
	seen = nil
	begun := w.entries()[:4] // brief, answer, intent, result
	w.journal = bridgetest.NewJournal()
	if err := w.journal.Append(context.Background(), w.journal.Lease(runID), begun...); err != nil {
		t.Fatal(err)
	}
	w.model = offers(&seen, says("Second life."))
	w.run()
	if diff := cmp.Diff(second, seen[0]); diff != "" {
		t.Errorf("offered (-first life +second life):\n%s", diff)
	}
}

func TestArgumentsThatDoNotFitAreExplainedAndNotSent(t *testing.T) {
	w := newWorld(t).crowd(1)
	var told []string
	w.model = answers(
		asks(openai.Call{ID: "a", Name: "lamp_dim", Arguments: `{"room":"hall","percent":900}`}),
		asks(openai.Call{ID: "b", Name: "lamp_dim", Arguments: `{"room":"hall","percent":40}`}),
		says("It is dimmed."))
	task := w.task()
	task.Refused = func(_ context.Context, tool, arguments, why string) { told = append(told, tool+" "+arguments+" "+why) }
	outcome, err := bridge.New(w.model, w.options).Run(context.Background(), task)
	if err != nil || outcome.Status != bridge.Succeeded {
		t.Fatalf("outcome %+v, %v", outcome, err)
	}
	results := w.results()
	if r := results[0]; !r.IsError || r.Code != bridge.InvalidArguments || !strings.Contains(r.Content, "percent") || !strings.Contains(r.Content, "100") {
		t.Errorf("the model was told %+v", r)
	}
	if results[1].IsError || len(w.calls()) != 1 {
		t.Errorf("calls %v, second result %+v", w.calls(), results[1])
	}
	if len(told) != 1 || !strings.HasPrefix(told[0], `lamp_dim {"room":"hall","percent":900} `) {
		t.Errorf("the record was told %q", told)
	}
}

func TestLeftOutNullsDoNotReachTheTool(t *testing.T) {
	w := newWorld(t).crowd(1)
	w.model = answers(asks(openai.Call{ID: "a", Name: "lamp_dim", Arguments: `{"room":"hall","percent":null}`}), says("It is dimmed."))
	w.run()
	intent := bodies[bridge.Intent](w, bridge.EntryIntent)[0]
	if string(intent.Arguments) != `{"room":"hall"}` {
		t.Errorf("the call was made with %s", intent.Arguments)
	}
}
