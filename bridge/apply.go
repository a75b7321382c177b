package bridge

import (
	"encoding/json"
	"fmt"

	"drawbridge/bridge/openai"
)

// replay builds the history of a run from its journal.
func replay(run string, entries []Entry) (*history, error) {
	h := &history{run: run}
	for _, e := range entries {
		if err := h.apply(e); err != nil {
			return nil, fmt.Errorf("replaying the journal of run %q: entry %d: %w", run, e.Seq, err)
		}
	}
	return h, nil
}

// apply adds one entry. An error means that the journal was not written by a
// bridge: nothing may be built on it.
func (h *history) apply(e Entry) error {
	switch {
	case e.Seq != h.last+1:
		return fmt.Errorf("it follows entry %d", h.last)
	case h.outcome != nil && e.Kind != EntryResume:
		return fmt.Errorf("it follows the outcome")
	case h.outcome == nil && e.Kind == EntryResume:
		return fmt.Errorf("it follows no outcome")
	case h.last == 0 && e.Kind == EntryOutcome: // ended before it began
	case (h.last == 0) != (e.Kind == EntryBrief):
		return fmt.Errorf("its kind is %q: a journal opens with its only brief", e.Kind)
	}
	if err := h.take(e); err != nil {
		return err
	}
	h.last = e.Seq
	return nil
}

func (h *history) take(e Entry) error {
	switch e.Kind {
	case EntryBrief:
		return take(e, h.takeBrief)
	case EntryAnswer:
		return take(e, func(a *openai.Answer) error { return h.takeAnswer(e.Seq, a) })
	case EntryIntent:
		return take(e, func(i *Intent) error { return h.takeIntent(e, i) })
	case EntryResult:
		return take(e, h.takeResult)
	case EntryDoubt:
		return take(e, func(d *Doubt) error { return h.takeDoubt(e, d) })
	case EntryCheck:
		return take(e, h.takeCheck)
	case EntryChecked:
		return take(e, h.takeChecked)
	case EntryDecision:
		return take(e, h.takeDecision)
	case EntryApproval:
		return take(e, func(a *Approval) error { return h.takeApproval(e, a) })
	case EntryApproved:
		return take(e, h.takeApproved)
	case EntryInput:
		return take(e, func(i *Input) error { return h.takeAside(aside{input: i}) })
	case EntryNote:
		return take(e, func(n *Note) error { return h.takeAside(aside{note: n}) })
	case EntryFold:
		return take(e, h.takeFold)
	case EntrySummary:
		return take(e, h.takeSummary)
	case EntryOutcome:
		h.outcome = new(Outcome)
		return json.Unmarshal(e.Body, h.outcome)
	case EntryResume:
		h.outcome = nil
		h.reopen()
		return nil
	}
	return fmt.Errorf("its kind is %q, which is none", e.Kind)
}

// take reads an entry's body and hands it on.
func take[T any](e Entry, to func(*T) error) error {
	body := new(T)
	if err := json.Unmarshal(e.Body, body); err != nil {
		return err
	}
	return to(body)
}

func (h *history) takeBrief(b *Brief) error {
	h.brief = *b
	if c := b.Conversation; c != nil {
		h.demand = demand{functions: c.Functions, params: c.Params}
	}
	return nil
}

func (h *history) takeAnswer(seq int64, answer *openai.Answer) error {
	t := &turn{seq: seq, answer: *answer, calls: callsOf(seq, answer.Calls), closing: h.closing}
	for _, c := range t.calls {
		c.theirs = h.demand.has(c.asked.Name)
	}
	h.turns = append(h.turns, t)
	return nil
}

func (h *history) takeIntent(e Entry, intent *Intent) error {
	c, err := h.call(intent.Answer, intent.Index)
	if err == nil {
		c.intent, c.begun = intent, begun{e.Seq, e.At}
		c.doubt, c.check, c.checked, c.decision = nil, nil, nil, nil // they were about the one before
		c.approval, c.approved = nil, nil
	}
	return err
}

func (h *history) takeResult(result *Result) error {
	c, err := h.call(result.Answer, result.Index)
	if err == nil {
		c.result = result
		h.repeats.count(result.Answer, c)
	}
	return err
}

func (h *history) takeAside(a aside) error {
	switch {
	case a.input != nil:
		h.repeats.forget() // somebody spoke: what was in vain before may not be now
		h.demand.take(a.input, len(h.turns))
	case a.note.Why == NoteBudget:
		h.warned = append(h.warned, a.note.Reason)
	case a.note.Why == NoteLast:
		h.closing = a.note
	}
	if t := h.lastTurn(); t != nil {
		t.after = append(t.after, a)
	} else {
		h.before = append(h.before, a)
	}
	return nil
}

func (h *history) takeFold(f *Fold) error {
	h.repeats.forget() // what the model no longer sees it may well ask for again
	return h.fold(f)
}

func (h *history) takeSummary(s *Summary) error {
	h.repeats.forget()
	h.summaries = append(h.summaries, s)
	return h.summarize(s)
}
