package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// model is a language model behind OpenAI's chat completions. It does what plan says.
type model struct {
	book *book
	calm func() bool
	gate *gate
}

// question is what of a request for a completion matters here.
type question struct {
	Messages []message `json:"messages"`
	Tools    []struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	} `json:"tools"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type message struct {
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content,omitempty"`
	ToolCalls []toolCall      `json:"tool_calls,omitempty"`
}

type toolCall struct {
	Index    int    `json:"index"`
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// ServeHTTP answers at /NODE/v1/chat/completions.
func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	node, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if path != "v1/chat/completions" {
		http.NotFound(w, r)
		return
	}
	var q question
	if err := json.NewDecoder(io.LimitReader(r.Body, 8<<20)).Decode(&q); err != nil {
		http.Error(w, `{"error":{"message":"this is no JSON","type":"invalid_request_error"}}`, http.StatusBadRequest)
		return
	}
	event := q.event()
	turns, next := plan(event), q.turns()
	m.book.enter(node, event)
	over := next >= len(turns)
	defer func() { m.book.leave(node, event, false, over) }()
	m.gate.pass(r.Context(), event)
	time.Sleep(time.Duration(10+rand.IntN(120)) * time.Millisecond)
	if !m.calm() && rand.IntN(200) == 0 { // asked again, at once
		over = false
		http.Error(w, `{"error":{"message":"The server had an error while processing your request.","type":"server_error"}}`, http.StatusInternalServerError)
		return
	}
	if over {
		stream(w, q, message{Content: json.RawMessage(fmt.Sprintf("%q", "Done with "+event+"."))})
		return
	}
	stream(w, q, message{ToolCalls: q.calls(event, next, turns[next])})
}

// event is the key of the event that the run is about.
func (q question) event() string {
	for _, m := range q.Messages {
		if m.Role == "user" {
			if key := eventKey.FindString(string(m.Content)); key != "" {
				return key
			}
		}
	}
	return "unknown"
}

// turns is how many turns with calls there were.
func (q question) turns() int {
	n := 0
	for _, m := range q.Messages {
		if m.Role == "assistant" && len(m.ToolCalls) > 0 {
			n++
		}
	}
	return n
}

// calls are those of a turn, by the names under which the functions are offered.
func (q question) calls(event string, turn int, steps []step) []toolCall {
	var calls []toolCall
	for i, s := range steps {
		call := toolCall{Index: i, ID: fmt.Sprintf("call_%s_%d%d", event, turn, i), Type: "function"}
		call.Function.Name = mount + "__" + s.tool.name
		at := slices.IndexFunc(q.Tools, func(t struct {
			Function struct {
				Name string `json:"name"`
			} `json:"function"`
		}) bool {
			return strings.HasSuffix(t.Function.Name, s.tool.name)
		})
		if at >= 0 {
			call.Function.Name = q.Tools[at].Function.Name
		}
		call.Function.Arguments = fmt.Sprintf(`{"event":%q,"step":%q}`, event, s.name)
		calls = append(calls, call)
	}
	return calls
}

// stream sends an answer as OpenAI does.
func stream(w http.ResponseWriter, q question, answer message) {
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(delta any, finish any) {
		raw, _ := json.Marshal(map[string]any{ // of nothing but text and numbers
			"id": "chatcmpl-chaos", "object": "chat.completion.chunk", "created": 1, "model": "chaos",
			"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}},
		})
		_, _ = fmt.Fprintf(w, "data: %s\n\n", raw)
	}
	finish := "stop"
	if len(answer.ToolCalls) > 0 {
		finish = "tool_calls"
		send(map[string]any{"role": "assistant", "content": nil, "tool_calls": answer.ToolCalls}, nil)
	} else {
		send(map[string]any{"role": "assistant", "content": answer.Content}, nil)
	}
	send(map[string]any{}, finish)
	if q.StreamOptions.IncludeUsage {
		_, _ = io.WriteString(w, `data: {"id":"chatcmpl-chaos","object":"chat.completion.chunk","created":1,"model":"chaos","choices":[],`+
			`"usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}}`+"\n\n")
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}
