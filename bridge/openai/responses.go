package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	wire "github.com/sashabaranov/go-openai"
)

var responsesDialect = dialect{
	body:       (*Client).responsesBody,
	definition: responsesDefinition,
	endpoint:   wire.BatchEndpointResponses,
	send: func(ctx context.Context, api *wire.Client) error {
		_, err := api.CreateResponseStream(ctx, wire.CreateResponseRequest{})
		return err
	},
	read: func(c *Client, r Request) reading { return &responsesAnswer{hear: r.hear, by: c.mark(r)} },
}

// responsesBody writes a request of the Responses API, which is to keep nothing: the
// conversation is in the journal, and goes along each time.
func (c *Client) responsesBody(r Request) (body, error) {
	format, err := textOf(r.Params)
	if err != nil {
		return nil, err
	}
	choice, err := choiceOf(sendable(r).ToolChoice)
	if err != nil {
		return nil, err
	}
	input, err := inputOf(r.Messages, c.mark(r), !c.unwanted.by(r.Model, encrypted))
	if err != nil {
		return nil, err
	}
	head := newWriter()
	head.raw("{")
	head.member("model", r.Model)
	if !r.whole {
		head.raw(`"stream":true,`)
	}
	head.raw(`"store":false,`)
	if !r.whole && !c.unwanted.by(r.Model, encrypted) {
		head.member("include", []wire.ResponseInclude{wire.ResponseIncludeReasoningEncryptedContent})
	}
	opened, err := head.done()
	if err != nil {
		return nil, err
	}
	out, err := c.functions.appendTo(body{opened}, r.Functions)
	if err != nil {
		return nil, err
	}
	tail := newWriter()
	tail.list("input", len(input), func(i int) any { return input[i] })
	tail.members(responsesParams{
		Temperature: r.Params.Temperature, TopP: r.Params.TopP, MaxOutputTokens: r.Params.MaxTokens,
		User: r.Params.User, SafetyIdentifier: r.Params.SafetyIdentifier, PromptCacheKey: r.Params.PromptCacheKey, Metadata: c.metadata(r), ServiceTier: r.Params.ServiceTier,
		Reasoning: reasoningOf(r.Params), Text: format, ToolChoice: choice, ParallelCalls: sendable(r).ParallelCalls,
	})
	closed, err := tail.closed()
	return append(out, closed), err
}

// mark says whose items are whose: what a model reasoned nobody else can read.
func (c *Client) mark(r Request) string {
	if c.name != "" {
		return c.name
	}
	return r.Model
}

// responsesDefinition is a function as the Responses API takes it. There, strict is what
// a function is that does not say.
func responsesDefinition(f Function) ([]byte, error) {
	return encode(struct {
		Type        string          `json:"type"`
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Strict      bool            `json:"strict"`
		Parameters  json.RawMessage `json:"parameters"`
	}{"function", f.Name, f.Description, f.Strict, f.Parameters})
}

type responsesParams struct {
	Temperature      *float64                `json:"temperature,omitempty"`
	TopP             *float64                `json:"top_p,omitempty"`
	MaxOutputTokens  *int                    `json:"max_output_tokens,omitempty"`
	User             string                  `json:"user,omitempty"`
	SafetyIdentifier string                  `json:"safety_identifier,omitempty"`
	PromptCacheKey   string                  `json:"prompt_cache_key,omitempty"`
	Metadata         map[string]string       `json:"metadata,omitempty"`
	ServiceTier      string                  `json:"service_tier,omitempty"`
	Reasoning        *wire.ResponseReasoning `json:"reasoning,omitempty"`
	Text             *responsesText          `json:"text,omitempty"`
	ToolChoice       any                     `json:"tool_choice,omitempty"`
	ParallelCalls    *bool                   `json:"parallel_tool_calls,omitempty"`
}

// responsesText is go-openai's ResponseTextConfig, whose format would leave out a
// strict that is false.
type responsesText struct {
	Format    json.RawMessage `json:"format,omitempty"`
	Verbosity string          `json:"verbosity,omitempty"`
}

