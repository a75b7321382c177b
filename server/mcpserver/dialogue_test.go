package mcpserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/mcpserver"
	"drawbridge/tools"
)

// person answers the questions that a client shows.
type person func(ctx context.Context, params mcp.ElicitationParams) (*mcp.ElicitationResult, error)

func (p person) Elicit(ctx context.Context, request mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	return p(ctx, request.Params)
}

func answering(action mcp.ElicitationResponseAction, content any) *mcp.ElicitationResult {
	return &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: action, Content: content}}
}

// shown are the client options of somebody who sees forms and pages.
func shown(p person) []client.ClientOption {
	return []client.ClientOption{
		client.WithClientCapabilities(mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapability{Form: &struct{}{}, URL: &struct{}{}}}),
		client.WithElicitationHandler(p),
	}
}

const form = `{"type":"object","properties":{"n":{"type":"integer"}}}`

// asking makes a mounted tool that asks and says what it heard.
func asking(questions ...tools.Question) tools.Tool {
	return farDoing("ask", anySchema, func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
		var heard []string
		for _, q := range questions {
			reply, err := tools.Ask(ctx, q)
			switch {
			case errors.Is(err, tools.ErrNobody):
				heard = append(heard, "nobody")
			case err != nil:
				heard = append(heard, err.Error())
			default:
				heard = append(heard, reply.Action+string(reply.Content))
			}
		}
		text, _ := json.Marshal(strings.Join(heard, " "))
		return json.RawMessage(`{"content":[{"type":"text","text":` + string(text) + `}]}`), nil
	})
}

// elicits tells the doors behind which somebody can be asked.
func elicits(door string) bool { return door != "SSE" }

func TestToolAsksThePersonBehindEveryDoor(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{})
			var mu sync.Mutex
			var asked []mcp.ElicitationParams
			f.clientOptions = shown(func(_ context.Context, p mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, p)
				switch len(asked) {
				case 1:
					return answering(mcp.ElicitationResponseActionAccept, map[string]any{"n": 5}), nil
				case 2:
					return answering(mcp.ElicitationResponseActionDecline, map[string]any{"n": 6}), nil
				}
				return answering("shrug", nil), nil
			})
			f.mount(t, asking(
				tools.Question{Message: "How many?", Schema: json.RawMessage(form)},
				tools.Question{Message: "Look", URL: "https://example.com/grant"},
				tools.Question{Message: "Well?", Schema: json.RawMessage(form)},
			))
			s := d.connect(t, f, shop)
			result := s.callTool(t, "far__ask", map[string]any{"a": []any{1.5, "x"}}, "k")
			want, questions := `accept{"n":5} decline cancel`, 3
			if !elicits(d.name) {
				want, questions = "nobody nobody nobody", 0
			}
			if got := textOf(t, result); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if len(asked) != questions {
				t.Fatalf("asked %+v", asked)
			}
			if questions > 0 {
				schema, _ := json.Marshal(asked[0].RequestedSchema)
				if asked[0].Message != "How many?" || !cmp.Equal(decoded(t, schema), decoded(t, []byte(form))) {
					t.Errorf("asked %+v", asked[0])
				}
				if asked[1].Mode != "url" || asked[1].URL != "https://example.com/grant" || asked[1].ElicitationID == "" {
					t.Errorf("asked %+v", asked[1])
				}
			}
			// However many requests it took, it was one call.
			if rows := f.rows(t, 1); len(rows) != 1 || rows[0].Key != "k" || rows[0].Outcome != "ok" {
				t.Errorf("rows %+v", rows)
			}
			again := s.callTool(t, "far__ask", map[string]any{"a": []any{1.5, "x"}}, "k")
			if textOf(t, again) != want || len(asked) != questions {
				t.Errorf("a repeated call asks again: %+v", asked)
			}
		})
	}
}

func decoded(t *testing.T, raw []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestClientThatShowsNoQuestionsHasNobodyToAsk(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, _ string) {
		f.mount(t, asking(tools.Question{Schema: json.RawMessage(form)}))
		result, err := s.CallTool(s.ctx, request("far__ask", map[string]any{}, ""))
		if err != nil || !strings.HasPrefix(textOf(t, result), "denied") { // the desk may not
			t.Fatalf("got %+v, %v", result, err)
		}
	})
	for _, d := range doors {
		f := newFixture(t, mcpserver.Options{})
		f.mount(t, asking(tools.Question{Schema: json.RawMessage(form)}))
		if got := textOf(t, d.connect(t, f, shop).callTool(t, "far__ask", map[string]any{}, "")); got != "nobody" {
			t.Errorf("%s: got %q", d.name, got)
		}
	}
}

