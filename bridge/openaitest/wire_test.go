package openaitest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// send posts a body and gives the response with its body unread.
func send(t *testing.T, s *Server, path, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// post is send with the body read as far as it comes.
func post(t *testing.T, s *Server, path, body string) (status int, header http.Header, got string, err error) {
	t.Helper()
	response := send(t, s, path, body)
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(raw), err
}

// data are the events' data of a stream.
func data(stream string) []string {
	var out []string
	for line := range strings.Lines(stream) {
		if value, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "data: "); ok {
			out = append(out, value)
		}
	}
	return out
}

const chat = "/chat/completions"

const hello = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
const helloStreamed = `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}`

// streamed is what a reply to hello is as a stream.
func streamed(t *testing.T, reply Reply) (string, error) {
	t.Helper()
	s := New(t)
	s.Answer(reply)
	_, header, body, err := post(t, s, chat, helloStreamed)
	if got := header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("content type %q", got)
	}
	return body, err
}

func TestStreamIsCutIntoPiecesAndEndsWithFinishUsageAndDone(t *testing.T) {
	body, err := streamed(t, Say("héllo", Pieces(2), Uses(Usage{Prompt: 5, Completion: 3, Cached: 2, Reasoning: 1})))
	events := data(body)
	if err != nil || len(events) != 7 || events[6] != "[DONE]" {
		t.Fatalf("%d events, %v:\n%s", len(events), err, body)
	}
	for i, want := range []string{
		`"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null`,
		`"delta":{"content":"hé"},"finish_reason":null}],"usage":null`,
		`"delta":{"content":"ll"},"finish_reason":null}],"usage":null`,
		`"delta":{"content":"o"},"finish_reason":null}],"usage":null`,
		`"delta":{},"finish_reason":"stop"}],"usage":null`,
		`"choices":[],"usage":{"completion_tokens":3,"completion_tokens_details":{"reasoning_tokens":1},"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":2},"total_tokens":8}`,
	} {
		if !strings.Contains(events[i], want) {
			t.Errorf("event %d is %s\nwant in it %s", i, events[i], want)
		}
	}
}

func TestUsageIsStreamedOnlyWhereItIsAskedFor(t *testing.T) {
	s := New(t)
	s.Answer(Say("x"))
	_, _, body, _ := post(t, s, chat, strings.Replace(helloStreamed, `"include_usage":true`, ``, 1))
	if strings.Contains(body, "usage") || strings.Count(body, "data: ") != 4 {
		t.Errorf("streamed %s", body)
	}
}