func reasoningOf(p Params) *wire.ResponseReasoning {
	if p.ReasoningEffort == "" {
		return nil
	}
	return &wire.ResponseReasoning{Effort: p.ReasoningEffort}
}

// Lacks names what of a conversation the API has no way to ask for, as the chat API's
// request calls it ("seed", "messages[2].name"), and in words; "" if it can ask for all.
func (a API) Lacks(messages []Message, p Params) (param, what string) {
	if a != Responses {
		return "", ""
	}
	for i, m := range messages {
		if m.Name != "" {
			return fmt.Sprintf("messages[%d].name", i), namesOfSpeakers
		}
		for j, raw := range m.Parts {
			if kind := kindOf(raw); !slices.Contains(responsesParts, kind) {
				return fmt.Sprintf("messages[%d].content[%d]", i, j), contentOfType(kind)
			}
		}
	}
	return lackedBy(p)
}

// lackedBy is Lacks for the parameters.
func lackedBy(p Params) (param, what string) {
	const leastTokens = 16
	switch {
	case p.Seed != nil:
		param = "seed"
	case len(p.Stop) > 0:
		param = "stop"
	case p.FrequencyPenalty != nil:
		param = "frequency_penalty"
	case p.PresencePenalty != nil:
		param = "presence_penalty"
	case p.MaxTokens != nil && *p.MaxTokens < leastTokens:
		return "max_completion_tokens", fmt.Sprintf("max_completion_tokens below %d", leastTokens)
	}
	return param, param
}

// textOf translates the form of the answer, and refuses what the Responses API lacks.
func textOf(p Params) (*responsesText, error) {
	if _, what := lackedBy(p); what != "" {
		return nil, lacking(what)
	}
	if len(p.ResponseFormat) == 0 && p.Verbosity == "" {
		return nil, nil
	}
	format, err := formatOf(p.ResponseFormat)
	return &responsesText{format, p.Verbosity}, err
}

// lacking is the error for what cannot be asked of the Responses API.
func lacking(what string) *Error {
	return permanentError(BadRequest, fmt.Sprintf("the model is asked by the Responses API, which has no %s: leave it out, or choose a model with api: chat", what))
}

// formatOf translates a response_format: a schema and its name stand beside the type.
func formatOf(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var chat struct {
		Type   string                     `json:"type"`
		Schema map[string]json.RawMessage `json:"json_schema"`
	}
	if err := json.Unmarshal(raw, &chat); err != nil {
		return nil, fmt.Errorf("reading response_format: %w", err)
	}
	if chat.Type != "json_schema" {
		return raw, nil
	}
	chat.Schema["type"] = json.RawMessage(`"json_schema"`)
	return encode(chat.Schema)
}

// choiceOf translates a tool_choice: a function's name stands beside its type.
func choiceOf(raw json.RawMessage) (any, error) {
	type named struct {
		Type     string `json:"type"`
		Name     string `json:"name,omitempty"`
		Function *named `json:"function,omitempty"`
	}
	var choice struct {
		named
		Allowed *struct {
			Mode  string  `json:"mode"`
			Tools []named `json:"tools"`
		} `json:"allowed_tools"`
	}
	var word string
	switch {
	case len(raw) == 0:
		return nil, nil
	case json.Unmarshal(raw, &word) == nil:
		return word, nil
	case json.Unmarshal(raw, &choice) != nil:
		return nil, errors.New("reading tool_choice: neither a word nor a function")
	case choice.Type == "function" && choice.Function != nil:
		return named{Type: "function", Name: choice.Function.Name}, nil
	case choice.Type != "allowed_tools" || choice.Allowed == nil:
		return nil, lacking(fmt.Sprintf("tool_choice of type %q", choice.Type))
	}
	allowed := struct {
		Type  string  `json:"type"`
		Mode  string  `json:"mode"`
		Tools []named `json:"tools"`
	}{"allowed_tools", choice.Allowed.Mode, nil}
	for _, tool := range choice.Allowed.Tools {
		if tool.Function == nil {
			return nil, lacking(fmt.Sprintf("tool_choice of a tool of type %q", tool.Type))
		}
		allowed.Tools = append(allowed.Tools, named{Type: "function", Name: tool.Function.Name})
	}
	return allowed, nil
}
