package openai

import (
	"bytes"
	"encoding/json"
)

// sane keeps a mistaken server's figures from upsetting a budget: nothing is
// negative, no part is larger than its whole, nothing is beyond a billion.
func (u Usage) sane() Usage {
	const most = 1_000_000_000
	u.Prompt = min(max(u.Prompt, 0), most)
	u.Completion = min(max(u.Completion, 0), most)
	u.Cached = min(max(u.Cached, 0), u.Prompt)
	u.Reasoning = min(max(u.Reasoning, 0), u.Completion)
	return u
}

const (
	bytesPerToken = 4
	tokensOfPart  = 1000 // of an image or a file, at most
)

// estimate stands in for a usage that was not given: without one, a budget of
// tokens would hold nothing back.
func estimate(r Request, a Answer) Usage {
	completion := len(a.Content) + len(a.Refusal)
	for _, call := range a.Calls {
		completion += len(call.Name) + len(call.Arguments)
	}
	return Usage{Prompt: promptTokens(r), Completion: completion/bytesPerToken + 1, Estimated: true}
}

// promptTokens says about how many tokens a request is.
func promptTokens(r Request) int {
	size, tokens := 0, 1
	for _, m := range r.Messages {
		size += len(m.Content)
		for _, part := range m.Parts {
			tokens += tokensIn(part)
		}
		for _, call := range m.Calls {
			size += len(call.Name) + len(call.Arguments)
		}
	}
	for _, f := range r.Functions {
		size += len(f.Name) + len(f.Description) + len(f.Parameters)
	}
	return tokens + size/bytesPerToken
}

// tokensIn says about how many tokens a content part is. A member's name cannot stand
// inside a text, where quotes are escaped.
func tokensIn(part json.RawMessage) int {
	tokens := len(part) / bytesPerToken
	if bytes.Contains(part, []byte(`"text"`)) {
		return tokens
	}
	return min(tokens, tokensOfPart)
}
