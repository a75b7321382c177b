package bridge

import (
	"cmp"
	"fmt"
	"strings"

	"drawbridge/bridge/openai"
)

// sinceBegun stands in place of the turns that were summarized: the summary, and
// from the journal what no model may forget, that is each call that changed
// something, or may have.
func (h *history) sinceBegun() openai.Message {
	turns := 0
	var made []string
	detail := h.detail()
	for _, t := range h.turns {
		if !h.summarized(t) {
			break
		}
		turns++
		for _, c := range t.calls {
			if c.changes() {
				made = append(made, h.effect(t, c, detail))
			}
		}
	}
	text := fmt.Sprintf("%sThe first %d answers of this run, with their calls and results, are not shown any more. Summary of them:\n%s", fromRuntime, turns, h.summary.Text)
	if len(made) > 0 {
		text += "\n\nThese of their calls changed something or may have, by the journal, in this order. Do not repeat them for being left out here:\n" + strings.Join(made, "\n")
	}
	return openai.Message{Role: openai.User, Content: text}
}

// beforeBegun stands in place of the messages of the caller that were summarized.
func (h *history) beforeBegun() openai.Message {
	return openai.Message{Role: openai.User, Content: fmt.Sprintf("%sThe first %d messages of this conversation are not shown any more. Summary of them:\n%s",
		fromRuntime, h.earlier.Messages, h.earlier.Text)}
}

// effect is the line about one such call. Where nobody knows what became of it,
// nothing of that is left out.
func (h *history) effect(t *turn, c *call, detail int) string {
	arguments := strings.Join(strings.Fields(c.repeated().Arguments), " ")
	name := fmt.Sprintf("- %s (%s) with ", c.repeated().Name, handle(t.seq, c.index))
	if c.result.Code == OutcomeUnknown {
		return name + clip(arguments, max(detail, 1000)) + ": " + c.result.Content
	}
	result := "returned "
	if c.result.IsError {
		result = "failed: "
	}
	return name + clip(arguments, detail) + ": " + result + clip(strings.Join(strings.Fields(c.result.Content), " "), detail)
}

// detail is how many bytes of the arguments and of the result of a call are
// repeated: of many less each, so that they take a tenth of the window together.
func (h *history) detail() int {
	n := 0
	for _, t := range h.turns {
		for _, c := range t.calls {
			if h.summarized(t) && c.changes() {
				n++
			}
		}
	}
	const tokenBytes, texts = 3, 2
	return min(300, max(40, cmp.Or(h.brief.Window, defaultWindow)/10*tokenBytes/texts/max(n, 1)))
}

// standing are the asides of summarized turns that hold on: that a budget is nearly
// used up, and what the caller said last.
func (h *history) standing() []aside {
	var notes, inputs []aside
	for _, t := range h.turns {
		if !h.summarized(t) {
			break
		}
		for _, a := range t.after {
			switch {
			case a.input != nil && len(a.input.Messages) > 0:
				inputs = []aside{a}
			case a.note != nil && a.note.Why == NoteBudget:
				notes = append(notes, a)
			}
		}
	}
	return append(notes, inputs...)
}
