package openai

import "encoding/json"

// Role says who speaks in a message.
type Role string

const (
	System    Role = "system"
	Developer Role = "developer" // what newer models call the system
	User      Role = "user"
	Assistant Role = "assistant"
	Tool      Role = "tool"
)

// Message is one message of a conversation.
type Message struct {
	Role    Role   `json:"role"`
	Content string `json:"content,omitempty"`
	// Parts, if there are any, stand in place of Content: content parts of the chat
	// API (text, image_url, input_audio, file), each word for word.
	Parts []json.RawMessage `json:"parts,omitempty"`
	Name  string            `json:"name,omitempty"` // of the speaker, where the caller gave one
	// Refusal is an assistant's, from an earlier part of a caller's conversation.
	Refusal string `json:"refusal,omitempty"`
	Calls   []Call `json:"calls,omitempty"`   // of an assistant message
	CallID  string `json:"call_id,omitempty"` // of a tool message: the call it answers
	// Items is an answer's [Answer.Items], repeated.
	Items []json.RawMessage `json:"items,omitempty"`
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

// Params are what may be asked of a model beside the conversation. What is nil or
// empty is left out of a request. The names are those of the chat API.
type Params struct {
	Temperature      *float64 `json:"temperature,omitempty"`
	TopP             *float64 `json:"top_p,omitempty"`
	FrequencyPenalty *float64 `json:"frequency_penalty,omitempty"`
	PresencePenalty  *float64 `json:"presence_penalty,omitempty"`
	// MaxTokens bounds one answer, in tokens, with those of its reasoning.
	MaxTokens       *int              `json:"max_completion_tokens,omitempty"`
	Seed            *int64            `json:"seed,omitempty"`
	Stop            []string          `json:"stop,omitempty"`
	User            string            `json:"user,omitempty"`
	Metadata        map[string]string `json:"metadata,omitempty"`
	ReasoningEffort string            `json:"reasoning_effort,omitempty"`
	Verbosity       string            `json:"verbosity,omitempty"`
	ServiceTier     string            `json:"service_tier,omitempty"`
	ParallelCalls   *bool             `json:"parallel_tool_calls,omitempty"`
	// SafetyIdentifier stands for the person behind the request, to the provider's
	// watch for abuse.
	SafetyIdentifier string `json:"safety_identifier,omitempty"`
	// PromptCacheKey helps the provider to find what it has kept of the prompt.
	PromptCacheKey string `json:"prompt_cache_key,omitempty"`
	// ResponseFormat and ToolChoice are the chat API's, word for word.
	ResponseFormat json.RawMessage `json:"response_format,omitempty"`
	ToolChoice     json.RawMessage `json:"tool_choice,omitempty"`
}

// Request is one turn's question.
type Request struct {
	// Model is the name of the model to ask, Fallback the names of those to ask in
	// its place, in this order.
	Model     string     `json:"model"`
	Fallback  []string   `json:"fallback,omitempty"`
	Messages  []Message  `json:"messages"`
	Functions []Function `json:"functions,omitempty"`
	Params    Params     `json:"params"`
	// Hear is told of the answer as it comes.
	Hear Listener `json:"-"`

	// whole: the answer is to come in one piece, and not streamed. The one after it, if
	// there is one, is asked without what the endpoint would want to be given back.
	whole bool
}

// Listener hears an answer as it comes. Its functions are called in order, from the
// goroutine that asks; those that are nil are left out.
type Listener struct {
	// Text is the next piece of the answer's words.
	Text func(delta string)
	// Again: the answer broke off, and what was heard of it is void. It is asked for anew,
	// or given up.
	Again func()
}

// Finish says why the model stopped.
type Finish string

const (
	FinishStop     Finish = "stop"
	FinishCalls    Finish = "tool_calls"
	FinishLength   Finish = "length"         // cut at the limit of tokens
	FinishFiltered Finish = "content_filter" // withheld by the provider
)

// Usage counts tokens. Cached is the part of Prompt that the provider had kept,
// Reasoning the part of Completion that is not shown.
type Usage struct {
	Prompt     int `json:"prompt"`
	Completion int `json:"completion"`
	Cached     int `json:"cached,omitempty"`
	Reasoning  int `json:"reasoning,omitempty"`
	// Estimated: the endpoint gave no usage, and these are our own count.
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
	// By is the configured name of the model that answered, Passed those that were
	// asked, or would have been, before it.
	By     string   `json:"by,omitempty"`
	Passed []Passed `json:"passed,omitempty"`
	// Cost is in millionths of a unit of Currency, 0 where no price is known.
	Cost     int64  `json:"cost_micros,omitempty"`
	Currency string `json:"currency,omitempty"`
	// Items are what the endpoint wants to be given back with the answer, such
	// as encrypted reasoning. Other endpoints have none.
	Items []json.RawMessage `json:"items,omitempty"`
}

// Passed is a model that did not answer, and why.
type Passed struct {
	Model string `json:"model"`
	Why   string `json:"why"`
}
