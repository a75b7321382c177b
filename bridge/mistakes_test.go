package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"pgregory.net/rapid"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// heard is a transport that notes which tools were called, known or not.
type heard struct {
	transport.Interface
	mu    *sync.Mutex
	names *[]string
}

func (h heard) SendRequest(ctx context.Context, r transport.JSONRPCRequest) (*transport.JSONRPCResponse, error) {
	if r.Method == string(mcp.MethodToolsCall) {
		var params struct{ Name string }
		raw, _ := json.Marshal(r.Params)
		json.Unmarshal(raw, &params)
		h.mu.Lock()
		*h.names = append(*h.names, params.Name)
		h.mu.Unlock()
	}
	return h.Interface.SendRequest(ctx, r)
}

func (w *world) hear() *[]string {
	var mu sync.Mutex
	names := new([]string)
	w.between = func(t transport.Interface) transport.Interface { return heard{t, &mu, names} }
	return names
}

func TestMalformedArgumentsAreExplainedNotCalled(t *testing.T) {
	for arguments, want := range map[string]string{
		`{"id": `:       `not valid JSON: unexpected end of JSON input at byte 6, after "{\"id\":"`,
		`{"id": 7,}`:    `invalid character '}' looking for beginning of object key string at byte 9, after "{\"id\": 7,"`,
		`["pi_7"]`:      `JSON, but not an object: "[\"pi_7\"]"`,
		`"{}"`:          `JSON, but not an object`,
		`{} {}`:         `invalid character '{' after top-level value at byte 3`,
		`id=7`:          `invalid character 'i' looking for beginning of value at byte 0, after ""`,
		"{\"a\":\"\n\"": `invalid character '\n' in string literal`,
	} {
		t.Run(arguments, func(t *testing.T) {
			w := newWorld(t).tool("crm_note", bridge.Write, true, returns("noted"))
			w.model = answers(asks(openai.Call{ID: "a", Name: "crm_note", Arguments: arguments}), says("sorry"))
			if got := w.run(); got.Answer != "sorry" || len(w.calls()) != 0 {
				t.Errorf("outcome %+v, called %v", got, w.calls())
			}
			r := w.results()[0]
			if r.Code != bridge.MalformedArguments || !r.IsError || !strings.Contains(r.Content, want) {
				t.Errorf("result %+v, want %q", r, want)
			}
			if asked := bodies[openai.Answer](w, bridge.EntryAnswer)[0].Calls[0].Arguments; asked != arguments {
				t.Errorf("journaled arguments %q, want them as they were", asked)
			}
		})
	}
}

func TestNoArgumentsAreAnEmptyObject(t *testing.T) {
	for _, arguments := range []string{"", "  ", "null", "{}"} {
		w := newWorld(t)
		var got any
		w.tool("crm_note", bridge.Write, true, func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			got = r.Params.Arguments
			return mcp.NewToolResultText("noted"), nil
		})
		w.model = answers(asks(openai.Call{ID: "a", Name: "crm_note", Arguments: arguments}), says("ok"))
		w.run()
		if diff := cmp.Diff(map[string]any{}, got); diff != "" {
			t.Errorf("%q: %s", arguments, diff)
		}
	}
}

func TestUnknownFunctionIsPassedOnAndExplained(t *testing.T) {
	w := newWorld(t).rehearse(`
scenes:
  - when: {turn: 1}
    call: [{tool: crm_get_custmer}, {tool: completely_different}]
  - say: I see.
`).tool("crm_get_customer", bridge.Read, true, returns("Ada"))
	names := w.hear()
	if got := w.run(); got.Answer != "I see." {
		t.Errorf("outcome %+v", got)
	}
	if diff := cmp.Diff([]string{"crm_get_custmer", "completely_different"}, *names); diff != "" {
		t.Errorf("the server must see, and record, every attempt:\n%s", diff)
	}
	r := w.results()
	for i, want := range []string{
		`there is no function "crm_get_custmer". Did you mean crm_get_customer? Call only functions that were offered`,
		`there is no function "completely_different". Call only`,
	} {
		if r[i].Code != bridge.UnknownFunction || !strings.HasPrefix(r[i].Content, want) {
			t.Errorf("result %+v, want %q", r[i], want)
		}
	}
}

