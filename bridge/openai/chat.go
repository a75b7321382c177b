package openai

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// chatBody writes a chat completion's request. What stays the same from turn to turn
// goes first and the conversation, which only grows, behind it, so that a
// provider's prompt cache finds as long a prefix as there can be.
func (c *Client) chatBody(r Request) (body, error) {
	head := newWriter()
	head.raw("{")
	head.member("model", r.Model)
	if !r.whole {
		head.raw(`"stream":true,`)
	}
	if !r.whole && !c.unwanted.by(r.Model, streamOptions) {
		head.raw(`"stream_options":{"include_usage":true},`)
	}
	opened, err := head.done()
	if err != nil {
		return nil, err
	}
	out, err := c.functions.appendTo(body{opened}, r.Functions)
	if err != nil {
		return nil, err
	}
	messages := r.Messages
	if c.unwanted.by(r.Model, systemAnywhere) {
		messages = oneSystem(messages)
	}
	tail := newWriter()
	tail.list("messages", len(messages), func(i int) any { return c.chatMessageOf(messages[i], r) })
	tail.members(c.chatParams(r))
	closed, err := tail.closed()
	return append(out, closed), err
}

// chatParams are the request's parameters as its model takes them.
type chatParams struct {
	Params
	MaxTokensBefore *int `json:"max_tokens,omitempty"` // what max_completion_tokens used to be
}

func (c *Client) chatParams(r Request) chatParams {
	p := chatParams{Params: sendable(r)}
	p.Metadata = c.metadata(r)
	if c.unwanted.by(r.Model, maxCompletionTokens) {
		p.MaxTokensBefore, p.MaxTokens = p.MaxTokens, nil
	}
	if c.unwanted.by(r.Model, promptCacheKey) {
		p.PromptCacheKey = ""
	}
	return p
}

// metadata are the request's, as long as its model takes them: OpenAI's own do so only
// with completions that it is to store, others have no such rule.
func (c *Client) metadata(r Request) map[string]string {
	if c.unwanted.by(r.Model, metadata) {
		return nil
	}
	return r.Params.Metadata
}

// sendable are the request's parameters without those about calls where there are no
// functions to call: they are refused there.
func sendable(r Request) Params {
	p := r.Params
	if len(r.Functions) == 0 {
		p.ToolChoice, p.ParallelCalls = nil, nil
	}
	return p
}

type chatMessage struct {
	Role       Role       `json:"role"`
	Content    any        `json:"content"` // null where an assistant only calls
	Refusal    string     `json:"refusal,omitempty"`
	Name       string     `json:"name,omitempty"`
	Thoughts   string     `json:"reasoning_content,omitempty"`
	ToolCalls  []chatCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

type chatCall struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Function chatFunction    `json:"function"`
	Mark     json.RawMessage `json:"extra_content,omitempty"`
}

type chatFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

func (c *Client) chatMessageOf(m Message, r Request) chatMessage {
	out := chatMessage{Role: chatRole(m.Role), Content: m.Content, Refusal: m.Refusal, Name: m.Name, ToolCallID: shortID(m.CallID, longestChatID)}
	switch {
	case len(m.Parts) > 0:
		out.Content = m.Parts
	case m.Content == "" && (len(m.Calls) > 0 || m.Refusal != ""):
		out.Content = nil
	}
	back := echoOf(m, c.mark(r))
	for i, call := range m.Calls {
		out.ToolCalls = append(out.ToolCalls, chatCall{shortID(call.ID, longestChatID), "function", chatFunction{call.Name, call.Arguments}, back.mark(i)})
	}
	if m.Role == Assistant && c.unwanted.by(r.Model, noThoughtsBack) {
		out.Thoughts = cmp.Or(back.Thoughts, noThoughts)
	}
	return out
}

// chatRole says system for developer: OpenAI's models take the one for the other and
// want no mixture of both, and most other servers refuse a role that they do not know.
func chatRole(r Role) Role {
	if r == Developer {
		return System
	}
	return r
}

// oneSystem is the conversation for models whose template has one system message, at
// the beginning: those that begin it become one, later ones the user's.
func oneSystem(messages []Message) []Message {
	var out []Message
	for _, m := range messages {
		switch {
		case chatRole(m.Role) != System:
		case len(out) == 0:
			m.Role = System
		case len(out) == 1 && out[0].Role == System:
			out[0].Content += "\n\n" + m.Content
			continue
		default:
			m.Role = User
		}
		out = append(out, m)
	}
	return out
}

// longestChatID is how many bytes of a call's id OpenAI's chat completions take.
const longestChatID = 40

// shortID gives an id in place of one that is too long, for the call and its result
// the same: some servers' own ids are, and callers may have made up theirs.
func shortID(id string, most int) string {
	if len(id) <= most {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "call_" + hex.EncodeToString(sum[:16])
}

// chatDefinition is a function as chat completions take it.
func chatDefinition(f Function) ([]byte, error) {
	type function struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Strict      bool            `json:"strict,omitempty"`
		Parameters  json.RawMessage `json:"parameters"`
	}
	return encode(struct {
		Type     string   `json:"type"`
		Function function `json:"function"`
	}{"function", function{f.Name, f.Description, f.Strict, f.Parameters}})
}
