package bridge

import (
	"fmt"
	"strings"
)

const (
	// foldedBytes is how much of a folded result is shown; of errors and of what a call
	// changed there is more, as that is what a model must not misremember.
	foldedBytes      = 120
	foldedWordsBytes = 500
)

// fold takes the entry that folds the results of all turns up to its own.
func (h *history) fold(f *Fold) error {
	if h.place(f.Upto) < 0 {
		return fmt.Errorf("it folds up to answer %d, which there is none", f.Upto)
	}
	for _, t := range h.turns {
		if t.seq <= f.Upto && (!t.folded || f.Show < t.show) {
			t.folded, t.show = true, f.Show
		}
	}
	h.moved = h.last + 1
	return nil
}

// place is the index of the turn whose answer has this sequence number, -1 if none has.
func (h *history) place(seq int64) int {
	for i, t := range h.turns {
		if t.seq == seq {
			return i
		}
	}
	return -1
}

// line is a result as one line, and reports whether it is shown so: a result of a
// folded turn that is longer than the line would be.
func (h *history) line(t *turn, c *call) (string, bool) {
	if !t.folded || c.result.Code == OutcomeUnknown {
		return "", false
	}
	most, status := foldedBytes, ""
	if c.result.IsError {
		status = "error: "
	}
	if c.result.IsError || c.changes() {
		most = foldedWordsBytes
	}
	most = max(most, t.show)
	whole := c.result.Content
	if len(whole) <= most+foldedBytes {
		return "", false
	}
	return fmt.Sprintf("%s[%d bytes, folded; whole with %s and the handle %s] %s ...", status, len(whole), readResultName,
		handle(t.seq, c.index), strings.Join(strings.Fields(whole[:boundary(whole, most)]), " ")), true
}

// changes reports whether the call is of a kind that changes something, as far as
// we know: those that the caller makes may.
func (c *call) changes() bool {
	switch {
	case c.result == nil || c.result.Code == UnknownFunction:
		return false
	case c.result.Code == CallersCall, c.result.Code == OutcomeUnknown:
		return true
	}
	return c.intent != nil && c.intent.Effect != Read
}

// foldOld folds the results of all turns but the last, if that brings anything. It
// folds all there are at once, so that what is sent changes seldom.
func (r *run) foldOld(size int, room room) bool {
	old := len(r.history.turns) - kept
	saves := r.foldable(old, 0)
	if saves == 0 || saves < room.limit/10 && size <= room.limit {
		return false
	}
	r.note(EntryFold, Fold{Upto: r.history.turns[old-1].seq})
	return true
}

// foldLast shows the last results shorter, by as much as it takes.
func (r *run) foldLast(size int, room room) bool {
	h := r.history
	results, held, bytes := 0, 0, 0
	for _, t := range h.turns[max(0, len(h.turns)-kept):] {
		told := h.told(t)
		results += len(t.calls)
		held += r.scale.messages(told)
		bytes += weigh(told, atMost)
	}
	spare := max(0, room.high-(size-held))
	show := min(bytes*spare/max(held*results, 1), h.brief.ResultLimit)
	if r.foldable(len(h.turns), show) == 0 {
		return false
	}
	r.note(EntryFold, Fold{Upto: h.lastTurn().seq, Show: show})
	return true
}

// foldAll shows the last results as a line each.
func (r *run) foldAll() bool {
	h := r.history
	if r.foldable(len(h.turns), 0) == 0 {
		return false
	}
	r.note(EntryFold, Fold{Upto: h.lastTurn().seq})
	return true
}

// foldable is how many tokens it saves to fold the first n turns.
func (r *run) foldable(n, show int) int {
	h := r.history
	saved := 0
	for _, t := range h.turns[:max(0, n)] {
		if h.summarized(t) {
			continue
		}
		folded := *t
		folded.folded, folded.show = true, show
		saved += max(0, r.scale.messages(h.told(t))-r.scale.messages(h.told(&folded)))
	}
	return saved
}
