package openai

import "encoding/json"

// Role says who speaks in a message.
type Role string

const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
	Tool      Role = "tool"
)

// Message is one message of a conversation.
type Message struct {
	Role    Role   `json:"role"`
	Content string `json:"content,omitempty"`
	Calls   []Call `json:"calls,omitempty"`   // of an assistant message
	CallID  string `json:"call_id,omitempty"` // of a tool message: the call it answers
}

// Call is one function call the model asks for. Arguments is the model's own
// text: meant to be a JSON object, and not always one.
type Call struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// Function is one function offered to the model.
type Function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters"`
	// Strict is left out when it is false, which is what the chat endpoint takes a
	// missing one for.
	Strict bool `json:"strict"`
}

// Request is one turn's question.
type Request struct {
	Model     string     `json:"model"`
	Messages  []Message  `json:"messages"`
	Functions []Function `json:"functions,omitempty"`
}

// Finish says why the model stopped.
type Finish string

const (
	FinishStop     Finish = "stop"
	FinishCalls    Finish = "tool_calls"
	FinishLength   Finish = "length"         // cut at the limit of tokens
	FinishFiltered Finish = "content_filter" // withheld by the provider
)

// Usage counts tokens. Cached is the part of Prompt that the provider had kept.
type Usage struct {
	Prompt     int `json:"prompt"`
	Completion int `json:"completion"`
	Cached     int `json:"cached,omitempty"`
	// Estimated: the endpoint gave no usage and these are four bytes a token.
	Estimated bool `json:"estimated,omitempty"`
}

// Answer is what the model said, word for word.
type Answer struct {
	ID      string `json:"id,omitempty"`
	Model   string `json:"model,omitempty"` // as the endpoint names it
	Content string `json:"content,omitempty"`
	Refusal string `json:"refusal,omitempty"`
	Calls   []Call `json:"calls,omitempty"`
	Finish  Finish `json:"finish"`
	Usage   Usage  `json:"usage"`
}
