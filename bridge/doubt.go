package bridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Policy is what becomes of a call that was begun and whose outcome nobody knows: the
// program stopped in the middle of it, or its answer was lost (RUN-05).
type Policy string

const (
	// PolicyRetry: it is made again under its key. For reads, and for tools that take
	// effect once a key.
	PolicyRetry Policy = "retry"
	// PolicyCheck: a look-up that the tool names tells whether it took effect, see
	// [LookUp]. Where that tells nothing, as PolicyAsk.
	PolicyCheck Policy = "check"
	// PolicyAsk: the run waits until a person has decided, see [Decide].
	PolicyAsk Policy = "ask"
)

// policyOf is what a tool says, or what follows from what else is known of it.
func policyOf(said Policy, effect Effect, idempotent bool) Policy {
	switch {
	case effect == Read:
		return PolicyRetry
	case said == PolicyRetry || said == PolicyCheck || said == PolicyAsk:
		return said
	case idempotent:
		return PolicyRetry
	}
	return PolicyAsk
}

// policy is that of the call. Intents of older journals name none.
func (i *Intent) policy() Policy { return policyOf(i.Policy, i.Effect, i.Idempotent) }

// Doubt is the body of an entry behind an intent: nobody knows whether the call took
// effect. It stands until the call has a result, or another intent.
type Doubt struct {
	Answer int64  `json:"answer"` // of the call, as in its intent
	Index  int    `json:"index"`
	CallID string `json:"call_id"`
	Policy Policy `json:"policy"` // what is done about it
	Why    string `json:"why"`
}

// Check is the body of an entry before a look-up that is to tell whether a call took
// effect. It is to the look-up what an intent is to a call: without a [Checked] behind
// it, the look-up is made again.
type Check struct {
	Answer    int64           `json:"answer"` // of the call that it is about
	Index     int             `json:"index"`
	Tool      string          `json:"tool"` // a read
	Arguments json.RawMessage `json:"arguments"`
	Key       string          `json:"key"`
}

// Finding is what a look-up told of a call.
type Finding string

const (
	// Found: the call took effect. Its result stands behind the entry.
	Found Finding = "found"
	// NotFound: it did not. It is made again, by another intent.
	NotFound Finding = "not_found"
	// Unclear: the look-up told nothing, and a person is asked.
	Unclear Finding = "unclear"
)

// Checked is the body of an entry after a look-up, or in place of one that could not be
// made.
type Checked struct {
	Answer  int64   `json:"answer"`
	Index   int     `json:"index"`
	Finding Finding `json:"finding"`
	Why     string  `json:"why,omitempty"` // why it is unclear
	// Content is what the look-up returned. What was found is in the call's result.
	Content string `json:"content,omitempty"`
}

// Verdict is what a person says of a call whose outcome is not known.
type Verdict string

const (
	// Happened: it took effect. Its result stands behind the entry.
	Happened Verdict = "happened"
	// DidNotHappen: it did not, and is made again under its key.
	DidNotHappen Verdict = "did_not_happen"
	// GiveUp: the run ends.
	GiveUp Verdict = "give_up"
)

// Decision is the body of an entry of what a person has decided about a call.
type Decision struct {
	Answer  int64   `json:"answer"`
	Index   int     `json:"index"`
	Verdict Verdict `json:"verdict"`
	By      string  `json:"by"` // the person, as far as that is known
}

// LookUp is the question that tells whether a call took effect.
type LookUp struct {
	Tool      string // a read
	Arguments json.RawMessage
	// After is how long to wait until the far side shows what was done.
	After time.Duration
	// Judge tells from what the tool returned, as in [CallResult], whether the call took
	// effect. An error means that it cannot be told.
	Judge func(content string) (found bool, err error)
}

// UnknownCall is a call of which nobody knows whether it took effect, and about which
// a person has to decide.
type UnknownCall struct {
	// Call is the sequence number of its intent, by which it is decided about.
	Call      int64           `json:"call"`
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
	Effect    Effect          `json:"effect"`
	Key       string          `json:"idempotency_key"`
	Made      time.Time       `json:"made_at"`    // when it was begun
	Since     time.Time       `json:"unknown_at"` // when its outcome was found to be unknown
	Why       string          `json:"why"`
	// LookedUp is what a look-up told, "" if there was none.
	LookedUp string `json:"looked_up,omitempty"`
}

// Unknown are the calls that a run waits for a person to decide about.
func Unknown(run string, entries []Entry) ([]UnknownCall, error) {
	h, err := replay(run, entries)
	if err != nil {
		return nil, err
	}
	return h.unknown(), nil
}

