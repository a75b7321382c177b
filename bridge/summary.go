package bridge

import (
	"fmt"
	"strings"
	"time"

	"drawbridge/bridge/openai"
)

// ended is the outcome of a run whose last answer is its last.
func (h *history) ended() (Outcome, bool) {
	if len(h.turns) == 0 || !h.turns[len(h.turns)-1].final() {
		return Outcome{}, false
	}
	answer := h.turns[len(h.turns)-1].answer
	switch {
	case answer.Refusal != "":
		return *h.failed(ModelRefused, answer.Refusal), true
	case answer.Finish == openai.FinishFiltered:
		return *h.failed(ModelRefused, "the provider withheld the answer"), true
	case answer.Finish == openai.FinishLength:
		return *h.failed(Length, ""), true
	}
	text := answer.Content
	if strings.TrimSpace(text) == "" {
		text = h.account("The model ended without words.")
	}
	return *h.settle(Succeeded, Answered, text), true
}

func (h *history) settle(status Status, reason Reason, answer string) *Outcome {
	return &Outcome{
		Status: status, Reason: reason, Answer: answer,
		Usage: h.usage(), Tainted: h.tainted(), next: h.last + 1,
	}
}

// failed is the outcome of a run that ends without a proper answer.
func (h *history) failed(reason Reason, detail string) *Outcome {
	why := budgetText(reason, h.brief.Budget)
	switch reason {
	case ModelRefused:
		why = "The model declined: " + detail
	case ModelError:
		why = "The model cannot be asked: " + detail
	case Length:
		why = "The model's answer was cut off at its limit of tokens."
	}
	return h.settle(Failed, reason, h.account("Not finished. "+why))
}

// waiting parks a run. Its answer is for whoever looks in the meantime.
func (h *history) waiting(reason Reason, detail string, after time.Duration) *Outcome {
	o := h.settle(Waiting, reason, detail)
	o.RetryAfter = after
	return o
}

// budgetText says which budget is used up, "" for any other reason.
func budgetText(reason Reason, b Budget) string {
	switch reason {
	case BudgetTurns:
		return fmt.Sprintf("The budget of %d turns is used up.", b.Turns)
	case BudgetCalls:
		return fmt.Sprintf("The budget of %d calls is used up.", b.Calls)
	case BudgetTokens:
		return fmt.Sprintf("The budget of %d tokens is used up.", b.Tokens)
	case BudgetWall:
		return fmt.Sprintf("The time of %s is used up.", b.Wall)
	}
	return ""
}

// account is an answer made from the journal, for when the model gave none: why,
// what was done, what was left, and the model's last words.
func (h *history) account(why string) string {
	done, undone, words := []string{}, []string{}, ""
	for _, t := range h.turns {
		if said := strings.TrimSpace(t.answer.Content); said != "" {
			words = said
		}
		for _, c := range t.calls {
			switch name := opening(c.asked.Name); {
			case c.result == nil || c.intent == nil:
				undone = append(undone, name)
			case c.result.Code == OutcomeUnknown:
				done = append(done, name+" (not known whether it took effect)")
			case c.result.IsError:
				done = append(done, name+" (error: "+opening(c.result.Content)+")")
			default:
				done = append(done, name+" (ok)")
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
