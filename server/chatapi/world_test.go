package chatapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/auth"
	"drawbridge/server/chatapi"
	"drawbridge/server/chatapi/chattest"
	"drawbridge/server/dispatch"
)

const runID = "run_0198f5a0c0de7000800000000000cafe"

// world is a chat door to runs that play a script.
type world struct {
	t    testing.TB
	runs chattest.Runs
	api  *chatapi.API
	key  auth.Principal
}

func newWorld(t testing.TB, o chatapi.Options) *world {
	t.Helper()
	w := &world{t: t, key: auth.Principal{Kind: auth.Key, Name: "desk", Agents: []string{"desk", "clerk*"}}}
	w.api = chatapi.New(&w.runs, []chatapi.Agent{
		{Name: "desk", Created: time.Unix(1_700_000_000, 0)}, {Name: "clerk-json", Output: true}, {Name: "billing"}, {Name: "blind", Blind: true}, {Name: "fileless", NoFiles: true},
		{Name: "responds", API: openai.Responses},
	}, o)
	return w
}

// request is a POST to the door.
func (w *world) request(body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r.WithContext(auth.With(r.Context(), w.key))
}

func (w *world) do(r *http.Request) *chattest.Recorder {
	rec := chattest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	return rec
}

func (w *world) post(body string, headers ...string) *chattest.Recorder {
	return w.do(w.request(body, headers...))
}

// stream posts a request for a stream and holds it against the rules.
func (w *world) stream(asked chattest.Asked, headers ...string) (*chattest.Stream, *chattest.Recorder) {
	w.t.Helper()
	body := `{"model":"desk","stream":true,"messages":[{"role":"user","content":"hi"}]`
	if asked.Usage {
		body += `,"stream_options":{"include_usage":true}`
	}
	rec := w.post(body+"}", headers...)
	s := chattest.Read(strings.NewReader(rec.Body(true)), asked)
	for _, rule := range s.Broken {
		w.t.Errorf("broken: %s\n%s", rule, rec.Body(true))
	}
	return s, rec
}

// answer is what is not streamed.
type answer struct {
	ID, Object, Model string
	Created           int64
	Choices           []struct {
		Index   int
		Message struct {
			Role      string
			Content   *string
			Refusal   *string
			Reasoning string          `json:"reasoning_content"`
			Calls     []chattest.Call `json:"tool_calls"`
		}
		Finish string `json:"finish_reason"`
	}
	Usage      chattest.Usage
	Drawbridge chattest.About
	Error      *chattest.Error
}

func (w *world) whole(headers ...string) (answer, *chattest.Recorder) {
	w.t.Helper()
	rec := w.post(`{"model":"desk","messages":[{"role":"user","content":"hi"}]}`, headers...)
	return decode(w.t, rec), rec
}

func decode(t testing.TB, rec *chattest.Recorder) (a answer) {
	t.Helper()
	if err := json.Unmarshal([]byte(rec.Body(true)), &a); err != nil {
		t.Fatalf("%v in %d %s", err, rec.Status(), rec.Body(true))
	}
	return a
}

// refused checks for an error in OpenAI's shape.
func refused(t testing.TB, rec *chattest.Recorder, status int, param, code string) chattest.Error {
	t.Helper()
	a := decode(t, rec)
	if a.Error == nil || rec.Status() != status {
		t.Fatalf("status %d, want %d: %s", rec.Status(), status, rec.Body(true))
	}
	if got := fmt.Sprintf("%s %s", text(a.Error.Param), text(a.Error.Code)); got != param+" "+code {
		t.Errorf("param and code %q, want %q: %s", got, param+" "+code, a.Error.Message)
	}
	if a.Error.Message == "" || a.Error.Type == "" {
		t.Errorf("says nothing: %s", rec.Body(true))
	}
	return *a.Error
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// The words of scripts.

func words(turn int, text string) chattest.Step {
	return chattest.Step{Event: bridge.Event{Kind: bridge.Words, Turn: turn, Text: text}}
}

func turned(turn int, text string) chattest.Step {
	return chattest.Step{Event: bridge.Event{Kind: bridge.Turned, Turn: turn, Text: text}}
}

func calling(turn int, function string) chattest.Step {
	return chattest.Step{Event: bridge.Event{Kind: bridge.Calling, Turn: turn, Function: function, CallID: "call_own", Arguments: json.RawMessage(`{"pin":"1234"}`)}}
}

func returned(turn int, function string, failed bool) chattest.Step {
	return chattest.Step{Event: bridge.Event{Kind: bridge.Returned, Turn: turn, Function: function, CallID: "call_own", Text: "the secret is 1234", IsError: failed}}
}

func happened(kind bridge.EventKind, text string) chattest.Step {
	return chattest.Step{Event: bridge.Event{Kind: kind, Turn: 1, Text: text}}
}

func after(d time.Duration, s chattest.Step) chattest.Step {
	s.After = d
	return s
}

func play(end dispatch.ExchangeEnd, steps ...chattest.Step) *chattest.Exchange {
	return &chattest.Exchange{ID: runID, Steps: steps, Ends: end}
}

func succeeded(text string) dispatch.ExchangeEnd {
	return dispatch.ExchangeEnd{State: dispatch.Succeeded, Finish: openai.FinishStop, Model: "gpt-x",
		Outcome: bridge.Outcome{Status: bridge.Succeeded, Reason: bridge.Answered, Answer: text},
		Usage:   bridge.Usage{Turns: 2, Calls: 1, PromptTokens: 100, CompletionTokens: 20, CachedTokens: 64, ReasoningTokens: 8}}
}

func ended(state dispatch.State, reason bridge.Reason, answer string, calls int) dispatch.ExchangeEnd {
	return dispatch.ExchangeEnd{State: state, Outcome: bridge.Outcome{Reason: reason, Answer: answer}, Usage: bridge.Usage{Turns: 1, Calls: calls}}
}

func cancelled(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}
