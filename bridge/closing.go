package bridge

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// withinBudget looks at the budgets before a question: it tells the model that one
// is nearly used up, or that this question is the last. An outcome means that there
// is none.
func (r *run) withinBudget(ctx context.Context) (*Outcome, error) {
	h := r.history
	if h.closing != nil {
		return nil, nil
	}
	day, ends, err := r.day(ctx)
	if err != nil {
		return nil, err
	}
	own := h.bounds(r.options.Now())
	spent := slices.IndexFunc(day, bound.usedUp)
	over := h.exhausted(own)
	if spent >= 0 && over == nil {
		over = &day[spent]
	}
	switch {
	case over != nil && over.reason == BudgetDay && len(h.turns) == 0:
		return h.waiting(BudgetDay, h.why(BudgetDay, ""), max(ends.Sub(r.options.Now()), time.Second)), nil
	case over != nil && r.task.Later != nil: // nobody waits a day for last words
		return h.failed(over.reason, ""), nil
	case over != nil:
		r.close(over)
		return nil, nil
	}
	for _, x := range own {
		r.warn(x, "this run")
	}
	if len(h.turns) > 0 { // a run that has done nothing yet need not come to an end
		for _, x := range day {
			r.warn(x, "the agent, in all its runs of a day together,")
		}
	}
	return nil, nil
}

// day are the bounds of what the agent may use in a day, as they stand, and when the
// day ends.
func (r *run) day(ctx context.Context) ([]bound, time.Time, error) {
	daily := r.task.Agent.Daily
	if r.task.Today == nil || len(daily.bounds(Usage{})) == 0 {
		return nil, time.Time{}, nil
	}
	if err := r.commit(ctx); err != nil { // the day counts what is journaled
		return nil, time.Time{}, err
	}
	used, ends, err := r.task.Today(ctx)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("asking what the agent has used today: %w", err)
	}
	used.Wall += r.options.Now().Sub(r.history.began)
	bounds := daily.bounds(used)
	for i := range bounds {
		bounds[i].reason = BudgetDay
	}
	return bounds, ends, nil
}

// warn tells the model, once a budget, that most of it is used.
func (r *run) warn(x bound, who string) {
	if !x.pressing() || slices.Contains(r.history.warned, x.reason) {
		return
	}
	r.note(EntryNote, Note{Why: NoteBudget, Reason: x.reason, Text: fmt.Sprintf(
		"Left of the %s that %s may use: %s. Come to an end: do what matters most, and then answer in words.",
		x.say(x.most), who, x.say(max(0, x.most-x.used)))})
}

// close announces the last question.
func (r *run) close(over *bound) {
	r.note(EntryNote, Note{Why: NoteLast, Reason: over.reason, Text: fmt.Sprintf(
		"The %s that may be used leave no room for more, and nothing can be called from here on. "+
			"This is your last answer: say in words what is done, what is not done, and what is not known.", over.say(over.most))})
}

// timeUp is the bound of the time, for when a clock has found out that it is over.
func (h *history) timeUp() *bound {
	x := h.brief.Budget.bounds(Usage{})
	return &x[slices.IndexFunc(x, func(x bound) bool { return x.reason == BudgetWall })]
}
