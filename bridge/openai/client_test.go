package openai

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const key = "sk-very-secret"

// endpoint is a model server that answers every request the same way.
func endpoint(t *testing.T, status int, header map[string]string, body string) (*Client, *string) {
	t.Helper()
	var seen string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		seen = string(raw)
		if r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer "+key {
			t.Errorf("asked %s with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	return New(Options{BaseURL: server.URL + "/v1", APIKey: key, Now: now}), &seen
}

func question() Request {
	return Request{
		Model: "m",
		Messages: []Message{
			{Role: System, Content: "be <brief>"},
			{Role: User, Content: "hi"},
			{Role: Assistant, Calls: []Call{{ID: "a", Name: "f", Arguments: "{}"}}},
			{Role: Tool, CallID: "a", Content: "done"},
		},
		Functions: []Function{
			{Name: "f", Description: "does", Parameters: json.RawMessage(`{"type":"object","properties":{"z":{},"a":{}},"allOf":[{"if":{}}]}`)},
			{Name: "g", Strict: true, Parameters: json.RawMessage(`{"type":"object","properties":{}}`)},
		},
	}
}

func TestRequestCarriesSchemasAsTheyAreAndSaysStrict(t *testing.T) {
	client, seen := endpoint(t, 200, nil, `{"choices":[{"message":{"content":"x"}}]}`)
	if _, err := client.Complete(context.Background(), question()); err != nil {
		t.Fatal(err)
	}
	const tools = `"tools":[{"function":{"name":"f","description":"does",` +
		`"parameters":{"type":"object","properties":{"z":{},"a":{}},"allOf":[{"if":{}}]}},"type":"function"},` +
		`{"function":{"name":"g","strict":true,"parameters":{"type":"object","properties":{}}},"type":"function"}]`
	if !strings.Contains(*seen, tools) {
		t.Errorf("sent %s\nwant in it %s", *seen, tools)
	}
	first := *seen
	if _, err := client.Complete(context.Background(), question()); err != nil || *seen != first {
		t.Errorf("the same request again was sent as\n%s\nfirst as\n%s (%v)", *seen, first, err)
	}
}

func TestAnswerIsReadWhole(t *testing.T) {
	client, _ := endpoint(t, 200, nil, `{"id":"c1","model":"m-2026","choices":[{"finish_reason":"tool_calls","message":{
		"role":"assistant","content":"let me see","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\": 1,"}}]}}],
		"usage":{"prompt_tokens":100,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":64}}}`)
	got, err := client.Complete(context.Background(), question())
	want := Answer{
		ID: "c1", Model: "m-2026", Content: "let me see", Finish: FinishCalls,
		Calls: []Call{{ID: "a", Name: "f", Arguments: `{"x": 1,`}},
		Usage: Usage{Prompt: 100, Completion: 7, Cached: 64},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestMissingUsageIsEstimated(t *testing.T) {
	client, _ := endpoint(t, 200, nil, `{"choices":[{"message":{"content":"0123456789"}}]}`)
	got, err := client.Complete(context.Background(), question())
	if err != nil || !got.Usage.Estimated || got.Usage.Completion != 3 || got.Usage.Prompt < 20 {
		t.Errorf("usage %+v, %v", got.Usage, err)
	}
}

func TestErrorsAreSorted(t *testing.T) {
	said := `{"error":{"message":"no good: ` + key + `\nsorry","type":"t","code":"c"}}`
	for name, c := range map[string]struct {
		status int
		header map[string]string
		body   string
		want   Error
	}{
		"bad request":       {400, nil, said, Error{Kind: Permanent, Status: 400, Message: "the model server refused the request (400): no good: [redacted] sorry"}},
		"too long":          {400, nil, `{"error":{"message":"max 8","code":"context_length_exceeded"}}`, Error{Kind: Permanent, Status: 400, Message: `the request is too long for the model "m" (400): max 8`}},
		"much too long":     {413, nil, "<html>", Error{Kind: Permanent, Status: 413, Message: `the request is too long for the model "m" (413)`}},
		"wrong key":         {401, nil, `{"error":{"message":"Incorrect API key: sk-v***cret"}}`, Error{Kind: Permanent, Status: 401, Message: "the key is wrong: the model server refused it (401)"}},
		"forbidden":         {403, nil, said, Error{Kind: Permanent, Status: 403, Message: `the key may not use the model "m" (403): no good: [redacted] sorry`}},
		"no such model":     {404, nil, said, Error{Kind: Permanent, Status: 404, Message: `the model "m" does not exist at this address (404): no good: [redacted] sorry`}},
		"timeout":           {408, nil, "", Error{Kind: Transient, Status: 408, Message: "the model server is not ready (408 Request Timeout)"}},
		"conflict":          {409, nil, "", Error{Kind: Transient, Status: 409, Message: "the model server is not ready (409 Conflict)"}},
		"limited, seconds":  {429, map[string]string{"Retry-After": "7"}, "", Error{Kind: Transient, Status: 429, RetryAfter: 7 * time.Second, Message: "the model server is not ready (429 Too Many Requests)"}},
		"limited, date":     {429, map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:04:35 GMT"}, "", Error{Kind: Transient, Status: 429, RetryAfter: 30 * time.Second, Message: "the model server is not ready (429 Too Many Requests)"}},
		"limited, ms":       {429, map[string]string{"Retry-After": "7", "Retry-After-Ms": "1500"}, "", Error{Kind: Transient, Status: 429, RetryAfter: 1500 * time.Millisecond, Message: "the model server is not ready (429 Too Many Requests)"}},
		"limited, forever":  {429, map[string]string{"Retry-After": "1e30"}, "", Error{Kind: Transient, Status: 429, RetryAfter: 24 * time.Hour, Message: "the model server is not ready (429 Too Many Requests)"}},
		"limited, nonsense": {429, map[string]string{"Retry-After": "soon"}, "", Error{Kind: Transient, Status: 429, Message: "the model server is not ready (429 Too Many Requests)"}},
		"down":              {503, nil, "<html>" + key, Error{Kind: Transient, Status: 503, Message: "the model server is not ready (503 Service Unavailable)"}},
		"no choice":         {200, nil, `{"choices":[]}`, Error{Kind: Transient, Status: 200, Message: "the model server answered without a choice"}},
		"not JSON":          {200, nil, `<html>`, Error{Kind: Transient, Message: "the model server's answer cannot be read: invalid character '<' looking for beginning of value"}},
		"cut short":         {200, nil, `{"choices":[`, Error{Kind: Transient, Message: "the model server cannot be reached: unexpected EOF"}},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := endpoint(t, c.status, c.header, c.body)
			_, err := client.Complete(context.Background(), question())
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v, want an *Error", err)
			}
			if diff := cmp.Diff(c.want, *got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(err.Error(), key) {
				t.Errorf("the key is in %q", err)
			}
		})
	}
}

func TestUnreachableServerIsTransient(t *testing.T) {
	server := httptest.NewServer(nil)
	address := server.URL
	server.Close()
	_, err := New(Options{BaseURL: address + "/secret-path"}).Complete(context.Background(), question())
	var got *Error
	if !errors.As(err, &got) || got.Kind != Transient || strings.Contains(got.Message, "secret-path") {
		t.Errorf("error %v, want a transient one without the address", err)
	}
}

func TestSlowServerIsTransient(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	_, err := New(Options{BaseURL: server.URL, Timeout: time.Millisecond}).Complete(context.Background(), question())
	var got *Error
	if !errors.As(err, &got) || got.Kind != Transient || !strings.Contains(got.Message, "in time") {
		t.Errorf("error %v, want a transient one about time", err)
	}
}

func TestEndedContextIsItsOwnError(t *testing.T) {
	client, _ := endpoint(t, 200, nil, "{}")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.Complete(ctx, question()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestRequestThatCannotBeSentIsPermanent(t *testing.T) {
	client, _ := endpoint(t, 200, nil, "{}")
	q := question()
	q.Functions[0].Parameters = json.RawMessage(`{`)
	_, err := client.Complete(context.Background(), q)
	var got *Error
	if !errors.As(err, &got) || got.Kind != Permanent {
		t.Errorf("error %v, want a permanent one", err)
	}
}

func TestEndlessAnswerIsCutOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"id":"`)
		chunk := strings.Repeat("x", 1<<20)
		for range 64 {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	_, err := New(Options{BaseURL: server.URL}).Complete(context.Background(), question())
	var got *Error
	if !errors.As(err, &got) || !strings.Contains(got.Message, "too large") {
		t.Errorf("error %v, want one about the size", err)
	}
}
