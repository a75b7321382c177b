package bridge

import (
	"fmt"
	"strings"
	"time"
)

// settle is an outcome as things stand.
func (h *history) settle(status Status, reason Reason, answer string) *Outcome {
	return &Outcome{
		Status: status, Reason: reason, Answer: answer,
		Usage: h.usage(), Tainted: h.tainted(), next: h.last + 1,
	}
}

// failed is the outcome of a run that ends without a proper answer. The detail is
// what else there is to say about the reason.
func (h *history) failed(reason Reason, detail string) *Outcome {
	return h.settle(Failed, reason, h.account("Not finished. "+h.why(reason, detail)))
}

func (h *history) why(reason Reason, detail string) string {
	switch reason {
	case ModelRefused:
		return "The model declined: " + detail
	case ModelError:
		return "The model cannot be asked: " + detail
	case ContextFull:
		return "The model's window is too small: " + detail
	case Length:
		return "The model's answer was cut off at its limit of tokens."
	case ContentFiltered:
		return "The provider withheld the answer."
	case EmptyAnswer:
		return fmt.Sprintf("The model gave neither words nor calls, %d times in a row.", mostEmpty)
	case Loop:
		return fmt.Sprintf("The model called %s again and again, with the same arguments and the same result.", detail)
	case OutputInvalid:
		return "The answer does not fit the form that was asked for:" + detail
	case ClientGone:
		return "The results of the caller's own calls did not come."
	case BatchExpired:
		return "No batch came to the question in time: " + detail
	case OutcomeOpen:
		return detail
	case BatchCancelled:
		return "The batch that the question was in was cancelled at the provider."
	}
	return budgetText(reason, h.brief.Budget)
}

// waiting parks a run. Its answer is for whoever looks in the meantime.
func (h *history) waiting(reason Reason, detail string, after time.Duration) *Outcome {
	o := h.settle(Waiting, reason, detail)
	o.RetryAfter = after
	return o
}

// budgetText says which budget is used up.
func budgetText(reason Reason, b Budget) string {
	switch reason {
	case BudgetTurns:
		return fmt.Sprintf("The budget of %d turns is used up.", b.Turns)
	case BudgetCalls:
		return fmt.Sprintf("The budget of %d calls is used up.", b.Calls)
	case BudgetTokens:
		return fmt.Sprintf("The budget of %d tokens has no room for another turn.", b.Tokens)
	case BudgetCost:
		return fmt.Sprintf("The budget of %s is used up.", amount(b.Cost, b.Currency))
	case BudgetDay:
		return "What the agent may use in a day is used up."
	}
	return fmt.Sprintf("The time of %s is used up.", b.Wall)
}

// account is an answer made from the journal, for when the model gave none: why,
// what was done, what was left, and the model's last words.
func (h *history) account(why string) string {
	var done, undone []string
	words := ""
	for _, t := range h.turns {
		if said := strings.TrimSpace(t.answer.Content); said != "" {
			words = said
		}
		for _, c := range t.calls {
			if became, made := c.became(); made {
				done = append(done, opening(c.asked.Name)+" ("+became+")")
			} else {
				undone = append(undone, opening(c.asked.Name))
			}
		}
	}
	lines := []string{why}
	add := func(title string, items ...string) {
		if text := strings.Join(items, ", "); text != "" {
			lines = append(lines, title+": "+text)
		}
	}
	add("Done", done...)
	add("Left undone", undone...)
	add("The model's last words", words)
	return strings.Join(lines, "\n")
}

// became says in a few words what became of a call, and reports whether it was made.
func (c *call) became() (what string, made bool) {
	const unknown = "not known whether it took effect"
	switch {
	case c.result == nil && c.approval != nil:
		return "", false // known not to be made
	case c.result == nil && c.intent != nil && c.intent.Effect != Read:
		return unknown, true
	case c.result == nil:
		return "", false
	case c.result.Code == CallersCall:
		return "by the caller", true
	case c.intent == nil:
		return "", false
	case c.result.Code == OutcomeUnknown:
		return unknown, true
	case c.result.IsError:
		return "error: " + opening(c.result.Content), true
	}
	return "ok", true
}

// Cancel is the outcome of a run that somebody stopped, with an account of what was
// done until then. The journal has to be as it stays: nobody carries the run any
// more. One that has ended already is an error.
func Cancel(run string, entries []Entry, why string) (Outcome, error) {
	h, err := replay(run, entries)
	switch {
	case err != nil:
		return Outcome{}, err
	case h.outcome != nil:
		return Outcome{}, fmt.Errorf("cancelling the run %q: it has ended, %s", run, h.outcome.Status)
	}
	return *h.settle(Cancelled, CancelledByUser, h.account("Cancelled: "+why)), nil
}
