package openai

import (
	"encoding/json"
	"slices"
)

// echo is what some servers of chat completions want to be given back with an answer that
// calls functions, and refuse the next question without. It is one of the answer's
// [Answer.Items]. Nobody else is sent it: another model could make nothing of it.
type echo struct {
	By string `json:"by"` // whose it is
	// Thoughts are what the model thought aloud.
	Thoughts string `json:"reasoning_content,omitempty"`
	// Marks are the servers' own, of each call in its place; null for one without.
	Marks []json.RawMessage `json:"extra_content,omitempty"`
}

// noThoughts stand in for those of an answer that has none, or none that were kept:
// models that want them want some with every answer, and nothing is not enough.
const noThoughts = " "

// kept gives the echo of an answer with calls, as its items; nil if there is nothing in it.
func (e echo) kept() []json.RawMessage {
	if !slices.ContainsFunc(e.Marks, func(mark json.RawMessage) bool { return mark != nil }) {
		e.Marks = nil
	}
	if e.Thoughts == "" && e.Marks == nil {
		return nil
	}
	raw, err := encode(e)
	if err != nil {
		return nil // as if the server had sent none
	}
	return []json.RawMessage{raw}
}

// echoOf finds what the model that is called by wants back of its answer.
func echoOf(m Message, by string) echo {
	for _, raw := range m.Items {
		var e echo
		if json.Unmarshal(raw, &e) == nil && e.By == by {
			return e
		}
	}
	return echo{}
}

// mark is that of a call, nil if it has none.
func (e echo) mark(call int) json.RawMessage {
	if call >= len(e.Marks) || string(e.Marks[call]) == "null" {
		return nil
	}
	return e.Marks[call]
}
