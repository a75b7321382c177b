package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Lease is the right to carry a run forward. The epoch is its fence: each new
// holder gets a higher one, and a write under an older one fails with ErrFenced.
type Lease struct {
	Run   string
	Epoch int64
}

// ErrFenced: somebody else carries this run now. The worker stops at once and
// writes nothing more.
var ErrFenced = errors.New("the run's lease was lost to another worker")

// Journal is a run's append-only history, and all a resumed run knows.
type Journal interface {
	// Entries gives the run's history in order, without gaps.
	Entries(ctx context.Context, run string) ([]Entry, error)
	// Append adds entries in one transaction and returns when they are durable: if not all
	// are Inward, with all before them.
	// Their sequence numbers go on from the last one; one that exists already, or
	// a lease that is no longer held, is ErrFenced.
	Append(ctx context.Context, lease Lease, entries ...Entry) error
}

// EntryKind says what an entry records.
type EntryKind string

const (
	// EntryBrief opens the journal: instructions, prompt, offered functions.
	EntryBrief EntryKind = "brief"
	// EntryAnswer is one answer of the model, whole, with its usage.
	EntryAnswer EntryKind = "answer"
	// EntryIntent says that a call is about to be made. Without a result behind
	// it, nobody knows whether it was. A second one for the same call says that it is
	// about to be made again, the first being known not to have taken effect.
	EntryIntent EntryKind = "intent"
	// EntryResult is what a call returned, whole.
	EntryResult EntryKind = "result"
	// EntryDoubt says that nobody knows whether the call of the last intent took effect.
	EntryDoubt EntryKind = "doubt"
	// EntryCheck says that a look-up is about to be made that may tell, EntryChecked what
	// it told. Neither belongs to a call of the model's own.
	EntryCheck   EntryKind = "check"
	EntryChecked EntryKind = "checked"
	// EntryDecision is what a person has decided about a call in doubt.
	EntryDecision EntryKind = "decision"
	// EntryApproval says that a call was not made since people have to agree to it,
	// EntryApproved what they have decided, or that they did not in time.
	EntryApproval EntryKind = "approval"
	EntryApproved EntryKind = "approved"
	// EntryInput is what the run's caller added after it had begun.
	EntryInput EntryKind = "input"
	// EntryNote is something that the bridge itself says to the model.
	EntryNote EntryKind = "note"
	// EntryFold: old results are shown as one line each from here on.
	EntryFold EntryKind = "fold"
	// EntrySummary: old turns are shown as a summary of them from here on.
	EntrySummary EntryKind = "summary"
	// EntryOutcome closes the journal: how the run ended, and its answer.
	EntryOutcome EntryKind = "outcome"
	// EntryResume follows the outcome of a run that a person has go on: that outcome
	// does not count any more.
	EntryResume EntryKind = "resume"
)

// Entry is one row of the journal, unique per run and sequence number.
type Entry struct {
	Seq  int64 // from 1
	Kind EntryKind
	At   time.Time
	// Inward: the entry tells of nothing that reaches beyond the store which keeps the
	// journal, and nobody outside rests on it. It has to be there for a life after this one,
	// but not on disk before another entry is: what a power cut takes is done again, with
	// all that followed from it. Not kept.
	Inward bool
	Body   json.RawMessage // by Kind: Brief, Answer, Intent, Result, Doubt, Check, Checked, Decision, Approval, Approved, Input, Note, Fold, Summary, Outcome or Resumption
}
