package bridge

import "time"

// Budget bounds a run. A zero field means the default; no run is without bounds.
// The budget is journaled with the brief, and what was used of it is counted from
// the journal: resuming resets nothing.
type Budget struct {
	Turns  int `json:"turns"`  // answers of the model
	Calls  int `json:"calls"`  // calls made
	Tokens int `json:"tokens"` // prompt and completion together
	// Wall is the time worked on the run. Waiting for a model that is away, or for
	// a worker after a crash, does not count.
	Wall time.Duration `json:"wall_ns"`
}

// DefaultBudget applies where an agent's own budget is zero.
var DefaultBudget = Budget{Turns: 30, Calls: 100, Tokens: 1_000_000, Wall: 15 * time.Minute}

func (b Budget) withDefaults() Budget {
	if b.Turns <= 0 {
		b.Turns = DefaultBudget.Turns
	}
	if b.Calls <= 0 {
		b.Calls = DefaultBudget.Calls
	}
	if b.Tokens <= 0 {
		b.Tokens = DefaultBudget.Tokens
	}
	if b.Wall <= 0 {
		b.Wall = DefaultBudget.Wall
	}
	return b
}

// beforeAsking names the budget that forbids another turn, "" if none does.
func (h *history) beforeAsking(now time.Time) Reason {
	used, budget := h.usage(), h.brief.Budget
	switch {
	case h.refused(BudgetCalls):
		return BudgetCalls
	case h.refused(BudgetWall), h.wallLeft(now) <= 0:
		return BudgetWall
	case used.Turns >= budget.Turns:
		return BudgetTurns
	case used.PromptTokens+used.CompletionTokens >= budget.Tokens:
		return BudgetTokens
	}
	return ""
}

// beforeCalling names the budget that forbids another call, "" if none does.
func (h *history) beforeCalling(now time.Time) Reason {
	switch {
	case h.usage().Calls >= h.brief.Budget.Calls:
		return BudgetCalls
	case h.wallLeft(now) <= 0:
		return BudgetWall
	}
	return ""
}

func (h *history) wallLeft(now time.Time) time.Duration {
	return h.brief.Budget.Wall - h.worked - now.Sub(h.began)
}

// refused reports whether a call of the last turn was refused for a budget.
func (h *history) refused(reason Reason) bool {
	if len(h.turns) == 0 {
		return false
	}
	for _, c := range h.turns[len(h.turns)-1].calls {
		if c.result != nil && c.result.Code == ResultCode(reason) {
			return true
		}
	}
	return false
}

// UsageOf adds up what a run has used so far, from its journal.
func UsageOf(run string, entries []Entry) (Usage, error) {
	h, err := replay(run, entries)
	if err != nil {
		return Usage{}, err
	}
	return h.usage(), nil
}

// usage counts what the journal shows. A call counts once it has an intent.
func (h *history) usage() Usage {
	u := Usage{Turns: len(h.turns)}
	for _, t := range h.turns {
		u.PromptTokens += t.answer.Usage.Prompt
		u.CompletionTokens += t.answer.Usage.Completion
		u.CachedTokens += t.answer.Usage.Cached
		for _, c := range t.calls {
			if c.intent != nil {
				u.Calls++
			}
		}
	}
	return u
}
