package openai

import (
	"encoding/json"
	"fmt"
	"slices"
)

// kept is one of an answer's [Answer.Items]: one item of the output of a model that
// reasoned. The items come back in their order, each with its id, for a thought is taken
// only with what followed it. What the answer says anyway is not in them twice.
type kept struct {
	By   string   `json:"by"` // whose item it is
	Item keptItem `json:"item"`
}

type keptItem struct {
	Type string `json:"type"` // reasoning, message or function_call
	ID   string `json:"id,omitempty"`
	// Of reasoning.
	Summary   json.RawMessage `json:"summary,omitempty"`
	Encrypted string          `json:"encrypted_content,omitempty"`
	// Of a message: how many bytes of the answer's content are its text, and its phase,
	// which newer models want to be told again.
	Size  int    `json:"size,omitempty"`
	Phase string `json:"phase,omitempty"`
}

const (
	itemReasoning = "reasoning"
	itemMessage   = "message"
	itemCall      = "function_call"
)

// inputOf writes a conversation as the items that the Responses API takes.
func inputOf(messages []Message, by string, reasoning bool) ([]any, error) {
	var out []any
	for i, m := range messages {
		items, err := inputOfOne(m, by, reasoning)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
		out = append(out, items...)
	}
	return out, nil
}

func inputOfOne(m Message, by string, reasoning bool) ([]any, error) {
	if m.Name != "" {
		return nil, lacking(namesOfSpeakers)
	}
	content, err := contentOf(m)
	if err != nil {
		return nil, err
	}
	if m.Role == Tool {
		return []any{callOutput{"function_call_output", shortID(m.CallID, longestItemCallID), content}}, nil
	}
	if items := m.keptBy(by); reasoning && items != nil {
		return m.again(items), nil
	}
	var out []any
	if len(m.Calls) == 0 || content != "" {
		out = append(out, inputMessage{Role: m.Role, Content: content})
	}
	for _, call := range m.Calls {
		out = append(out, callAgain("", call))
	}
	return out, nil
}

type inputMessage struct {
	Type    string `json:"type,omitempty"`
	ID      string `json:"id,omitempty"`
	Role    Role   `json:"role"`
	Status  string `json:"status,omitempty"`
	Phase   string `json:"phase,omitempty"`
	Content any    `json:"content"`
}

type inputCall struct {
	Type      string `json:"type"`
	ID        string `json:"id,omitempty"`
	CallID    string `json:"call_id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// longestItemCallID is how many bytes of a call's id the Responses API takes.
const longestItemCallID = 64

func callAgain(id string, call Call) inputCall {
	return inputCall{itemCall, id, shortID(call.ID, longestItemCallID), call.Name, call.Arguments}
}

type callOutput struct {
	Type   string `json:"type"`
	CallID string `json:"call_id"`
	Output any    `json:"output"`
}

type inputReasoning struct {
	Type      string          `json:"type"`
	ID        string          `json:"id,omitempty"`
	Summary   json.RawMessage `json:"summary"`
	Encrypted string          `json:"encrypted_content"`
}

// keptBy gives the message's items if they are the asked model's, and the message
// still is what they were kept of.
func (m Message) keptBy(by string) []keptItem {
	var out []keptItem
	size, calls := 0, 0
	for _, raw := range m.Items {
		var k kept
		if json.Unmarshal(raw, &k) != nil || k.By != by {
			return nil
		}
		size += k.Item.Size
		if k.Item.Type == itemCall {
			calls++
		}
		out = append(out, k.Item)
	}
	if size != len(m.Content) || calls != len(m.Calls) || len(m.Parts) > 0 {
		return nil
	}
	return out
}

// again gives an answer back item by item.
func (m Message) again(items []keptItem) []any {
	var out []any
	content, calls := m.Content, m.Calls
	for _, item := range items {
		switch item.Type {
		case itemReasoning:
			out = append(out, inputReasoning{itemReasoning, item.ID, item.Summary, item.Encrypted})
		case itemMessage:
			said := []any{outputText{"output_text", content[:item.Size]}}
			content = content[item.Size:]
			out = append(out, inputMessage{itemMessage, item.ID, Assistant, "completed", item.Phase, said})
		case itemCall:
			out = append(out, callAgain(item.ID, calls[0]))
			calls = calls[1:]
		}
	}
	return out
}

type outputText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// forgetItems makes the request do without all that was kept, and reports whether
// there was any.
func (r *Request) forgetItems() bool {
	had := false
	r.Messages = slices.Clone(r.Messages)
	for i := range r.Messages {
		had = had || len(r.Messages[i].Items) > 0
		r.Messages[i].Items = nil
	}
	return had
}
