package bridge

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrNotUnknown: the run waits for nobody's word about such a call.
var ErrNotUnknown = errors.New("the run waits for no decision about such a call")

// ErrWhichCall: there are several calls to decide about.
var ErrWhichCall = errors.New("there are several calls to decide about: say which")

// Ruling is what a person says about a call of which nobody knows whether it took
// effect.
type Ruling struct {
	// Call is the sequence number of the call's intent, as [Unknown] gives it; zero for the
	// only one there is.
	Call    int64
	Verdict Verdict
	// Result, of a call that happened, is what it returned, for the model; nil if that is
	// not known.
	Result json.RawMessage
	By     string // the person
}

// Decide gives the entries that a person's word adds to a run that waits for it, and
// whether the run can go on then: of several calls each has to be decided about, but
// giving up is for the whole run. A call that nobody waits for a word about is
// [ErrNotUnknown].
func Decide(run string, entries []Entry, r Ruling, at time.Time) (added []Entry, ready bool, err error) {
	h, err := replay(run, entries)
	if err != nil {
		return nil, false, err
	}
	c, err := h.ruled(r.Call)
	if err != nil {
		return nil, false, err
	}
	note := func(kind EntryKind, body any) {
		e := Entry{Seq: h.last + 1, Kind: kind, At: at, Body: encode(body)}
		err = errors.Join(err, h.apply(e))
		added = append(added, e)
	}
	note(EntryDecision, Decision{Answer: c.intent.Answer, Index: c.index, Verdict: r.Verdict, By: cmp.Or(r.By, "somebody")})
	switch r.Verdict {
	case Happened:
		note(EntryResult, c.happened(r))
	case DidNotHappen, GiveUp:
		if r.Result != nil {
			return nil, false, fmt.Errorf("deciding about a call of %s: a result is for a call that happened", c.intent.name())
		}
	default:
		return nil, false, fmt.Errorf("deciding about a call of %s: %q is none of %s, %s, %s", c.intent.name(), r.Verdict, Happened, DidNotHappen, GiveUp)
	}
	return added, r.Verdict == GiveUp || len(h.undecided()) == 0, err
}

// ruled finds the call that a person's word is about.
func (h *history) ruled(seq int64) (*call, error) {
	open := h.undecided()
	switch {
	case seq == 0 && len(open) == 1:
		return open[0], nil
	case seq == 0 && len(open) > 1:
		return nil, fmt.Errorf("run %q: %w", h.run, ErrWhichCall)
	}
	for _, c := range open {
		if c.begun.seq == seq {
			return c, nil
		}
	}
	return nil, fmt.Errorf("run %q: %w", h.run, ErrNotUnknown)
}

// happened is the result of a call that took effect, as a person says.
func (c *call) happened(r Ruling) Result {
	result := Result{Answer: c.intent.Answer, Index: c.index, CallID: c.id, Code: Decided, Taints: c.intent.Taints, Content: string(r.Result)}
	if r.Result == nil {
		result.Content = "This call took effect, as a person has found out. What it returned is lost. Do not make it again."
	}
	return result
}
