package bridge_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/bridge"
	"drawbridge/bridge/bridgetest"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/rehearsal"
)

// world is everything around a run: tools whose calls are counted, a model, a
// journal and a clock that stands still unless told.
type world struct {
	t       *testing.T
	journal *bridgetest.Journal
	server  *server.MCPServer
	model   bridge.Model
	options bridge.Options
	agent   bridge.Agent
	// between, if set, is put between the session and the server.
	between func(transport.Interface) transport.Interface

	mu       sync.Mutex
	now      time.Time
	worked   time.Duration  // in earlier lives of the run
	made     []string       // names of the tools called, in order
	effects  map[string]int // times a call took effect, by tool and key
	requests []string       // bodies the model server was sent
	ended    bridge.Outcome // of the last life that run saw
}

const runID = "run_1"

func newWorld(t *testing.T) *world {
	w := &world{
		t:       t,
		journal: bridgetest.NewJournal(),
		server:  server.NewMCPServer("tools", "1", server.WithToolCapabilities(false)),
		agent:   bridge.Agent{Name: "desk", Instructions: "You work at the desk.", Model: rehearsal.ModelName},
		now:     time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		effects: map[string]int{},
	}
	w.options.Now = func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now
	}
	t.Cleanup(func() { replays(t, w) })
	return w
}

// rehearse connects the model to a script, over HTTP.
func (w *world) rehearse(script string) *world {
	w.t.Helper()
	loaded, err := rehearsal.Load([]byte(script))
	if err != nil {
		w.t.Fatal(err)
	}
	play := rehearsal.NewServer(loaded, rehearsal.Options{})
	return w.serve(func(rw http.ResponseWriter, r *http.Request) { play.ServeHTTP(rw, r) })
}

// serve connects the model to a handler, over HTTP, and keeps what it is sent.
func (w *world) serve(handler http.HandlerFunc) *world {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // a question that is broken off before it was asked
		}
		w.mu.Lock()
		w.requests = append(w.requests, string(body))
		w.mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		handler(rw, r)
	}))
	w.t.Cleanup(s.Close)
	w.model = openai.New(openai.Options{BaseURL: s.URL + "/v1"})
	return w
}

type modelFunc func(context.Context, openai.Request) (openai.Answer, error)

func (f modelFunc) Complete(ctx context.Context, r openai.Request) (openai.Answer, error) {
	return f(ctx, r)
}

// answers is a model that gives these answers in turn.
func answers(list ...openai.Answer) bridge.Model {
	return modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
		turn := 0
		for _, m := range r.Messages {
			if m.Role == openai.Assistant {
				turn++
			}
		}
		return list[turn], nil
	})
}

func asks(calls ...openai.Call) openai.Answer {
	return openai.Answer{Calls: calls, Finish: openai.FinishCalls, Usage: openai.Usage{Prompt: 10, Completion: 5}}
}

func says(text string) openai.Answer {
	return openai.Answer{Content: text, Finish: openai.FinishStop, Usage: openai.Usage{Prompt: 10, Completion: 5}}
}

type handler = server.ToolHandlerFunc

// tool adds a tool. One that is idempotent takes effect once a key.
func (w *world) tool(name string, effect bridge.Effect, idempotent bool, handle handler) *world {
	w.server.AddTool(mcp.Tool{
		Name: name, Description: "A tool of the test.",
		RawInputSchema: json.RawMessage(`{"type":"object","properties":{"id":{"type":"string"}}}`),
		Meta:           mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: effect, bridge.MetaIdempotent: idempotent}),
	}, w.counted(name, effect, idempotent, handle))
	return w
}

func (w *world) counted(name string, effect bridge.Effect, idempotent bool, handle handler) handler {
	first := map[string]*mcp.CallToolResult{}
	return func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		key, _ := r.Params.Meta.AdditionalFields[bridge.MetaKey].(string)
		w.mu.Lock()
		w.made = append(w.made, name)
		earlier := first[key]
		if effect != bridge.Read && (earlier == nil || !idempotent) {
			w.effects[name+" "+key]++
		}
		w.mu.Unlock()
		if earlier != nil && idempotent {
			return earlier, nil
		}
		result, err := handle(ctx, r)
		w.mu.Lock()
		first[key] = result
		w.mu.Unlock()
		return result, err
	}
}

// returns is a handler with one result.
func returns(text string) handler {
	return func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText(text), nil
	}
}

// session connects to the tools, in process.
func (w *world) session() *bridge.Session {
	w.t.Helper()
	var t transport.Interface = transport.NewInProcessTransport(w.server)
	if w.between != nil {
		t = w.between(t)
	}
	s, err := bridge.Connect(context.Background(), t)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { s.Close() })
	return s
}

func (w *world) task() bridge.Task {
	return bridge.Task{
		Lease: w.journal.Lease(runID), Agent: w.agent, Prompt: "Please see to pi_7.",
		Journal: w.journal, Session: w.session(), Worked: w.worked, Beside: true,
	}
}

// run gives the run to a fresh bridge.
func (w *world) run() bridge.Outcome {
	w.t.Helper()
	outcome, err := bridge.New(w.model, w.options).Run(context.Background(), w.task())
	if err != nil {
		w.t.Fatal(err)
	}
	w.ended = outcome
	return outcome
}

func (w *world) entries() []bridge.Entry {
	w.t.Helper()
	entries, err := w.journal.Entries(context.Background(), runID)
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

// results are the bodies of the journal's result entries.
func (w *world) results() []bridge.Result {
	w.t.Helper()
	return bodies[bridge.Result](w, bridge.EntryResult)
}

func bodies[T any](w *world, kind bridge.EntryKind) []T {
	w.t.Helper()
	var out []T
	for _, e := range w.entries() {
		if e.Kind != kind {
			continue
		}
		var body T
		if err := json.Unmarshal(e.Body, &body); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, body)
	}
	return out
}

func (w *world) calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.made)
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// commits is a journal that notes what kinds of entries were committed together.
type commits struct {
	bridge.Journal
	seen []string
}

func (c *commits) Append(ctx context.Context, lease bridge.Lease, entries ...bridge.Entry) error {
	var kinds []string
	for _, e := range entries {
		kinds = append(kinds, string(e.Kind))
	}
	c.seen = append(c.seen, strings.Join(kinds, " "))
	return c.Journal.Append(ctx, lease, entries...)
}

// resumed is a journal with the first n entries of the run.
func resumed(w *world, n int) *bridgetest.Journal {
	w.t.Helper()
	begun := bridgetest.NewJournal()
	if err := begun.Append(context.Background(), begun.Lease(runID), w.entries()[:n]...); err != nil {
		w.t.Fatal(err)
	}
	return begun
}
