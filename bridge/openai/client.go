package openai

import (
	"context"
	"net/http"
	"time"

	wire "github.com/sashabaranov/go-openai"
)

// DefaultTimeout bounds one completion from the first byte sent to the last one
// read. Models that think take minutes.
const DefaultTimeout = 5 * time.Minute

// Options of a Client. The zero value asks api.openai.com without a key.
type Options struct {
	// BaseURL ends before /chat/completions, usually in /v1.
	BaseURL string
	APIKey  string
	// HTTPClient keeps many connections to the endpoint by default.
	HTTPClient *http.Client
	// Timeout of one completion, DefaultTimeout by default.
	Timeout time.Duration
	// Now reads a Retry-After that names a date. It is time.Now by default.
	Now func() time.Time
}

// Client asks one endpoint. It is safe for concurrent use.
type Client struct {
	api     *wire.Client
	key     string
	timeout time.Duration
	now     func() time.Time
}

// New makes a client. It sends nothing yet.
func New(o Options) *Client {
	c := &Client{key: o.APIKey, timeout: o.Timeout, now: o.Now}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.now == nil {
		c.now = time.Now
	}
	client := o.HTTPClient
	if client == nil {
		client = newHTTPClient()
	}
	config := wire.DefaultConfig(o.APIKey)
	config.HTTPClient = doer{client}
	if o.BaseURL != "" {
		config.BaseURL = o.BaseURL
	}
	c.api = wire.NewClientWithConfig(config)
	return c
}

// Complete asks for one answer, whole. An error is an *[Error], or the context's
// own when that ended first.
func (c *Client) Complete(ctx context.Context, r Request) (Answer, error) {
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	response, err := c.api.CreateChatCompletion(timed, encode(r))
	switch {
	case ctx.Err() != nil:
		return Answer{}, ctx.Err()
	case err != nil:
		return Answer{}, c.classify(r, response.Header(), err)
	case len(response.Choices) == 0:
		return Answer{}, &Error{Kind: Transient, Status: http.StatusOK, Message: "the model server answered without a choice"}
	}
	return decode(r, response), nil
}

func encode(r Request) wire.ChatCompletionRequest {
	out := wire.ChatCompletionRequest{Model: r.Model}
	for _, m := range r.Messages {
		message := wire.ChatCompletionMessage{Role: string(m.Role), Content: m.Content, ToolCallID: m.CallID}
		for _, call := range m.Calls {
			message.ToolCalls = append(message.ToolCalls, wire.ToolCall{
				ID:       call.ID,
				Type:     wire.ToolTypeFunction,
				Function: wire.FunctionCall{Name: call.Name, Arguments: call.Arguments},
			})
		}
		out.Messages = append(out.Messages, message)
	}
	for _, f := range r.Functions {
		out.Tools = append(out.Tools, wire.Tool{Type: wire.ToolTypeFunction, Function: &wire.FunctionDefinition{
			Name: f.Name, Description: f.Description, Parameters: f.Parameters, Strict: f.Strict,
		}})
	}
	return out
}

func decode(r Request, response wire.ChatCompletionResponse) Answer {
	choice := response.Choices[0]
	a := Answer{
		ID:      response.ID,
		Model:   response.Model,
		Content: text(choice.Message),
		Refusal: choice.Message.Refusal,
		Finish:  Finish(choice.FinishReason),
		Usage:   Usage{Prompt: response.Usage.PromptTokens, Completion: response.Usage.CompletionTokens},
	}
	for _, call := range choice.Message.ToolCalls {
		a.Calls = append(a.Calls, Call{ID: call.ID, Name: call.Function.Name, Arguments: call.Function.Arguments})
	}
	if details := response.Usage.PromptTokensDetails; details != nil {
		a.Usage.Cached = details.CachedTokens
	}
	if a.Usage.Prompt+a.Usage.Completion == 0 {
		a.Usage = estimate(r, a)
	}
	return a
}

// text is a message's content, whether it came as a string or in parts.
func text(m wire.ChatCompletionMessage) string {
	content := m.Content
	for _, part := range m.MultiContent {
		content += part.Text
	}
	return content
}

// estimate stands in for a usage that was not given: without one, a budget of
// tokens would hold nothing back.
func estimate(r Request, a Answer) Usage {
	const bytesPerToken = 4
	prompt, completion := 0, len(a.Content)+len(a.Refusal)
	for _, m := range r.Messages {
		prompt += len(m.Content)
		for _, call := range m.Calls {
			prompt += len(call.Name) + len(call.Arguments)
		}
	}
	for _, f := range r.Functions {
		prompt += len(f.Name) + len(f.Description) + len(f.Parameters)
	}
	for _, call := range a.Calls {
		completion += len(call.Name) + len(call.Arguments)
	}
	return Usage{Prompt: prompt/bytesPerToken + 1, Completion: completion/bytesPerToken + 1, Estimated: true}
}