func TestOdditiesOfServersAreOnTheWire(t *testing.T) {
	two := []ToolCall{{Name: "f", Arguments: `{"a":1}`}, {Name: "g", Arguments: `{}`}}
	for it, c := range map[string]struct {
		reply     Reply
		want, not string
	}{
		"calls one after the other": {Calls(two, Pieces(4)), `"index":0,"function":{"arguments":":1}"}}]`, ``},
		"text and calls":            {Calls(two, WithText("first")), `"content":"first"`, ``},
		"ids of one's own":          {Calls(two, IDs("a", "a")), `"id":"a","type":"function","function":{"name":"g"`, `"call_`},
		"no id":                     {Call("f", "{}", IDs("")), `{"index":0,"type":"function"`, `"id":"call`},
		"whole calls":               {Calls(two, WholeCalls(), Pieces(1)), `"name":"f","arguments":"{\"a\":1}"`, ``},
		"ids everywhere":            {Calls(two, IDEverywhere()), `"id":"call_0_0","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}`, ``},
		"no index":                  {Calls(two, NoIndex()), `"tool_calls":[{"id":"call_0_0"`, `"tool_calls":[{"index"`},
		"a role everywhere":         {Say("x", RoleEverywhere()), `"delta":{"role":"assistant","content":"x"}`, ``},
		"finish in the last":        {Say("x", FinishInLast()), `"delta":{"content":"x"},"finish_reason":"stop"`, `"delta":{}`},
		"length":                    {Call("f", `{"a`, Finish("length")), `"finish_reason":"length"`, `"finish_reason":"tool_calls"`},
		"filtered":                  {Say("x", Finish("content_filter")), `"finish_reason":"content_filter"`, ``},
		"a refusal":                 {Decline("no"), `"delta":{"refusal":"no"}`, `"content"`},
		"reasoning":                 {Say("x", WithReasoning("hm")), `"delta":{"reasoning_content":"hm"}`, ``},
		"usage everywhere":          {Say("x", UsageEverywhere()), `"delta":{"content":"x"},"finish_reason":null}],"usage":{"completion`, `"usage":null`},
		"no usage":                  {Say("x", NoUsage()), `"usage":null`, `prompt_tokens`},
		"empty choices":             {Say("x", EmptyChoices()), `"choices":[]`, `"delta"`},
		"no choices":                {Say("x", NoChoices()), `"model":"m"`, `"choices"`},
		"comments":                  {Say("x", Comments()), ": the model is thinking\n\ndata: ", ``},
		"CRLF":                      {Say("x", CRLF()), "\r\n\r\ndata: ", "}\n"},
		"no DONE":                   {Say("x", NoDone()), `"finish_reason":"stop"`, "[DONE]"},
		"garbage":                   {Say("x", Garbage(1)), "data: {\"choices\": [ oops\n", ``},
		"an error in the stream":    {Say("x", FailAfter(1), ErrorIs("server_error", "overloaded", "too much")), `data: {"error":{"message":"too much","type":"server_error","param":null,"code":"overloaded"}}`, "[DONE]"},
		"an end before the end":     {Say("x", EndAfterEvents(2)), `"content":"x"`, `"finish_reason":"stop"`},
	} {
		t.Run(it, func(t *testing.T) {
			body, err := streamed(t, c.reply)
			if err != nil || !strings.Contains(body, c.want) || c.not != "" && strings.Contains(body, c.not) {
				t.Errorf("%v, streamed\n%s\nwant in it %q, not %q", err, body, c.want, c.not)
			}
		})
	}
}

func TestInterleavedCallsTakeTurns(t *testing.T) {
	for _, c := range []struct {
		how  []How
		want string
	}{
		{[]How{Pieces(2)}, "0 0 0 1 1 1 1"},
		{[]How{Pieces(2), Interleaved()}, "0 1 0 1 0 1 1"},
	} {
		body, _ := streamed(t, Calls([]ToolCall{{Name: "f", Arguments: "{  }"}, {Name: "g", Arguments: "{    }"}}, c.how...))
		var order []string
		for _, event := range data(body) {
			if _, after, ok := strings.Cut(event, `"tool_calls":[{"index":`); ok {
				order = append(order, after[:1])
			}
		}
		if got := strings.Join(order, " "); got != c.want {
			t.Errorf("order %s, want %s", got, c.want)
		}
	}
}

func TestConnectionIsCutWhereTheReplySays(t *testing.T) {
	body, err := streamed(t, Say("abc", Pieces(1), CutAfterEvents(2)))
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(data(body)) != 2 {
		t.Errorf("%v after %s", err, body)
	}
	body, err = streamed(t, Say("abc", CutAfterBytes(11)))
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 11 {
		t.Errorf("%v after %q", err, body)
	}
	s := New(t)
	s.Answer(Say("abc", CutAfterBytes(20)))
	if _, _, body, err := post(t, s, chat, hello); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 20 {
		t.Errorf("whole answer: %v after %q", err, body)
	}
}

func TestPlainAnswerHoldsEverything(t *testing.T) {
	s := New(t)
	s.Answer(Call("f", `{"a":1}`, WithText("x"), Plain()), Say("y", ContentInParts()), Decline("no"))
	for body, want := range map[string]string{
		helloStreamed: `"message":{"role":"assistant","content":"x","refusal":null,"tool_calls":[{"id":"call_0_0","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}],"usage":{`,
	} {
		if _, header, got, err := post(t, s, chat, body); err != nil || !strings.Contains(got, want) || header.Get("Content-Type") != "application/json" {
			t.Errorf("%v, answered %s\nwant in it %s", err, got, want)
		}
	}
	for _, want := range []string{`"content":[{"text":"y","type":"text"}]`, `"content":null,"refusal":"no"`} {
		if _, _, got, _ := post(t, s, chat, hello); !strings.Contains(got, want) {
			t.Errorf("answered %s\nwant in it %s", got, want)
		}
	}
}

