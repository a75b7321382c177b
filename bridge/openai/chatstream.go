package openai

import (
	"encoding/json"
	"strings"

	wire "github.com/sashabaranov/go-openai"
)

// chunk is one event of a chat completion's stream, or the whole of one that came in
// one piece, which says message where a stream says delta.
type chunk struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Choices []struct {
		Index   int         `json:"index"`
		Delta   *piece      `json:"delta"`
		Message *piece      `json:"message"`
		Finish  string      `json:"finish_reason"`
		Error   *serverSaid `json:"error"`
	} `json:"choices"`
	Usage *wire.Usage `json:"usage"`
	Error *serverSaid `json:"error"`
}

// piece is what a chunk adds to the answer. What a model thinks aloud is a sign of life
// and no part of the answer.
type piece struct {
	Thoughts  words       `json:"reasoning_content"`
	Content   words       `json:"content"`
	Refusal   string      `json:"refusal"`
	ToolCalls []callPiece `json:"tool_calls"`
}

// words is text that comes as a string, or in parts.
type words string

func (w *words) UnmarshalJSON(raw []byte) error {
	if raw[0] != '[' {
		return json.Unmarshal(raw, (*string)(w))
	}
	var parts []struct {
		Text string `json:"text"`
	}
	err := json.Unmarshal(raw, &parts)
	for _, part := range parts {
		*w += words(part.Text)
	}
	return err
}

// chatAnswer puts an answer together from its chunks. Of several choices it is the
// first.
type chatAnswer struct {
	hear             func(string)
	by               string // who is asked
	thinks           bool   // and wants back what it thought
	id, model        string
	content, refusal strings.Builder
	thoughts         strings.Builder
	calls            calls
	finish           string
	chosen           bool // a choice came
	usage            Usage
	settled          bool // the usage is that of the whole; some servers tell it as it grows
}

// add takes one event's value. Its error is what the server says went wrong.
func (a *chatAnswer) add(name string, raw json.RawMessage) error {
	var c chunk
	if err := json.Unmarshal(raw, &c); err != nil {
		return err
	}
	if name == "error" && c.Error == nil {
		c.Error = &serverSaid{}
		_ = json.Unmarshal(raw, c.Error) // an error that says nothing is one, too
	}
	if c.Error != nil && (*c.Error != serverSaid{} || c.Choices == nil) { // some send an empty one along
		return c.Error
	}
	if c.ID != "" {
		a.id = c.ID
	}
	if c.Model != "" {
		a.model = c.Model
	}
	for _, choice := range c.Choices {
		if choice.Index != 0 {
			continue
		}
		if choice.Error != nil {
			return choice.Error
		}
		a.chosen = true
		a.take(choice.Delta)
		a.take(choice.Message)
		if choice.Finish != "" && choice.Finish != "null" { // so written by some
			a.finish = choice.Finish
		}
	}
	if u := chatUsage(c.Usage); u.Prompt+u.Completion > 0 {
		a.usage, a.settled = u, a.finish != ""
	}
	return nil
}

func (a *chatAnswer) take(p *piece) {
	if p == nil {
		return
	}
	if p.Content != "" {
		a.content.WriteString(string(p.Content))
		a.hear(string(p.Content))
	}
	a.refusal.WriteString(p.Refusal)
	if a.thinks {
		a.thoughts.WriteString(string(p.Thoughts))
	}
	for _, call := range p.ToolCalls {
		a.calls.add(call)
	}
}

func (a *chatAnswer) begun() bool    { return a.chosen }
func (a *chatAnswer) finished() bool { return a.finish != "" }
func (a *chatAnswer) complete() bool { return a.settled }

// answer gives what came, once the stream is over.
func (a *chatAnswer) answer() (Answer, error) {
	switch {
	case !a.chosen:
		return Answer{}, errNoChoice
	case brokenOff(a.finish):
		return Answer{}, &serverSaid{Message: loose("it stopped with " + a.finish)}
	}
	out := Answer{ID: a.id, Model: a.model, Content: a.content.String(), Refusal: a.refusal.String(), Calls: a.calls.list(), Usage: a.usage}
	out.Finish = finishOf(a.finish, len(out.Calls) > 0)
	if len(out.Calls) > 0 {
		out.Items = echo{By: a.by, Thoughts: a.thoughts.String(), Marks: a.calls.marks()}.kept()
	}
	return out, nil
}

// brokenOff reports whether a finish_reason says that the server could not go on: then
// there is no answer, and it may have one later.
func brokenOff(said string) bool {
	switch said {
	case "error", "network_error", "insufficient_system_resource", "abort", "aborted":
		return true
	}
	return false
}

// finishOf reads a finish_reason, with words that other vendors have for the same.
func finishOf(said string, calls bool) Finish {
	switch strings.ToLower(said) {
	case "length", "max_tokens", "model_length", "max_output_tokens":
		return FinishLength
	case "content_filter", "content-filter", "safety", "sensitive", "recitation", "blocklist", "prohibited_content", "spii":
		return FinishFiltered
	case "", "function_call", "eos", "end_turn":
		if calls {
			return FinishCalls
		}
		return FinishStop
	}
	return Finish(said)
}

func chatUsage(u *wire.Usage) Usage {
	if u == nil {
		return Usage{}
	}
	out := Usage{Prompt: u.PromptTokens, Completion: u.CompletionTokens}
	if u.PromptTokensDetails != nil {
		out.Cached = u.PromptTokensDetails.CachedTokens
	}
	if u.CompletionTokensDetails != nil {
		out.Reasoning = u.CompletionTokensDetails.ReasoningTokens
	}
	return out.sane()
}
