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
			{Name: "f", Description: "does", Parameters: json.RawMessage(`{"type":"object","properties":{"z":{"if":{}},"a":{}}}`)},
			{Name: "g", Strict: true, Parameters: json.RawMessage(`{"type":"object","properties":{},"required":[],"additionalProperties":false}`)},
		},
	}
}

func TestRequestCarriesSchemasAsTheyAreAndSaysStrict(t *testing.T) {
	client, seen := endpoint(t, 200, nil, `{"choices":[{"message":{"content":"x"}}]}`)
	if _, err := client.Complete(context.Background(), question()); err != nil {
		t.Fatal(err)
	}
	const tools = `"tools":[{"type":"function","function":{"name":"f","description":"does",` +
		`"parameters":{"type":"object","properties":{"z":{"if":{}},"a":{}}}}},` +
		`{"type":"function","function":{"name":"g","strict":true,"parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false}}}]`
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
	limited := Error{Kind: Transient, Reason: RateLimited, Status: 429, Message: "the model server takes no more requests for now (429)"}
	after := func(e Error, d time.Duration) Error { e.RetryAfter = d; return e }
	for name, c := range map[string]struct {
		status int
		header map[string]string
		body   string
		want   Error
	}{
		"bad request":          {400, nil, said, Error{Kind: Permanent, Reason: BadRequest, Status: 400, Message: "the model server refused the request (400): no good: [redacted] sorry"}},
		"too long":             {400, nil, `{"error":{"message":"max 8","code":"context_length_exceeded"}}`, Error{Kind: Permanent, Reason: TooLong, Status: 400, Message: `the request is too long for the model "m" (400): max 8`}},
		"too long in words":    {400, nil, `{"object":"error","message":"This model's maximum context length is 8 tokens.","code":400}`, Error{Kind: Permanent, Reason: TooLong, Status: 400, Message: `the request is too long for the model "m" (400): This model's maximum context length is 8 tokens.`}},
		"much too long":        {413, nil, "<html>", Error{Kind: Permanent, Reason: TooLong, Status: 413, Message: `the request is too long for the model "m" (413)`}},
		"never in a minute":    {429, nil, `{"error":{"message":"Request too large for m: Limit 10, Requested 12","code":"rate_limit_exceeded"}}`, Error{Kind: Permanent, Reason: TooLong, Status: 429, Message: `the request is too long for the model "m" (429): Request too large for m: Limit 10, Requested 12`}},
		"wrong key":            {401, nil, `{"error":{"message":"Incorrect API key: sk-v***cret"}}`, Error{Kind: Permanent, Reason: WrongKey, Status: 401, Message: "the key is wrong: the model server refused it (401)"}},
		"forbidden":            {403, nil, said, Error{Kind: Permanent, Reason: Forbidden, Status: 403, Message: `the key may not use the model "m" (403): no good: [redacted] sorry`}},
		"no such model":        {404, nil, said, Error{Kind: Permanent, Reason: NoSuchModel, Status: 404, Message: `the model "m" does not exist at this address (404): no good: [redacted] sorry`}},
		"bare text":            {404, nil, `{"error":"model 'm' not found, try pulling it first"}`, Error{Kind: Permanent, Reason: NoSuchModel, Status: 404, Message: `the model "m" does not exist at this address (404): model 'm' not found, try pulling it first`}},
		"detail":               {422, nil, `{"detail":[{"loc":["body","x"]}]}`, Error{Kind: Permanent, Reason: BadRequest, Status: 422, Message: `the model server refused the request (422): [{"loc":["body","x"]}]`}},
		"in a list":            {429, nil, `[{"error":{"code":429,"message":"Resource exhausted","status":"RESOURCE_EXHAUSTED"}}]`, Error{Kind: Transient, Reason: RateLimited, Status: 429, Message: "the model server takes no more requests for now (429): Resource exhausted"}},
		"for a terminal":       {400, nil, `{"error":{"message":"\u001b[31mred\u001b]0;x\u0007 \u202eback"}}`, Error{Kind: Permanent, Reason: BadRequest, Status: 400, Message: "the model server refused the request (400): [31mred]0;x back"}},
		"timeout":              {408, nil, "", Error{Kind: Transient, Reason: Unavailable, Status: 408, Message: "the model server is not ready (408 Request Timeout)"}},
		"conflict":             {409, nil, "", Error{Kind: Transient, Reason: Unavailable, Status: 409, Message: "the model server is not ready (409 Conflict)"}},
		"limited, seconds":     {429, map[string]string{"Retry-After": "7"}, "", after(limited, 7*time.Second)},
		"limited, date":        {429, map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:04:35 GMT"}, "", after(limited, 30*time.Second)},
		"limited, ms":          {429, map[string]string{"Retry-After": "7", "Retry-After-Ms": "1500"}, "", after(limited, 1500*time.Millisecond)},
		"limited, forever":     {429, map[string]string{"Retry-After": "1e30"}, "", after(limited, 24*time.Hour)},
		"limited, in the past": {429, map[string]string{"Retry-After": "Fri, 02 Jan 2015 03:04:35 GMT", "Retry-After-Ms": "-5"}, "", limited},
		"limited, negative":    {429, map[string]string{"Retry-After": "-7"}, "", limited},
		"limited, nonsense":    {429, map[string]string{"Retry-After": "soon"}, "", limited},
		"out of quota":         {429, map[string]string{"Retry-After": "7"}, `{"error":{"message":"pay","code":"insufficient_quota"}}`, Error{Kind: Transient, Reason: OutOfQuota, Status: 429, RetryAfter: time.Minute, Message: "the account behind the key has used up its quota (429): pay"}},
		"not paid":             {402, nil, "", Error{Kind: Transient, Reason: OutOfQuota, Status: 402, RetryAfter: time.Minute, Message: "the account behind the key has used up its quota (402)"}},
		"talkative":            {400, nil, `{"error":{"message":"` + strings.Repeat("é", 5000) + `"}}`, Error{Kind: Permanent, Reason: BadRequest, Status: 400, Message: "the model server refused the request (400): " + strings.Repeat("é", 250) + " ..."}},
		"down":                 {503, nil, "<html>" + key, Error{Kind: Transient, Reason: Unavailable, Status: 503, Message: "the model server is not ready (503 Service Unavailable)"}},
		"no choice":            {200, nil, `{"choices":[]}`, Error{Kind: Transient, Reason: EmptyChoices, Status: 200, Message: "the model server answered without a choice"}},
		"nothing at all":       {200, nil, ``, Error{Kind: Transient, Reason: EmptyChoices, Status: 200, Message: "the model server answered without a choice"}},
		"not JSON":             {200, nil, `<html>`, Error{Kind: Transient, Reason: Unreadable, Message: "the model server's answer cannot be read: invalid character '<' looking for beginning of value"}},
		"another shape":        {200, nil, `{"choices":7}`, Error{Kind: Transient, Reason: Unreadable, Message: `the model server's answer cannot be read: there is a number for "choices"`}},
		"cut short":            {200, nil, `{"choices":[`, Error{Kind: Transient, Reason: Cut, Message: "the model's answer broke off: unexpected EOF"}},
		"error with a 200":     {200, nil, `{"error":{"message":"overloaded","code":529}}`, Error{Kind: Transient, Reason: Unavailable, Status: 529, Message: "the model server is not ready (529): overloaded"}},
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
		for {
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

func TestBodyIsReadWholeWhateverTheRoom(t *testing.T) {
	b := body{[]byte("ab"), nil, []byte("cde"), []byte("f")}
	for room := 1; room < 8; room++ {
		var got []byte
		r, to := b.reader(), make([]byte, room)
		for {
			n, err := r.Read(to)
			got = append(got, to[:n]...)
			if err != nil {
				break
			}
		}
		if string(got) != "abcdef" || b.size() != 6 {
			t.Errorf("room for %d: %q of %d bytes", room, got, b.size())
		}
	}
}

func TestRedirectThatWouldAskSomethingElseIsExplained(t *testing.T) {
	for status, follows := range map[int]bool{301: false, 302: false, 303: false, 307: true, 308: true} {
		client := New(serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/chat/completions" {
				http.Redirect(w, r, "/v2/chat/completions?secret=1", status)
				return
			}
			io.Copy(w, strings.NewReader(`{"choices":[{"message":{"content":"`+r.Method+`"}}]}`))
		}))
		answer, err := client.Complete(t.Context(), question())
		if follows {
			if err != nil || answer.Content != "POST" {
				t.Errorf("%d: %q, %v", status, answer.Content, err)
			}
			continue
		}
		var got *Error
		if !errors.As(err, &got) || got.Kind != Permanent || got.Status != status || !strings.HasSuffix(got.Message, "/v2: set base_url to where it is") {
			t.Errorf("%d: %v", status, err)
		}
	}
}
