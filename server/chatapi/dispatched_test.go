package chatapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/openaitest"
	"drawbridge/server/auth"
	"drawbridge/server/callback"
	"drawbridge/server/chatapi"
	"drawbridge/server/chatapi/chattest"
	"drawbridge/server/dispatch"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// house is a chat door with everything behind it: a dispatcher, a store in a file,
// a tool, and a model that says what a test has it say.
type house struct {
	t     *testing.T
	model *openaitest.Server
	store *state.Store
	url   string
	notes atomic.Int32 // calls of crm_note
	stop  func()
}

func newHouse(t *testing.T, o chatapi.Options) *house {
	t.Helper()
	h := &house{t: t, model: openaitest.New(t)}
	var err error
	if h.store, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), state.Owned, state.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	session := h.connect()
	d := dispatch.New(h.store, bridge.New(openai.New(openai.Options{BaseURL: h.model.URL()}), bridge.Options{}),
		func(ctx context.Context, _ dispatch.Run) (context.Context, *bridge.Session, error) {
			return ctx, session, nil
		},
		callback.NewSender(callback.Options{}), dispatch.Settings{Agents: map[string]bridge.Agent{"desk": {Name: "desk", Model: "gpt-x"}}}, dispatch.Options{})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var working sync.WaitGroup
	working.Go(func() { d.Run(ctx) })
	h.stop = func() { cancel(); working.Wait() }
	api := chatapi.New(d, []chatapi.Agent{{Name: "desk"}}, o)
	principal := auth.Principal{Kind: auth.Key, Name: "desk", Agents: []string{"*"}}
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.ServeHTTP(w, r.WithContext(auth.With(r.Context(), principal)))
	}))
	h.url = door.URL + "/v1/chat/completions"
	t.Cleanup(func() { door.CloseClientConnections(); door.Close(); h.stop() })
	return h
}

func (h *house) connect() *bridge.Session {
	h.t.Helper()
	tools := server.NewMCPServer("tools", "1", server.WithToolCapabilities(false))
	tools.AddTool(mcp.Tool{Name: "crm_note", RawInputSchema: json.RawMessage(`{"type":"object","properties":{}}`),
		Meta: mcp.NewMetaFromMap(map[string]any{bridge.MetaEffect: bridge.Write})},
		func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			h.notes.Add(1)
			return mcp.NewToolResultText("noted"), nil
		})
	session, err := bridge.Connect(h.t.Context(), transport.NewInProcessTransport(tools))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = session.Close() })
	return session
}

// post sends a request to the door.
func (h *house) post(ctx context.Context, body string, headers ...string) *http.Response {
	h.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.(*http.Transport).RoundTrip(r)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// stream posts a request for a stream with usage, and reads it.
func (h *house) stream(more, messages string, headers ...string) (*chattest.Stream, *http.Response) {
	h.t.Helper()
	response := h.post(h.t.Context(), `{"model":"desk","stream":true,"stream_options":{"include_usage":true},`+more+`"messages":[`+messages+`]}`, headers...)
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		h.t.Fatalf("%d %s", response.StatusCode, body)
	}
	s := chattest.Read(response.Body, chattest.Asked{Usage: true, Own: []string{"ring"}})
	for _, rule := range s.Broken {
		h.t.Errorf("broken: %s", rule)
	}
	return s, response
}

const hi = `{"role":"user","content":"hi"}`

// usageOf is what the journal says that a run has used.
func (h *house) usageOf(run string) bridge.Usage {
	h.t.Helper()
	entries, err := h.store.Entries(h.t.Context(), run)
	if err != nil {
		h.t.Fatal(err)
	}
	used, err := bridge.UsageOf(run, entries)
	if err != nil {
		h.t.Fatal(err)
	}
	return used
}

// settled waits for a run to come to its end.
func (h *house) settled(run string) dispatch.Run {
	h.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		r, err := h.store.Run(h.t.Context(), run)
		if err != nil {
			h.t.Fatal(err)
		}
		if r.State.Ended() {
			return r
		}
		<-time.After(5 * time.Millisecond) // the store tells nobody
	}
	h.t.Fatalf("run %s does not end", run)
	return dispatch.Run{}
}

