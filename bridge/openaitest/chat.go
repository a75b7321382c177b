package openaitest

import (
	"encoding/json"
	"fmt"
)

// answer is a reply to one request, about to be written.
type answer struct {
	Reply
	number  int
	now     int64 // in seconds
	request *Request
	usage   *Usage
}

// What of the chat API the server writes
// (platform.openai.com/docs/api-reference/chat/object and /streaming).

type completion struct {
	ID      string          `json:"id"`
	Object  string          `json:"object"`
	Created int64           `json:"created"`
	Model   string          `json:"model"`
	Choices *[]choice       `json:"choices,omitempty"`
	Usage   json.RawMessage `json:"usage,omitempty"`
}

type choice struct {
	Index   int      `json:"index"`
	Message *message `json:"message,omitempty"`
	Delta   *delta   `json:"delta,omitempty"`
	Finish  *string  `json:"finish_reason"`
}

type message struct {
	Role      string     `json:"role"`
	Content   any        `json:"content"` // text, parts or null
	Refusal   *string    `json:"refusal"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type delta struct {
	Role      string     `json:"role,omitempty"`
	Content   *string    `json:"content,omitempty"`
	Refusal   *string    `json:"refusal,omitempty"`
	Reasoning *string    `json:"reasoning_content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type toolCall struct {
	Index    *int     `json:"index,omitempty"`
	ID       string   `json:"id,omitempty"`
	Type     string   `json:"type,omitempty"`
	Function function `json:"function"`
}

type function struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

// named gives every call the id it is to have.
func (r Reply) named(number int) Reply {
	calls := make([]ToolCall, len(r.calls))
	for i, c := range r.calls {
		if c.ID == "" {
			c.ID = fmt.Sprintf("call_%d_%d", number, i)
		}
		if i < len(r.ids) {
			c.ID = r.ids[i]
		}
		calls[i] = c
	}
	r.calls = calls
	return r
}

func (a answer) envelope(object string, choices []choice) completion {
	c := completion{ID: fmt.Sprintf("chatcmpl-%d", a.number), Object: object, Created: a.now, Model: a.request.Model, Choices: &choices}
	switch {
	case a.shape.noChoices:
		c.Choices = nil
	case a.shape.emptyChoices:
		c.Choices = &[]choice{}
	}
	return c
}

// completion is the whole answer in one body.
func (a answer) completion() completion {
	m := &message{Role: "assistant", Content: a.content(), Refusal: nullable(a.refusal), Reasoning: a.reasoning}
	for _, c := range a.calls {
		m.ToolCalls = append(m.ToolCalls, toolCall{ID: c.ID, Type: "function", Function: function{c.Name, c.Arguments}})
	}
	finish := a.finishReason()
	out := a.envelope("chat.completion", []choice{{Message: m, Finish: &finish}})
	if a.usage != nil {
		out.Usage = a.usage.chat()
	}
	return out
}

// content is null where there is nothing but calls or a refusal.
func (a answer) content() any {
	switch {
	case a.shape.contentParted:
		return []map[string]string{{"type": "text", "text": a.text}}
	case a.text == "" && (len(a.calls) > 0 || a.refusal != ""):
		return nil
	}
	return a.text
}

// chat is the usage object of the chat API.
func (u *Usage) chat() json.RawMessage {
	return encoded(map[string]any{
		"prompt_tokens": u.Prompt, "completion_tokens": u.Completion, "total_tokens": u.Prompt + u.Completion,
		"prompt_tokens_details":     map[string]int{"cached_tokens": u.Cached},
		"completion_tokens_details": map[string]int{"reasoning_tokens": u.Reasoning},
	})
}
