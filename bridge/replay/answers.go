package replay

import (
	"context"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// answers is the model that says what was said, in the same order. It knows where it
// has nothing to say.
type answers struct {
	said    []saying
	tape    *tape
	tooLong map[int64]bool // answers to whose questions the model said, once, that they are too long
	next    int
	told    map[int64]bool
	// parked: it is asked for a summary that it did not give, and the run is to wait for
	// it; at is where, so that it does not do so for ever.
	parked bool
	at     int64
}

var _ bridge.Model = (*answers)(nil)

// nothing is the error of a model that has no answer.
func nothing(kind openai.Kind, reason openai.Reason, message string) error {
	return &openai.Error{Kind: kind, Reason: reason, Message: message}
}

func (a *answers) Complete(ctx context.Context, r openai.Request) (openai.Answer, error) {
	if err := ctx.Err(); err != nil {
		return openai.Answer{}, err
	}
	summary := bridge.IsSummary(r)
	for !summary && a.next < len(a.said) && a.said[a.next].summary {
		a.next++
	}
	a.tape.mu.Lock()
	defer a.tape.mu.Unlock()
	at := int64(len(a.tape.was) + 1)
	if a.next < len(a.said) {
		at = a.said[a.next].seq
	}
	end := a.tape.endBefore(at)
	switch {
	case end != nil && end.Reason == bridge.ContextFull:
		return openai.Answer{}, nothing(openai.Permanent, openai.TooLong, "the recorded question was too long for the model")
	case end != nil:
		return openai.Answer{}, nothing(openai.Transient, openai.Unavailable, "the recorded run ended here")
	case summary && a.tape.inStep() && a.next < len(a.said) && !a.said[a.next].summary && a.at != at:
		a.parked, a.at = true, at
		return openai.Answer{}, nothing(openai.Transient, openai.Unavailable, "the summary could not be had then")
	case summary && (a.next == len(a.said) || !a.said[a.next].summary):
		return openai.Answer{}, nothing(openai.Permanent, openai.BadRequest, "no such summary was recorded")
	case a.next == len(a.said):
		return openai.Answer{}, nothing(openai.Transient, openai.Unavailable, "no further answer was recorded")
	case a.tooLong[at] && !a.told[at]:
		a.told[at] = true
		return openai.Answer{}, nothing(openai.Permanent, openai.TooLong, "the recorded question was too long for the model")
	}
	said := a.said[a.next]
	a.next++
	if summary && said.answer.Finish == "" { // an extract of the journal took its place
		return openai.Answer{}, nothing(openai.Permanent, openai.BadRequest, "the model gave no summary then")
	}
	if !summary {
		a.tape.given = at
	}
	return said.answer, nil
}