func TestFailuresHaveStatusHeadersAndOpenAIsError(t *testing.T) {
	s := New(t)
	s.Answer(
		Fail(429, Header("retry-after-ms", "1500"), Header("x-should-retry", "true")),
		Fail(429, ErrorIs("insufficient_quota", "insufficient_quota", "You are out of money.")),
		Page(502, "text/html", "<html>bad gateway"),
	)
	status, header, body, _ := post(t, s, chat, hello)
	if status != 429 || header.Get("Retry-After-Ms") != "1500" || header.Get("X-Should-Retry") != "true" || !strings.Contains(body, `"code":"rate_limit_exceeded"`) {
		t.Errorf("%d %v %s", status, header, body)
	}
	if status, _, body, _ = post(t, s, chat, hello); status != 429 || !strings.Contains(body, `"code":"insufficient_quota"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, header, body, _ = post(t, s, chat, hello); status != 502 || header.Get("Content-Type") != "text/html" || body != "<html>bad gateway" {
		t.Errorf("%d %v %s", status, header, body)
	}
	for status, want := range map[int]string{401: "invalid_api_key", 404: "model_not_found", 500: "server_error"} {
		s.Answer(Fail(status))
		if got, _, body, _ := post(t, s, chat, hello); got != status || !strings.Contains(body, want) {
			t.Errorf("%d %s, want %d with %s", got, body, status, want)
		}
	}
}

func TestResponsesStreamIsNumberedAndEndsWithTheWholeAnswer(t *testing.T) {
	s := New(t)
	s.Answer(Call("f", `{"a":1}`, WithText("hello"), WithReasoning("hm"), Pieces(3)))
	_, _, body, err := post(t, s, "/responses", `{"model":"m","stream":true,"input":"hi"}`)
	if err != nil || strings.Contains(body, "[DONE]") || strings.Count(body, "event: ") != len(data(body)) {
		t.Fatalf("%v: %s", err, body)
	}
	said := map[string]string{}
	var last struct {
		Response struct {
			Status string
			Output []struct {
				Type, Name, Arguments string
				Content               []struct{ Text string }
			}
		}
	}
	for i, raw := range data(body) {
		var e struct {
			Type, Delta string
			Number      int `json:"sequence_number"`
		}
		if err := json.Unmarshal([]byte(raw), &e); err != nil || e.Number != i {
			t.Fatalf("event %d is %s (%v)", i, raw, err)
		}
		said[e.Type] += e.Delta
		if err := json.Unmarshal([]byte(raw), &last); err != nil {
			t.Fatal(err)
		}
	}
	if said["response.output_text.delta"] != "hello" || said["response.function_call_arguments.delta"] != `{"a":1}` || said["response.reasoning_summary_text.delta"] != "hm" {
		t.Errorf("deltas %q", said)
	}
	out := last.Response.Output
	if last.Response.Status != "completed" || len(out) != 3 || out[1].Content[0].Text != "hello" || out[2].Name != "f" || out[2].Arguments != `{"a":1}` {
		t.Errorf("ends with %+v", last)
	}
}

func TestResponsesSayWhatIsOdd(t *testing.T) {
	for it, c := range map[string]struct {
		reply Reply
		want  string
	}{
		"cut at the limit": {Say("x", Finish("length")), `"incomplete_details":{"reason":"max_output_tokens"}`},
		"filtered":         {Say("x", Finish("content_filter")), `"incomplete_details":{"reason":"content_filter"}`},
		"refused":          {Decline("no"), `event: response.refusal.delta`},
		"broken":           {Say("x", FailAfter(2), ErrorIs("server_error", "oops", "sorry")), `{"code":"oops","message":"sorry","param":null,"sequence_number":2,"type":"error"}`},
		"empty":            {Say("x", EmptyChoices()), `"output":[],"parallel_tool_calls":true,"status":"completed"`},
	} {
		t.Run(it, func(t *testing.T) {
			s := New(t)
			s.Answer(c.reply)
			if _, _, body, err := post(t, s, "/responses", `{"model":"m","stream":true,"input":"hi"}`); err != nil || !strings.Contains(body, c.want) {
				t.Errorf("%v, streamed %s\nwant in it %s", err, body, c.want)
			}
		})
	}
}