func TestRunBehindAStreamIsDurableAndItsUsageIsTheJournals(t *testing.T) {
	h := newHouse(t, chatapi.Options{})
	h.model.Answer(openaitest.Call("crm_note", `{}`, openaitest.WithText("Let me note that.")), openaitest.Call("crm_note", `{}`), openaitest.Say("Noted twice, as you asked.", openaitest.Pieces(9)))
	s, response := h.stream("", hi)
	if s.Content != "Let me note that.\n\nNoted twice, as you asked." || s.Finish != "stop" || h.notes.Load() != 2 {
		t.Errorf("said %q, finish %q, %d notes", s.Content, s.Finish, h.notes.Load())
	}
	run := response.Header.Get("X-Drawbridge-Run")
	used := h.usageOf(run)
	if s.Usage.Prompt != used.PromptTokens || s.Usage.Completion != used.CompletionTokens || used.Turns != 3 || used.PromptTokens == 0 {
		t.Errorf("usage %+v, the journal says %+v", s.Usage, used)
	}
	stored, err := h.store.Run(t.Context(), run)
	if err != nil || stored.State != dispatch.Succeeded || stored.Owner != "key:desk" || stored.Source != "chat" || stored.Prompt != "hi" {
		t.Errorf("%+v, %v", stored, err)
	}
}

// ring is the client's own function.
const ring = `"tools":[{"type":"function","function":{"name":"ring","parameters":{"type":"object","properties":{}}}}],`

// rung is the conversation with the answer that called it, and a result.
func rung(s *chattest.Stream, result string) string {
	content, _ := json.Marshal(s.Content)
	calls, _ := json.Marshal(s.Calls)
	return hi + `,{"role":"assistant","content":` + string(content) + `,"tool_calls":` + string(calls) + `},{"role":"tool","tool_call_id":"` + s.Calls[0].ID + `","content":"` + result + `"}`
}

func TestClientsOwnCallGoesOnInTheSameRun(t *testing.T) {
	h := newHouse(t, chatapi.Options{})
	h.model.Answer(openaitest.Calls([]openaitest.ToolCall{{Name: "crm_note", Arguments: `{}`}, {Name: "ring", Arguments: `{}`}}), openaitest.Say("It rang."), openaitest.Say("It rang, I said."))
	first, begun := h.stream(ring, hi)
	if len(first.Calls) != 1 || first.Finish != "tool_calls" || first.Run.State != "waiting" || h.notes.Load() != 1 {
		t.Fatalf("%+v, %d notes", first, h.notes.Load())
	}
	second, gone := h.stream(ring, rung(first, "riing"), "Idempotency-Key", "reply-1")
	run := begun.Header.Get("X-Drawbridge-Run")
	if second.Content != "It rang." || gone.Header.Get("X-Drawbridge-Run") != run || second.ID == first.ID {
		t.Errorf("said %q in %s, %s", second.Content, gone.Header.Get("X-Drawbridge-Run"), second.ID)
	}
	if used := h.usageOf(run); first.Usage.Prompt+second.Usage.Prompt != used.PromptTokens || first.Usage.Completion+second.Usage.Completion != used.CompletionTokens {
		t.Errorf("%+v and %+v do not add up to %+v", first.Usage, second.Usage, used)
	}
	// Sent again under its key: the same answer, and nothing is asked or done again.
	again, _ := h.stream(ring, rung(first, "riing"), "Idempotency-Key", "reply-1")
	if again.Content != "It rang." || again.ID != second.ID || *again.Usage != *second.Usage {
		t.Errorf("again: %+v", again)
	}
	// Without the key the answer is wanted anew: a new run, of the whole conversation.
	anew, other := h.stream(ring, rung(first, "riing"))
	if anew.Content != "It rang, I said." || other.Header.Get("X-Drawbridge-Run") == run || h.notes.Load() != 1 {
		t.Errorf("anew: said %q in %s", anew.Content, other.Header.Get("X-Drawbridge-Run"))
	}
}

