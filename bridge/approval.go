package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Approval is the body of an entry behind an intent: the call was not made, since people
// have to agree to it first. It may stand in place of an intent as well, for a call
// behind one that waits, which was asked for ahead of its turn. It holds until the call
// has a result, or another intent.
type Approval struct {
	Answer  int64     `json:"answer"` // of the call, as in its intent
	Index   int       `json:"index"`
	CallID  string    `json:"call_id"`
	ID      string    `json:"id"` // of the approval, at the server that asks for it
	Tool    string    `json:"tool"`
	Expires time.Time `json:"expires_at"`
	Why     string    `json:"why"` // the server's words: who may decide, and how
}

// ApprovalState is how an approval stands.
type ApprovalState string

const (
	// ApprovalPending: nobody has decided. It is in no journal.
	ApprovalPending  ApprovalState = "pending"
	ApprovalApproved ApprovalState = "approved"
	ApprovalDenied   ApprovalState = "denied"
	ApprovalExpired  ApprovalState = "expired"
	// ApprovalVoid: it is not to be decided any more, or not there.
	ApprovalVoid ApprovalState = "void"
)

// Standing is how an approval stands, and who has decided about it.
type Standing struct {
	State  ApprovalState `json:"state"`
	By     string        `json:"by,omitempty"`     // the people, as far as that is known
	Reason string        `json:"reason,omitempty"` // theirs
}

// Approved is the body of an entry behind an [Approval]: it was decided about, or nobody
// did in time. Whatever was decided, the call is put to the server again, under its key,
// and the server, who keeps the approval, makes it or refuses it.
type Approved struct {
	Answer int64  `json:"answer"`
	Index  int    `json:"index"`
	ID     string `json:"id"`
	Standing
}

// AwaitedApproval is an approval that a run waits for.
type AwaitedApproval struct {
	ID        string          `json:"id"`
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
	Asked     time.Time       `json:"asked_at"`
	Expires   time.Time       `json:"expires_at"`
	Why       string          `json:"why"`
	// Next: the run goes on once this one is decided. Others are of calls whose turn comes
	// later.
	Next bool `json:"next"`
}

// Approvals are those that a run waits for, in the order of their calls.
func Approvals(run string, entries []Entry) ([]AwaitedApproval, error) {
	h, err := replay(run, entries)
	if err != nil {
		return nil, err
	}
	t := h.open()
	if t == nil || h.outcome != nil {
		return nil, nil
	}
	var out []AwaitedApproval
	for _, c := range t.unanswered() {
		if c.pending() {
			a := c.approval
			out = append(out, AwaitedApproval{ID: a.ID, Tool: a.Tool, Arguments: c.arguments(), Asked: c.askedAt, Expires: a.Expires, Why: a.Why, Next: len(out) == 0 || t.reads()})
		}
	}
	return out, nil
}

// needed is a call that was not made since people have to agree to it.
type needed struct{ Approval }

func (n *needed) Error() string { return "an approval is needed: " + n.ID }

// pending reports whether the call waits for an approval, as far as the journal shows.
func (c *call) pending() bool { return c.result == nil && c.approval != nil && c.approved == nil }

// arguments are those of the call, as its tool gets them if that is known.
func (c *call) arguments() json.RawMessage {
	switch {
	case c.intent != nil:
		return c.intent.Arguments
	case json.Valid([]byte(c.asked.Arguments)):
		return json.RawMessage(c.asked.Arguments)
	}
	return json.RawMessage("{}")
}

// reads reports whether all calls of the turn that have begun are reads: they wait
// together.
func (t *turn) reads() bool {
	for _, c := range ours(t.calls) {
		if c.intent == nil || c.intent.Effect != Read {
			return false
		}
	}
	return true
}

// held reports whether a call has to wait for people still. If they have decided that is
// noted, and the call is to be made.
func (r *run) held(ctx context.Context, t *turn, c *call) (bool, error) {
	if !c.pending() {
		return false, nil
	}
	standing := Standing{State: ApprovalExpired}
	switch {
	case r.task.Approval != nil:
		var err error
		if standing, err = r.task.Approval(ctx, c.approval.ID); err != nil {
			return false, fmt.Errorf("looking for what was decided about approval %s: %w", c.approval.ID, err)
		}
	case r.options.Now().Before(c.approval.Expires):
		standing.State = ApprovalPending
	}
	if standing.State == ApprovalPending {
		return true, nil
	}
	r.note(EntryApproved, Approved{Answer: t.seq, Index: c.index, ID: c.approval.ID, Standing: standing})
	return false, nil
}

// asked notes that a call was not made, and what it waits for. One that was asked for
// before is the same one still.
func (r *run) asked(t *turn, c *call, n *needed) {
	a := n.Approval
	a.Answer, a.Index, a.CallID = t.seq, c.index, c.id
	r.note(EntryApproval, a)
}

// askAhead asks for the approvals of the calls behind one that waits, so that people can
// decide about all of them at once. None of them is made.
func (r *run) askAhead(ctx context.Context, t *turn, behind *call) error {
	if r.task.Ahead == nil || !r.task.Session.inProcess() {
		return nil
	}
	for _, c := range ours(t.unanswered()) {
		if c.index <= behind.index || c.intent != nil || c.approval != nil || c.local() {
			continue
		}
		intent, refused := r.intend(c)
		if refused != nil {
			continue // it is told so in its turn
		}
		intent.Key = r.history.key(t, c)
		_, err := r.send(r.task.Ahead(ctx), &intent, &Result{}, false)
		if n := new(needed); errors.As(err, &n) {
			r.asked(t, c, n)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// awaiting is how a run stands whose calls wait for people.
func (h *history) awaiting(calls []*call, now time.Time) *Outcome {
	var first time.Time
	for _, c := range calls {
		if first.IsZero() || c.approval.Expires.Before(first) {
			first = c.approval.Expires
		}
	}
	said := make([]string, len(calls))
	ids := make([]string, len(calls))
	for i, c := range calls {
		said[i] = fmt.Sprintf("%s (approval %s, until %s)", c.approval.Tool, c.approval.ID, c.approval.Expires.UTC().Format(time.RFC3339))
		ids[i] = c.approval.ID
	}
	o := h.waiting(ApprovalNeeded, "Waits for people to agree to this: "+strings.Join(said, "; "), max(first.Sub(now), time.Second))
	o.Approvals = ids
	return o
}

func (h *history) takeApproval(e Entry, a *Approval) error {
	c, err := h.call(a.Answer, a.Index)
	if err == nil && c.result != nil {
		err = fmt.Errorf("it is about call %d of answer %d, which has come back", a.Index, a.Answer)
	}
	if err == nil {
		c.approval, c.approved, c.askedAt = a, nil, e.At
	}
	return err
}

func (h *history) takeApproved(a *Approved) error {
	c, err := h.call(a.Answer, a.Index)
	if err == nil && (!c.pending() || c.approval.ID != a.ID) {
		err = fmt.Errorf("it is about the approval %q, which call %d of answer %d does not wait for", a.ID, a.Index, a.Answer)
	}
	if err == nil {
		c.approved = a
	}
	return err
}
