package bridge

import (
	"encoding/json"

	"drawbridge/bridge/openai"
)

// UsageOf adds up what a run has used so far, from its journal.
func UsageOf(run string, entries []Entry) (Usage, error) {
	h, err := replay(run, entries)
	if err != nil {
		return Usage{}, err
	}
	return h.usage(), nil
}

// Spent is what these entries alone add to the usage of their run, whichever it is.
// Entries that cannot be read add nothing.
func Spent(entries []Entry) Usage {
	var u Usage
	for _, e := range entries {
		switch e.Kind {
		case EntryIntent:
			var intent Intent
			if json.Unmarshal(e.Body, &intent) == nil && intent.Again == 0 {
				u.Calls++
			}
		case EntryAnswer:
			var answer openai.Answer
			if json.Unmarshal(e.Body, &answer) == nil {
				u.Turns++
				u.add(answer)
			}
		case EntrySummary:
			var summary Summary
			if json.Unmarshal(e.Body, &summary) == nil {
				u.add(summary.Asked)
			}
		}
	}
	return u
}

// usage counts what the journal shows. A call counts once it has an intent; a
// summary costs tokens and money, but is no turn.
func (h *history) usage() Usage {
	u := Usage{Turns: len(h.turns)}
	for _, t := range h.turns {
		u.add(t.answer)
		for _, c := range t.calls {
			if c.intent != nil {
				u.Calls++
			}
		}
	}
	for _, s := range h.summaries {
		u.add(s.Asked)
	}
	return u
}

// add counts the tokens and the cost of one answer.
func (u *Usage) add(a openai.Answer) {
	u.PromptTokens += a.Usage.Prompt
	u.CompletionTokens += a.Usage.Completion
	u.CachedTokens += a.Usage.Cached
	u.ReasoningTokens += a.Usage.Reasoning
	u.Cost += a.Cost
	if u.Currency == "" {
		u.Currency = a.Currency
	}
}

// tokens are those that a budget bounds.
func (u Usage) tokens() int { return u.PromptTokens + u.CompletionTokens }