func TestQuestionThatTheClientCannotShowIsNotAsked(t *testing.T) {
	nobodyAsks := person(func(_ context.Context, p mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
		t.Errorf("asked %+v", p)
		return answering("accept", nil), nil
	})
	both := mcp.ElicitationCapability{Form: &struct{}{}, URL: &struct{}{}}
	for _, test := range []struct {
		name     string
		shows    mcp.ElicitationCapability
		question tools.Question
		want     string
	}{
		{"pages, to a client that names no kind", mcp.ElicitationCapability{}, tools.Question{URL: "https://example.com"}, "nobody"},
		{"pages, to a client with forms", mcp.ElicitationCapability{Form: &struct{}{}}, tools.Question{URL: "https://example.com"}, "nobody"},
		{"forms, to a client with pages", mcp.ElicitationCapability{URL: &struct{}{}}, tools.Question{Schema: json.RawMessage(form)}, "nobody"},
		{"a script", both, tools.Question{URL: "javascript:alert(1)"}, "is no address of a web page"},
		{"a file", both, tools.Question{URL: "file:///etc/passwd"}, "is no address of a web page"},
		{"no schema", both, tools.Question{Message: "?"}, "not a JSON object"},
		{"a broken schema", both, tools.Question{Schema: json.RawMessage(`{"type":`)}, "not a JSON object"},
	} {
		for _, d := range doors[:2] {
			f := newFixture(t, mcpserver.Options{})
			f.clientOptions = append(shown(nobodyAsks), client.WithClientCapabilities(mcp.ClientCapabilities{Elicitation: &test.shows}))
			f.mount(t, asking(test.question))
			if got := textOf(t, d.connect(t, f, shop).callTool(t, "far__ask", map[string]any{}, "")); !strings.Contains(got, test.want) {
				t.Errorf("%s, %s: got %q", test.name, d.name, got)
			}
		}
	}
}

func TestPersonWhoDoesNotAnswerInTimeMadeNoChoice(t *testing.T) {
	for _, d := range doors {
		if !elicits(d.name) {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{AskTimeout: 10 * time.Millisecond})
			heard := make(chan struct{})
			f.clientOptions = shown(func(context.Context, mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
				<-heard // a client of protocol 2026-07-28 asks between two requests
				return answering("accept", nil), nil
			})
			f.mount(t, farDoing("ask", anySchema, func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
				reply, err := tools.Ask(ctx, tools.Question{Schema: json.RawMessage(form)})
				if err != nil || reply.Action != tools.Cancel {
					t.Errorf("got %+v, %v", reply, err)
				}
				close(heard)
				return nil, nil
			}))
			s := d.connect(t, f, shop)
			_, _ = s.CallTool(s.ctx, request("far__ask", map[string]any{}, ""))
			await(t, heard, "the reply that stands for no choice")
		})
	}
}

func TestClosingDoesNotWaitForAPerson(t *testing.T) {
	for _, d := range doors {
		if !elicits(d.name) {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{})
			asked, closed := make(chan struct{}), make(chan struct{})
			f.clientOptions = shown(func(context.Context, mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
				close(asked)
				<-closed
				return answering("accept", nil), nil
			})
			f.mount(t, asking(tools.Question{Schema: json.RawMessage(form)}))
			s := d.connect(t, f, shop)
			go func() { _, _ = s.CallTool(s.ctx, request("far__ask", map[string]any{}, "")) }()
			await(t, asked, "the question")
			err := f.Close(t.Context())
			close(closed)
			if err != nil {
				t.Error(err)
			}
			if row := f.rows(t, 1)[0]; row.Tool != "far__ask" || row.Outcome != "ok" {
				t.Errorf("row %+v", row)
			}
		})
	}
}

// modern makes a request of protocol 2026-07-28 by hand, so that a test can answer
// as no client would.
// A client of protocol 2026-07-28 has no request open while it asks: nobody notices
// that it goes away then, and AskTimeout ends the question.
func TestQuestionEndsWhenTheCallerGoesAway(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	asked, done := make(chan struct{}), make(chan struct{})
	defer close(done)
	f.clientOptions = shown(func(context.Context, mcp.ElicitationParams) (*mcp.ElicitationResult, error) {
		close(asked)
		<-done
		return answering("accept", nil), nil
	})
	replies := make(chan tools.Reply, 1)
	f.mount(t, farDoing("ask", anySchema, func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
		reply, err := tools.Ask(ctx, tools.Question{Schema: json.RawMessage(form)})
		replies <- reply
		return nil, err
	}))
	s := connectLegacyHTTP(t, f, shop)
	ctx, goAway := context.WithCancel(s.ctx)
	defer goAway()
	go func() { _, _ = s.CallTool(ctx, request("far__ask", map[string]any{}, "")) }()
	await(t, asked, "the question")
	goAway()
	if reply := await(t, replies, "the reply"); reply.Action != tools.Cancel {
		t.Errorf("got %+v", reply)
	}
	if row := f.rows(t, 1)[0]; row.Outcome != "ok" { // a write goes on
		t.Errorf("row %+v", row)
	}
}