// A program sends its results whatever a person has decided meanwhile.
func TestResultsDoNotCarryOnWhatWasCancelled(t *testing.T) {
	h := newHouse(t, chatapi.Options{})
	h.model.Answer(openaitest.Call("ring", `{}`), openaitest.Say("You stopped me."))
	first, _ := h.stream(ring, hi)
	if _, err := h.store.RequestCancel(t.Context(), first.Run.Run, "enough"); err != nil {
		t.Fatal(err)
	}
	response := h.post(t.Context(), `{"model":"desk",`+ring+`"messages":[`+rung(first, "riing")+`]}`)
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "run_cancelled") || !strings.Contains(string(body), first.Run.Run) {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	// Somebody who speaks wants to go on.
	if anew, _ := h.stream(ring, rung(first, "riing")+`,{"role":"user","content":"And now?"}`); anew.Content != "You stopped me." || anew.Run.Run == first.Run.Run {
		t.Errorf("%+v", anew)
	}
}

func TestRetriedRequestJoinsTheRunOfItsKey(t *testing.T) {
	h := newHouse(t, chatapi.Options{})
	gate := openaitest.NewGate()
	h.model.Answer(openaitest.Call("crm_note", `{}`), openaitest.Say("Noted, at long last.", openaitest.Pieces(5), openaitest.Hold(2, gate)))
	streams := make([]*chattest.Stream, 2)
	var both sync.WaitGroup
	for i := range streams {
		both.Go(func() { streams[i], _ = h.stream("", hi, "Idempotency-Key", "once") })
	}
	<-gate.Reached()
	gate.Open()
	both.Wait()
	late, response := h.stream("", hi, "Idempotency-Key", "once")
	for _, s := range append(streams, late) {
		if s.Content != "Noted, at long last." || s.Run.Run != response.Header.Get("X-Drawbridge-Run") || s.ID != late.ID || *s.Usage != *late.Usage {
			t.Errorf("said %q in %s: %+v", s.Content, s.Run.Run, s.Usage)
		}
	}
	if h.notes.Load() != 1 {
		t.Errorf("noted %d times", h.notes.Load())
	}
	other := h.post(t.Context(), `{"model":"desk","messages":[{"role":"user","content":"ho"}]}`, "Idempotency-Key", "once")
	if other.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another request under the key: %d", other.StatusCode)
	}
}

// OpenAI's own clients send a request again by themselves when they lost the connection,
// without a key, and say so.
func TestRequestSentAgainByAClientJoinsItsRunWithoutAKey(t *testing.T) {
	h := newHouse(t, chatapi.Options{})
	h.model.Answer(openaitest.Call("crm_note", `{}`), openaitest.Say("Noted."), openaitest.Say("Another day."),
		openaitest.Call("ring", `{}`), openaitest.Say("It rang."))
	first, _ := h.stream("", hi)
	again, _ := h.stream("", hi, "X-Stainless-Retry-Count", "1")
	if again.Content != "Noted." || again.Run.Run != first.Run.Run || h.notes.Load() != 1 {
		t.Errorf("again: said %q in %s, %d notes", again.Content, again.Run.Run, h.notes.Load())
	}
	other, _ := h.stream("", hi, "X-Stainless-Retry-Count", "0")
	if other.Content != "Another day." || other.Run.Run == first.Run.Run {
		t.Errorf("the same question, asked anew: said %q in %s", other.Content, other.Run.Run)
	}
	asked, _ := h.stream(ring, hi)
	rings := rung(asked, "riing")
	rang, _ := h.stream(ring, rings)
	retold, _ := h.stream(ring, rings, "X-Stainless-Retry-Count", "2")
	if rang.Content != "It rang." || retold.Content != "It rang." || retold.Run.Run != asked.Run.Run || retold.ID != rang.ID {
		t.Errorf("results again: %+v and %+v", rang, retold)
	}
}