func (h *history) unknown() []UnknownCall {
	var out []UnknownCall
	for _, c := range h.undecided() {
		u := UnknownCall{Call: c.begun.seq, Tool: c.intent.name(), Arguments: c.intent.Arguments, Effect: c.intent.Effect, Key: c.intent.Key,
			Made: c.begun.at, Since: c.doubted, Why: c.doubt.Why}
		if c.checked != nil {
			u.LookedUp = strings.TrimSpace(string(c.checked.Finding) + " " + c.checked.Why)
		}
		out = append(out, u)
	}
	return out
}

// name is what was called, for people.
func (i *Intent) name() string {
	if i.Tool != "" {
		return i.Tool
	}
	return i.Function
}

// undecided are the calls about which nothing but a person's word helps.
func (h *history) undecided() []*call {
	t := h.open()
	if t == nil || h.outcome != nil {
		return nil
	}
	var out []*call
	for _, c := range t.unanswered() {
		if c.asksPerson() {
			out = append(out, c)
		}
	}
	return out
}

// asksPerson reports whether a person has to decide about the call, and has not.
func (c *call) asksPerson() bool {
	switch {
	case c.doubt == nil || c.decision != nil || c.result != nil:
		return false
	case c.doubt.Policy != PolicyCheck:
		return true
	}
	return c.checked != nil && !c.missed()
}

// mostAgain is how often a call is made again because a look-up did not find it. A call
// that is lost each time is a person's to look at.
const mostAgain = 3

// missed reports whether a look-up has told that the call took no effect, and it can be
// made again for that.
func (c *call) missed() bool {
	return c.checked != nil && c.checked.Finding == NotFound && c.intent.Again < mostAgain
}

// givenUp is the first call that a person has given up, nil if there is none.
func (h *history) givenUp() *call {
	t := h.open()
	if t == nil {
		return nil
	}
	for _, c := range t.unanswered() {
		if c.decision != nil && c.decision.Verdict == GiveUp {
			return c
		}
	}
	return nil
}

// inDoubt is how a run stands that a person has to help, or has given up: nil if it
// can go on. It needs no tool server to be told.
func (h *history) inDoubt() *Outcome {
	if c := h.givenUp(); c != nil {
		return h.failed(OutcomeOpen, fmt.Sprintf("%s, and %s gave it up.", c.doubtful(), c.decision.By))
	}
	calls := h.undecided()
	if len(calls) == 0 {
		return nil
	}
	said := make([]string, len(calls))
	for i, c := range calls {
		said[i] = fmt.Sprintf("%s (call %d, key %s, made at %s): %s", c.doubtful(), c.begun.seq, c.intent.Key, c.begun.at.UTC().Format(time.RFC3339), c.doubt.Why)
	}
	return h.waiting(OutcomeOpen, "Waits for a person. "+strings.Join(said, "; "), 0)
}

func (c *call) doubtful() string {
	return "It is not known whether the call of " + c.intent.name() + " took effect"
}

func (h *history) takeDoubt(e Entry, d *Doubt) error {
	c, err := h.begunCall(d.Answer, d.Index)
	if err == nil {
		c.doubt, c.doubted = d, e.At
		c.check, c.checked, c.decision = nil, nil, nil
	}
	return err
}

func (h *history) takeCheck(check *Check) error {
	c, err := h.doubtedCall(check.Answer, check.Index)
	if err == nil {
		c.check = check
	}
	return err
}

func (h *history) takeChecked(checked *Checked) error {
	c, err := h.doubtedCall(checked.Answer, checked.Index)
	if err == nil {
		c.checked = checked
	}
	return err
}

func (h *history) takeDecision(d *Decision) error {
	c, err := h.doubtedCall(d.Answer, d.Index)
	if err == nil {
		c.decision = d
	}
	return err
}

// reopen forgets that a call was given up: the run goes on, and asks once more.
func (h *history) reopen() {
	if t := h.lastTurn(); t != nil {
		for _, c := range t.calls {
			if c.decision != nil && c.decision.Verdict == GiveUp {
				c.decision = nil
			}
		}
	}
}

// begunCall is a call that has an intent and no result.
func (h *history) begunCall(answer int64, index int) (*call, error) {
	c, err := h.call(answer, index)
	if err == nil && (c.intent == nil || c.result != nil) {
		err = fmt.Errorf("it is about call %d of answer %d, which is not under way", index, answer)
	}
	return c, err
}

func (h *history) doubtedCall(answer int64, index int) (*call, error) {
	c, err := h.begunCall(answer, index)
	if err == nil && c.doubt == nil {
		err = fmt.Errorf("it is about call %d of answer %d, whose outcome was not in doubt", index, answer)
	}
	return c, err
}
