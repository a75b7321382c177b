package mcpserver_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/mcpserver"
	"drawbridge/tools"
)

func (f *fixture) modern(t *testing.T, key, params string) (result struct {
	ResultType    string                     `json:"resultType"`
	RequestState  string                     `json:"requestState"`
	InputRequests map[string]json.RawMessage `json:"inputRequests"`
	IsError       bool                       `json:"isError"`
	Content       []struct{ Text string }    `json:"content"`
}) {
	t.Helper()
	answer := f.send(t, "POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{`+params+`,"_meta":{
		"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}}`,
		"Authorization", "Bearer "+key, mcp.HeaderProtocolVersion, "2026-07-28", mcp.HeaderMethod, "tools/call", mcp.HeaderName, nameIn(params))
	var response struct{ Result json.RawMessage }
	if err := json.Unmarshal([]byte(answer.body), &response); err != nil || response.Result == nil {
		t.Fatalf("got %d %s", answer.status, answer.body)
	}
	if err := json.Unmarshal(response.Result, &result); err != nil {
		t.Fatal(err)
	}
	return result
}

func nameIn(params string) string {
	_, rest, _ := strings.Cut(params, `"name":"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

func TestStateServesOnceAndOnlyItsOwnCall(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	f.mount(t, asking(tools.Question{Message: "Sure?", Schema: json.RawMessage(form)}))
	const call = `"name":"far__ask","arguments":{"a":1}`
	first := f.modern(t, shopKey, call)
	if first.ResultType != "input_required" || first.RequestState == "" || !strings.Contains(string(first.InputRequests["answer"]), "Sure?") {
		t.Fatalf("got %+v", first)
	}
	answered := func(state string) string {
		return `,"requestState":"` + state + `","inputResponses":{"answer":{"action":"accept","content":{"n":1}}}`
	}
	for name, attempt := range map[string]struct{ key, params string }{
		"another state":     {shopKey, call + answered(first.RequestState[1:]+"A")},
		"another principal": {deskKey, call + answered(first.RequestState)},
		"another tool":      {shopKey, `"name":"note_read","arguments":{"a":1}` + answered(first.RequestState)},
		"other arguments":   {shopKey, `"name":"far__ask","arguments":{"a":2}` + answered(first.RequestState)},
	} {
		if got := f.modern(t, attempt.key, attempt.params); !got.IsError || got.ResultType != "complete" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if got := f.modern(t, shopKey, call+answered(first.RequestState)); got.IsError || got.Content[0].Text != `accept{"n":1}` {
		t.Errorf("its own: got %+v", got)
	}
	again := f.modern(t, shopKey, call+answered(first.RequestState))
	if !again.IsError || !strings.Contains(again.Content[0].Text, "requestState") {
		t.Errorf("once more: got %+v", again)
	}
	rows := f.rows(t, 6)
	allowed := 0
	for _, row := range rows {
		if row.Decision == guard.Allowed {
			allowed++
		}
	}
	if len(rows) != 6 || allowed != 1 {
		t.Errorf("%d allowed of %d rows: %+v", allowed, len(rows), rows)
	}
}

func TestStateIsClaimedByOneRequestAlone(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	goOn := make(chan struct{})
	f.mount(t, farDoing("ask", anySchema, func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
		_, err := tools.Ask(ctx, tools.Question{Schema: json.RawMessage(form)})
		<-goOn
		return nil, err
	}))
	const call = `"name":"far__ask","arguments":{}`
	params := call + `,"requestState":"` + f.modern(t, shopKey, call).RequestState + `","inputResponses":{"answer":{"action":"accept"}}`
	results := make(chan bool, 8)
	for range cap(results) {
		go func() { results <- f.modern(t, shopKey, params).IsError }()
	}
	for range cap(results) - 1 {
		if !await(t, results, "a refusal") {
			t.Error("two requests go on with one call")
		}
	}
	close(goOn)
	if await(t, results, "the result") {
		t.Error("nobody got the result")
	}
}

func TestAnswerThatIsMissingIsNoChoice(t *testing.T) {
	for _, responses := range []string{``, `,"inputResponses":{}`, `,"inputResponses":{"other":{"action":"accept"}}`, `,"inputResponses":{"answer":5}`} {
		f := newFixture(t, mcpserver.Options{})
		f.mount(t, asking(tools.Question{Schema: json.RawMessage(form)}))
		const call = `"name":"far__ask","arguments":{}`
		state := f.modern(t, shopKey, call).RequestState
		if got := f.modern(t, shopKey, call+`,"requestState":"`+state+`"`+responses); got.IsError || got.Content[0].Text != "cancel" {
			t.Errorf("%s: got %+v", responses, got)
		}
	}
}

func TestClientThatGoesAwayWhileAReadWaitsEndsIt(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	began, ended := make(chan struct{}), make(chan struct{})
	f.do = func(ctx context.Context, _ note) (saved, error) {
		close(began)
		<-ctx.Done()
		close(ended)
		return saved{}, ctx.Err()
	}
	f.clientOptions = shown(nil)
	s := connectHTTP(t, f, desk)
	ctx, goAway := context.WithCancel(auth.With(t.Context(), desk))
	go func() { _, _ = s.CallTool(ctx, request("note_read", map[string]any{"text": "x"}, "")) }()
	await(t, began, "the call")
	goAway()
	await(t, ended, "its end")
	if row := f.rows(t, 1)[0]; row.Outcome != "cancelled" { // in this era that is what going away means
		t.Errorf("row %+v", row)
	}
}

// A client of protocol 2026-07-28 that goes away between two requests is not seen to:
// but once its state is worth nothing, nobody can ever have the result.
func TestCallWhoseQuestionNobodyAnswersEnds(t *testing.T) {
	f := newFixture(t, mcpserver.Options{AskTimeout: 10 * time.Millisecond})
	ended := make(chan struct{})
	f.do = func(ctx context.Context, _ note) (saved, error) {
		reply, err := tools.Ask(ctx, tools.Question{Schema: json.RawMessage(form)})
		if err != nil || reply.Action != tools.Cancel {
			t.Errorf("got %+v, %v", reply, err)
		}
		select {
		case <-ctx.Done():
			close(ended)
		case <-t.Context().Done(): // the test has given up
		}
		return saved{}, ctx.Err()
	}
	if got := f.modern(t, deskKey, `"name":"note_read","arguments":{"text":"x"}`); got.ResultType != "input_required" {
		t.Fatalf("got %+v", got)
	}
	await(t, ended, "the end of the call")
}

func TestWriteWhoseQuestionNobodyAnswersAsksNoFurther(t *testing.T) {
	f := newFixture(t, mcpserver.Options{AskTimeout: 100 * time.Millisecond})
	heard := make(chan string, 1)
	f.mount(t, farDoing("ask", anySchema, func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
		var all string
		for range 100 { // ten seconds of patience
			reply, err := tools.Ask(ctx, tools.Question{Schema: json.RawMessage(form)})
			if err != nil {
				t.Error(err)
			}
			all += reply.Action[:1]
		}
		heard <- all
		return nil, nil
	}))
	f.modern(t, shopKey, `"name":"far__ask","arguments":{}`)
	if got := await(t, heard, "the replies"); got != strings.Repeat("c", 100) {
		t.Errorf("got %s", got)
	}
	if row := f.rows(t, 1)[0]; row.Outcome != "ok" { // a write goes on to its end
		t.Errorf("row %+v", row)
	}
}