func TestRequestSentAgainAfterAFailureThatDidNothingIsTriedAnew(t *testing.T) {
	h := newHouse(t, chatapi.Options{})
	h.model.Answer(openaitest.Fail(http.StatusBadRequest, openaitest.ErrorIs("invalid_request_error", "odd", "no")), openaitest.Say("Well again."))
	if failed := h.post(t.Context(), `{"model":"desk","messages":[`+hi+`]}`); failed.StatusCode != http.StatusBadGateway {
		t.Fatalf("%d", failed.StatusCode)
	}
	body, _ := io.ReadAll(h.post(t.Context(), `{"model":"desk","messages":[`+hi+`]}`, "X-Stainless-Retry-Count", "1").Body)
	if !strings.Contains(string(body), "Well again.") {
		t.Errorf("%s", body)
	}
}

func TestRunOfAClientThatGoesEndsAsItsCallerSaid(t *testing.T) {
	for wish, want := range map[string]dispatch.State{"cancel": dispatch.Cancelled, "continue": dispatch.Succeeded} {
		h := newHouse(t, chatapi.Options{})
		gate := openaitest.NewGate()
		h.model.Answer(openaitest.Say("One two three.", openaitest.Pieces(4), openaitest.Hold(3, gate)))
		ctx, leave := context.WithCancel(t.Context())
		response := h.post(ctx, `{"model":"desk","stream":true,"messages":[`+hi+`]}`, "X-Drawbridge-On-Disconnect", wish)
		next(t, bufio.NewReader(response.Body), `"content":"One`)
		<-gate.Reached()
		leave()
		if wish == "continue" {
			gate.Open()
		}
		if run := h.settled(response.Header.Get("X-Drawbridge-Run")); run.State != want {
			t.Errorf("%s: %s, %s", wish, run.State, run.Reason)
		}
		gate.Open()
	}
}

func TestStoppedServerEndsItsStreams(t *testing.T) {
	h := newHouse(t, chatapi.Options{})
	gate := openaitest.NewGate()
	h.model.Answer(openaitest.Say("One two three.", openaitest.Pieces(4), openaitest.Hold(3, gate)))
	response := h.post(t.Context(), `{"model":"desk","stream":true,"messages":[`+hi+`]}`)
	body := bufio.NewReader(response.Body)
	read := next(t, body, `"content":"One`)
	<-gate.Reached()
	h.stop()
	rest, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	s := chattest.Read(strings.NewReader(read+string(rest)), chattest.Asked{})
	if s.Error == nil || text(s.Error.Code) != "run_interrupted" || len(s.Broken) > 0 {
		t.Errorf("%+v, broken %q", s.Error, s.Broken)
	}
	refusing := h.post(t.Context(), `{"model":"desk","messages":[`+hi+`]}`)
	if refusing.StatusCode != http.StatusServiceUnavailable || refusing.Header.Get("Retry-After") == "" {
		t.Errorf("afterwards: %d", refusing.StatusCode)
	}
	gate.Open()
}

func TestModelThatIsAwayIsWaitedForAndThenToldOf(t *testing.T) {
	h := newHouse(t, chatapi.Options{Patience: 30 * time.Millisecond})
	h.model.Answer(openaitest.Fail(503))
	h.model.Always(openaitest.Say("Back again."))
	response := h.post(t.Context(), `{"model":"desk","messages":[`+hi+`]}`)
	body, _ := io.ReadAll(response.Body)
	run := response.Header.Get("X-Drawbridge-Run")
	if response.StatusCode != http.StatusFailedDependency || !strings.Contains(string(body), run) || response.Header.Get("X-Should-Retry") != "false" {
		t.Fatalf("%d %s", response.StatusCode, body)
	}
	if r := h.settled(run); r.State != dispatch.Succeeded || r.Answer != "Back again." {
		t.Errorf("%s: %q", r.State, r.Answer)
	}
}

func TestModelThatRefusesTheRequestIsABadGateway(t *testing.T) {
	h := newHouse(t, chatapi.Options{})
	h.model.Answer(openaitest.Fail(401))
	response := h.post(t.Context(), `{"model":"desk","messages":[`+hi+`]}`)
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusBadGateway || !strings.Contains(string(body), "model_error") {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}
