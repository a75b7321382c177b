package bridge

import (
	"strings"

	"drawbridge/bridge/openai"
)

// mostEmpty is how many answers in a row may hold nothing.
const mostEmpty = 3

// judge says what the last answer means, all of whose calls are answered: an outcome
// if the run ends with it, a note if the model has to be told something about it
// before it is asked again, neither if there is nothing to say.
func (h *history) judge() (*Outcome, *Note) {
	t := h.lastTurn()
	switch {
	case t == nil || len(t.after) > 0: // judged before, and the next question stands
		return nil, nil
	case t.closing != nil:
		return h.lastWords(t), nil
	case t.answer.Refusal != "":
		return h.failed(ModelRefused, t.answer.Refusal), nil
	case t.answer.Finish == openai.FinishFiltered:
		return h.failed(ContentFiltered, ""), nil
	case t.answer.Finish == openai.FinishLength && !t.clipped() || h.clippedAgain():
		return h.failed(Length, ""), nil
	case len(t.calls) > 0:
		return h.judgeCalls(t), nil
	case t.empty():
		return h.judgeEmpty()
	case h.brief.Output != nil:
		return h.judgeOutput(t)
	}
	return h.settle(Succeeded, Answered, t.answer.Content), nil
}

// lastWords ends a run whose budget is used up with what the model said to that.
func (h *history) lastWords(t *turn) *Outcome {
	if strings.TrimSpace(t.answer.Content) == "" {
		return h.failed(t.closing.Reason, "")
	}
	return h.settle(Failed, t.closing.Reason, t.answer.Content)
}

func (h *history) judgeCalls(t *turn) *Outcome {
	for _, c := range t.calls {
		if c.times >= loopAt {
			return h.failed(Loop, opening(c.asked.Name))
		}
	}
	return nil
}

// empty reports whether the answer holds neither words nor calls.
func (t *turn) empty() bool {
	return len(t.calls) == 0 && strings.TrimSpace(t.answer.Content) == ""
}

func (h *history) judgeEmpty() (*Outcome, *Note) {
	n := 0
	for n < len(h.turns) && h.turns[len(h.turns)-1-n].empty() {
		n++
	}
	if n >= mostEmpty {
		return h.failed(EmptyAnswer, ""), nil
	}
	return nil, &Note{Why: NoteEmpty, Text: "Your last answer held neither words nor calls. Go on with the task: call a function, or answer in words."}
}

// judgeOutput holds the answer against the form that the agent's answers have.
func (h *history) judgeOutput(t *turn) (*Outcome, *Note) {
	fitting, problem := h.brief.fit(t.answer.Content)
	switch {
	case problem == "":
		return h.settle(Succeeded, Answered, fitting), nil
	case h.noted(NoteOutput) >= mostCorrections:
		return h.failed(OutputInvalid, "\n"+problem), nil
	}
	return nil, &Note{Why: NoteOutput, Text: "Your last answer does not fit the form that was asked for:\n" + problem +
		"\nGive the whole answer again, as JSON that fits and nothing else."}
}

// noted counts the notes of a kind behind turns.
func (h *history) noted(why NoteWhy) int {
	n := 0
	for _, t := range h.turns {
		for _, a := range t.after {
			if a.note != nil && a.note.Why == why {
				n++
			}
		}
	}
	return n
}
