package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

func TestLargeResultIsStoredWholeAndReadInParts(t *testing.T) {
	var whole strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&whole, "%d é😀\n", i)
	}
	w := newWorld(t).tool("list", bridge.Read, true, returns(whole.String()))
	w.options.ResultLimit = 1000
	onward := regexp.MustCompile(`(?s)^(.*)\n\[bytes (\d+) to (\d+) of \d+ of the result (r2\.0)(?:; read on with read_result from offset (\d+))?\]$`)
	read := ""
	w.model = modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
		last := r.Messages[len(r.Messages)-1]
		if last.Role != openai.Tool {
			return asks(openai.Call{ID: "a", Name: "list"}), nil
		}
		part := onward.FindStringSubmatch(last.Content)
		if part == nil || len(part[1]) > 1000 {
			t.Fatalf("shown %d bytes: %q", len(last.Content), last.Content)
		}
		if read += part[1]; part[5] == "" {
			return says("read"), nil
		}
		arguments := fmt.Sprintf(`{"handle":%q,"offset":%s}`, part[4], part[5])
		return asks(openai.Call{ID: "a", Name: "read_result", Arguments: arguments}), nil
	})
	w.agent.Budget.Turns = 100
	if got := w.run(); got.Answer != "read" || read != whole.String() {
		t.Errorf("outcome %+v; read %d of %d bytes", got, len(read), whole.Len())
	}
	if w.results()[0].Content != whole.String() {
		t.Error("the journal does not hold the result whole")
	}
	if r := w.results()[1]; len(w.calls()) != 1 || r.Answer != 5 {
		t.Errorf("reading on called %v and was journaled as %d", w.calls(), r.Answer)
	}
}

func TestReadingOnExplainsItsMistakes(t *testing.T) {
	w := newWorld(t).tool("list", bridge.Read, true, returns("aé"))
	call := func(arguments string) openai.Call {
		return openai.Call{Name: "read_result", Arguments: arguments}
	}
	w.model = answers(asks(openai.Call{Name: "list"}), asks(
		call(`{"handle":"r9.9"}`), call(`{}`), call(`{"handle":"r2.0","offset":-1}`), call(`{"handle":"r2.0","offset":3}`),
		call(`{"handle":"r2.0","offset":"1"}`), call(`{"handle":"r2.0","offset":2,"length":1}`), call(`{"handle":"r2.0"}`),
	), says("ok"))
	w.run()
	for i, want := range []string{
		`there is no result with the handle "r9.9"`, `there is no result with the handle ""`, "must not be negative", "offset 3 is past the end: the result has 3 bytes",
		"the arguments of read_result do not fit", "é\n[bytes 1 to 3 of 3", "aé\n[bytes 0 to 3 of 3",
	} {
		if r := w.results()[i+1]; !strings.Contains(r.Content, want) || r.IsError != (i < 5) {
			t.Errorf("result %+v, want %q", r, want)
		}
	}
}

func TestToolNamedReadResultDoesNotClash(t *testing.T) {
	w := newWorld(t).tool("read_result", bridge.Read, true, returns("the tool's"))
	w.model = modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
		if len(r.Messages) > 2 {
			return says(r.Messages[3].Content), nil
		}
		if len(r.Functions) != 2 || r.Functions[0].Name != "read_result" {
			t.Errorf("offered %+v", r.Functions)
		}
		return asks(openai.Call{ID: "a", Name: r.Functions[1].Name}), nil
	})
	if got := w.run(); got.Answer != "the tool's" {
		t.Errorf("answer %q", got.Answer)
	}
}

func TestEmptyResultIsSaidToBeEmpty(t *testing.T) {
	w := newWorld(t).rehearse("scenes:\n  - {when: {turn: 1}, call: [{tool: x}]}\n  - {when: {last_result: '^.the tool returned nothing.$'}, say: ok}\n").
		tool("x", bridge.Read, true, returns(""))
	if got := w.run(); got.Answer != "ok" {
		t.Errorf("answer %q", got.Answer)
	}
}

func TestTaintMarksTheCallsThatFollow(t *testing.T) {
	type tainted struct{}
	w := newWorld(t).rehearse("scenes:\n  - {when: {turn: 1}, call: [{tool: mail_read}]}\n  - {when: {turn: 2}, call: [{tool: note}]}\n  - {say: ok}\n")
	var marks []bool
	look := func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		marks = append(marks, ctx.Value(tainted{}) != nil)
		return mcp.NewToolResultText("x"), nil
	}
	w.server.AddTool(mcp.Tool{
		Name: "mail_read", RawInputSchema: json.RawMessage(`{"type":"object"}`),
		Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: "read", bridge.MetaTaints: true}),
	}, look)
	w.tool("note", bridge.Write, true, look)
	task := w.task()
	task.Taint = func(ctx context.Context) context.Context { return context.WithValue(ctx, tainted{}, true) }
	got, err := bridge.New(w.model, w.options).Run(context.Background(), task)
	if err != nil || !got.Tainted || len(marks) != 2 || marks[0] || !marks[1] {
		t.Errorf("outcome %+v, marks %v, %v", got, marks, err)
	}
}

func TestReadThatTakesTooLongIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := hangingWorld(t, bridge.Read)
		w.run()
		if r := w.results()[0]; r.Code != bridge.TimedOut || !strings.Contains(r.Content, "1m0s") {
			t.Errorf("result %+v", r)
		}
	})
}

func TestWriteThatTakesTooLongIsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := hangingWorld(t, bridge.Write)
		if got := w.run(); got.Reason != bridge.OutcomeOpen || !strings.Contains(got.Answer, "it did not return within 1m0s") || len(w.results()) != 0 {
			t.Errorf("outcome %+v, results %+v", got, w.results())
		}
	})
}

// hangingWorld has a tool whose calls never return.
func hangingWorld(t *testing.T, effect bridge.Effect) *world {
	w := newWorld(t)
	w.options.CallTimeout = time.Minute
	w.model = answers(asks(openai.Call{ID: "a", Name: "x"}), says("ok"))
	return w.tool("x", effect, false, func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
}
