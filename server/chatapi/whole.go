package chatapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/apierror"
)

// completion is what every part of an answer repeats.
type completion struct {
	id      string
	created int64
	model   string // the agent, as it was asked for
}

// whole says a message in one piece.
type whole struct {
	w          http.ResponseWriter
	completion completion
	content    strings.Builder
	reasoning  strings.Builder
}

func (a *whole) words(text string)            { a.content.WriteString(text) }
func (a *whole) activity(text string)         { a.reasoning.WriteString(text) }
func (a *whole) flush() (bool, error)         { return false, nil }
func (a *whole) alive() error                 { return nil }
func (a *whole) fail(e *apierror.Error) error { e.Write(a.w); return nil }

type chatCompletion struct {
	ID         string   `json:"id"`
	Object     string   `json:"object"`
	Created    int64    `json:"created"`
	Model      string   `json:"model"`
	Choices    []choice `json:"choices"`
	Usage      usage    `json:"usage"`
	Drawbridge about    `json:"drawbridge"`
}

type choice struct {
	Index        int     `json:"index"`
	Message      message `json:"message"`
	FinishReason string  `json:"finish_reason"`
}

type message struct {
	Role      string     `json:"role"`
	Content   *string    `json:"content"` // null where there are calls or a refusal only
	Reasoning string     `json:"reasoning_content,omitempty"`
	Refusal   *string    `json:"refusal"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type toolCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function functionCall `json:"function"`
}

type functionCall struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

func toolCallOf(c openai.Call) toolCall {
	return toolCall{ID: c.ID, Type: "function", Function: functionCall{c.Name, c.Arguments}}
}

// usage is that of all turns of an exchange together.
type usage struct {
	Prompt     int               `json:"prompt_tokens"`
	Completion int               `json:"completion_tokens"`
	Total      int               `json:"total_tokens"`
	PromptOf   promptDetails     `json:"prompt_tokens_details"`
	OutOf      completionDetails `json:"completion_tokens_details"`
}

type promptDetails struct {
	Cached int `json:"cached_tokens"`
}

type completionDetails struct {
	Reasoning int `json:"reasoning_tokens"`
}

func usageOf(u bridge.Usage) usage {
	return usage{u.PromptTokens, u.CompletionTokens, u.PromptTokens + u.CompletionTokens,
		promptDetails{u.CachedTokens}, completionDetails{u.ReasoningTokens}}
}

func (a *whole) close(e ending, about about) error {
	m := message{Role: "assistant", Reasoning: a.reasoning.String()}
	if text := a.content.String(); text != "" || e.calls == nil && e.refusal == "" {
		m.Content = &text
	}
	if e.refusal != "" {
		m.Refusal = &e.refusal
	}
	for _, c := range e.calls {
		m.ToolCalls = append(m.ToolCalls, toolCallOf(c))
	}
	c := a.completion
	answer(a.w, chatCompletion{c.id, "chat.completion", c.created, c.model,
		[]choice{{Message: m, FinishReason: e.finish}}, usageOf(about.Usage), about})
	return nil
}

// answer sends JSON, to a client that takes it in time: one that does not would hold its
// place for ever. A client that has gone needs no answer.
func answer(w http.ResponseWriter, body any) {
	const inTime = 256 << 10 // bytes that may take the whole writeTime
	raw := append(marshal(body), '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(time.Duration(1+len(raw)/inTime) * writeTime)) // only not supported by a test's recorder
	_, _ = w.Write(raw)
	_ = control.Flush() // before the connection is left as it was
	_ = control.SetWriteDeadline(time.Time{})
}