func TestNameThatNoToolCanHaveIsExplainedOnly(t *testing.T) {
	for _, name := range []string{"", "crm get customer", strings.Repeat("x", 129), "crm_get_customer\n"} {
		w := newWorld(t).tool("crm_get_customer", bridge.Read, true, returns("Ada"))
		names := w.hear()
		w.model = answers(asks(openai.Call{ID: "a", Name: name}), says("I see."))
		w.run()
		if r := w.results()[0]; r.Code != bridge.UnknownFunction || len(*names) != 0 {
			t.Errorf("%q: result %+v, called %v", name, r, *names)
		}
	}
}

func TestMissingAndRepeatedCallIDsAreMended(t *testing.T) {
	w := newWorld(t).tool("a", bridge.Read, true, returns("x"))
	w.model = answers(asks(
		openai.Call{Name: "a"}, openai.Call{ID: "c", Name: "a"}, openai.Call{ID: "c", Name: "a"}, openai.Call{ID: "call_2_0", Name: "a"},
	), says("ok"))
	w.run()
	var ids []string
	for _, r := range w.results() {
		ids = append(ids, r.CallID)
	}
	if diff := cmp.Diff([]string{"call_2_0_", "c", "call_2_2", "call_2_0"}, ids); diff != "" {
		t.Error(diff)
	}
}

// TestWhateverTheModelSaysTheNextRequestIsLegal has a model talk nonsense and
// shows each request that follows to the rehearsal model, which refuses what
// OpenAI would refuse.
func TestWhateverTheModelSaysTheNextRequestIsLegal(t *testing.T) {
	judge := newWorld(t).rehearse("scenes:\n  - say: legal\n").model
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t).
			tool("known", bridge.Read, true, returns("")).
			tool("wri.te", bridge.Write, false, returns(strings.Repeat("é", 9000))).
			tool("read_result", bridge.Read, true, returns("mine"))
		name := rapid.OneOf(rapid.SampledFrom([]string{"known", "read_result", "wri.te", ""}), rapid.String())
		arguments := rapid.OneOf(rapid.SampledFrom([]string{"{}", "", "null", "[", `{"handle":"r2.0","offset":3}`}), rapid.String())
		turns := rapid.IntRange(1, 4).Draw(rt, "turns")
		w.model = modelFunc(func(ctx context.Context, r openai.Request) (openai.Answer, error) {
			if _, err := judge.Complete(ctx, r); err != nil {
				rt.Fatalf("%v\n%+v", err, r.Messages)
			}
			if turns--; turns < 0 {
				return says("done"), nil
			}
			a := asks()
			a.Content = rapid.String().Draw(rt, "content")
			for range rapid.IntRange(1, 4).Draw(rt, "calls") {
				a.Calls = append(a.Calls, openai.Call{
					ID:   rapid.SampledFrom([]string{"", "x", "call_2_1", "call_2_1_"}).Draw(rt, "id"),
					Name: name.Draw(rt, "name"), Arguments: arguments.Draw(rt, "arguments"),
				})
			}
			return a, nil
		})
		if got := w.run(); got.Answer != "done" {
			rt.Fatalf("outcome %+v", got)
		}
	})
}

func TestBrokenToolOfAWriteLeavesItsOutcomeInDoubt(t *testing.T) {
	for _, effect := range []bridge.Effect{bridge.Read, bridge.Money} {
		w := newWorld(t)
		w.model = answers(asks(openai.Call{ID: "a", Name: "x"}), says("ok"))
		w.tool("x", effect, false, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return nil, fmt.Errorf("half way")
		})
		got := w.run()
		if effect == bridge.Money {
			if got.Reason != bridge.OutcomeOpen || !strings.Contains(got.Answer, "half way") || len(w.results()) != 0 {
				t.Errorf("%s: outcome %+v", effect, got)
			}
			continue
		}
		if r := w.results()[0]; r.Code != "" || !r.IsError || !strings.Contains(r.Content, "half way") {
			t.Errorf("%s: result %+v", effect, r)
		}
	}
}
