package openaitest

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// API says which of the two a request speaks.
type API string

const (
	Chat      API = "chat"
	Responses API = "responses"
)

// Request is a request as the server read it.
type Request struct {
	API    API
	Header http.Header
	Body   []byte
	Model  string
	Stream bool
	// IncludeUsage: the stream is to end with the usage. The Responses API always does.
	IncludeUsage bool
	// Messages are the conversation. That of the Responses API is told as the chat API
	// would: instructions as a system message, items joined to messages.
	Messages  []Message
	Functions []Function
	// Items are the input of the Responses API, word for word.
	Items []json.RawMessage
	// Prompt is what a provider's prompt cache goes by, as it was sent: definitions first,
	// then the messages. Shared is how many bytes of it, from the beginning, equal those of
	// the last request of the same conversation: one with the same model, and the same
	// messages up to the first user message.
	Prompt []byte
	Shared int

	members map[string]json.RawMessage
}

// Message is one message of a request.
type Message struct {
	Role    string
	Text    string // its content, text parts joined
	Parts   []json.RawMessage
	Name    string
	Refusal string
	Calls   []ToolCall
	CallID  string          // of a tool message
	Raw     json.RawMessage // as it was sent; the chat API's only
}

// Function is a function that a request offers.
type Function struct {
	Name, Description string
	Parameters        json.RawMessage
	Strict            bool
}

// Member is a member of the request's body as it was sent, nil if it is not there.
func (r Request) Member(name string) json.RawMessage { return r.members[name] }

// Last is the message that the request ends with.
func (r Request) Last() Message {
	if len(r.Messages) == 0 {
		return Message{}
	}
	return r.Messages[len(r.Messages)-1]
}

// Turn counts the answers since the last user message, from 1: which of them this
// request asks for.
func (r Request) Turn() int {
	turn := 1
	for _, m := range r.Messages {
		switch m.Role {
		case "user":
			turn = 1
		case "assistant":
			turn++
		}
	}
	return turn
}

// Offers reports whether the request offers a function.
func (r Request) Offers(name string) bool {
	for _, f := range r.Functions {
		if f.Name == name {
			return true
		}
	}
	return false
}

// Result is what the latest call of a function returned, as the request tells it.
func (r Request) Result(function string) (text string, ok bool) {
	made := map[string]bool{}
	for _, m := range r.Messages {
		for _, call := range m.Calls {
			made[call.ID] = call.Name == function
		}
		if m.Role == "tool" && made[m.CallID] {
			text, ok = m.Text, true
		}
	}
	return text, ok
}

// prompt sets what a prompt cache sees: definitions and instructions, then the rest.
func (r *Request) prompt(head []byte, rest []json.RawMessage) {
	r.Prompt = append(bytes.TrimSuffix(bytes.Clone(head), []byte("]")), '\n')
	for _, part := range rest {
		r.Prompt = append(append(r.Prompt, part...), '\n')
	}
}

// conversation is by what the requests of one conversation are known.
func (r *Request) conversation() string {
	key := r.Model
	for _, m := range r.Messages {
		key += "\x00" + m.Role + "\x00" + m.Text
		if m.Role == "user" {
			break
		}
	}
	return key
}

// shared is how long the common beginning of two prompts is, in bytes.
func shared(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
