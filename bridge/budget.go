package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Budget bounds a run. A zero field means the default; no run is without bounds.
// The budget is journaled with the brief, and what was used of it is counted from
// the journal: resuming resets nothing.
//
// When most of a bound is used the model is told to come to an end. When it is used
// up there is one more answer, without functions, to say what is done and what is
// not.
type Budget struct {
	Turns  int `json:"turns"`  // answers of the model
	Calls  int `json:"calls"`  // calls made
	Tokens int `json:"tokens"` // prompt and completion together
	// Wall is the time worked on the run. Waiting for a model that is away, or for
	// a worker after a crash, does not count.
	Wall time.Duration `json:"wall_ns"`
	// Cost is in millionths of a unit of Currency. Zero means no bound.
	Cost     int64  `json:"cost_micros,omitempty"`
	Currency string `json:"currency,omitempty"`
}

// DefaultBudget applies where an agent's own budget is zero.
var DefaultBudget = Budget{Turns: 30, Calls: 100, Tokens: 1_000_000, Wall: 15 * time.Minute}

func (b Budget) withDefaults() Budget {
	b.Turns = cmp.Or(max(b.Turns, 0), DefaultBudget.Turns)
	b.Calls = cmp.Or(max(b.Calls, 0), DefaultBudget.Calls)
	b.Tokens = cmp.Or(max(b.Tokens, 0), DefaultBudget.Tokens)
	b.Wall = cmp.Or(max(b.Wall, 0), DefaultBudget.Wall)
	return b
}

// bound is one of a budget's bounds, and how much of it is used.
type bound struct {
	reason     Reason
	used, most int64
	say        func(int64) string // an amount in words
}

// bounds are a budget's, those that are zero left out, in the order in which one is
// named before another as the reason of an end.
func (b Budget) bounds(u Usage) []bound {
	number := func(of string) func(int64) string {
		return func(n int64) string {
			if n == 1 {
				return "1 " + of
			}
			return fmt.Sprintf("%d %ss", n, of)
		}
	}
	all := []bound{
		{BudgetCalls, int64(u.Calls), int64(b.Calls), number("call")},
		{BudgetWall, int64(u.Wall), int64(b.Wall), func(n int64) string { return time.Duration(n).Round(time.Second).String() }},
		{BudgetTurns, int64(u.Turns), int64(b.Turns), number("turn")},
		{BudgetTokens, int64(u.tokens()), int64(b.Tokens), number("token")},
		{BudgetCost, u.Cost, b.Cost, func(n int64) string { return amount(n, b.Currency) }},
	}
	return slices.DeleteFunc(all, func(x bound) bool { return x.most <= 0 })
}

// pressing reports whether four fifths of the bound are used.
func (x bound) pressing() bool { return x.used >= x.most-x.most/5 }

func (x bound) usedUp() bool { return x.used >= x.most }

// bounds are those of the run's own budget, as they stand.
func (h *history) bounds(now time.Time) []bound {
	used := h.usage()
	used.Wall = h.brief.Budget.Wall - h.wallLeft(now)
	return h.brief.Budget.bounds(used)
}

// exhausted is the bound that forbids another turn, nil if none does. That all calls
// are made forbids nothing until the model wants one more.
func (h *history) exhausted(bounds []bound) *bound {
	for i, x := range bounds {
		over := x.usedUp()
		switch x.reason {
		case BudgetCalls:
			over = false
		case BudgetTokens:
			over = over || x.used+h.nextPrompt() > x.most
		}
		if over || h.refused(x.reason) {
			return &bounds[i]
		}
	}
	return nil
}

// nextPrompt is how many tokens the next question will have at least: those of the
// last one and of its answer. Before the first turn nothing is known.
func (h *history) nextPrompt() int64 {
	t := h.lastTurn()
	if t == nil {
		return 0
	}
	u := t.answer.Usage
	return int64(u.Prompt + u.Completion - u.Reasoning)
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
	t := h.lastTurn()
	return t != nil && slices.ContainsFunc(t.calls, func(c *call) bool {
		return c.result != nil && c.result.Code == ResultCode(reason)
	})
}

// amount writes an amount in millionths, such as 2.50 USD.
func amount(micros int64, currency string) string {
	fraction := strings.TrimRight(fmt.Sprintf("%06d", micros%1e6), "0")
	return fmt.Sprintf("%d.%s%s %s", micros/1e6, fraction, strings.Repeat("0", max(0, 2-len(fraction))), currency)
}
