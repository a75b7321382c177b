package dispatch

import (
	"context"
	"errors"
	"time"
)

// A dead letter is what gave up: an event that became nothing it should have (its
// status is one of [DeadStatuses]), a run that is dead, or failed while nobody waited for
// its end (one that somebody talked to, or had begun at a terminal, has told them), and
// a callback that was not delivered. It is kept until a person has it go on, replays it
// or deletes it; no retention touches it (RUN-08).

// LetterKind says what a dead letter is.
type LetterKind string

const (
	DeadEvent    LetterKind = "event"
	DeadRun      LetterKind = "run"
	DeadCallback LetterKind = "callback"
)

// LetterKinds are all there are.
var LetterKinds = []LetterKind{DeadEvent, DeadRun, DeadCallback}

// DeadStatuses are those of events that are dead letters.
var DeadStatuses = []EventStatus{Faulty, Unparsed, Quarantined}

// DeadLetter is one, as far as lists show it.
type DeadLetter struct {
	Kind LetterKind
	ID   string
	// Source is the webhook, or whatever else it goes back to. Agent is "" for an event.
	Source, Agent string
	// Event and Run are those that it belongs to, "" if there is none.
	Event, Run string
	// Reason is why it gave up: an event's status, a run's reason, what became of a
	// callback's last attempt. Detail is what else there is to say.
	Reason, Detail string
	// At is when it gave up.
	At time.Time
}

// DeadFilter says which dead letters are meant. What is empty lets all through.
type DeadFilter struct {
	Kind          LetterKind
	Source, Agent string
	// Reason is a part of Reason or Detail, whatever the case of its letters.
	Reason string
	// Since and Until bound when they gave up: not before, and before.
	Since, Until time.Time
}

// DeadCount is how many dead letters of a kind there are, and since when the oldest.
type DeadCount struct {
	Kind   LetterKind
	Count  int
	Oldest time.Time // zero if there is none
}

// Revival is what a person wants done about a dead letter.
type Revival struct {
	ID string
	By string // who
	// NewID is for whatever takes its place: a run, or an event with an edited body.
	NewID string
	// Body, if not nil, is what an event has instead of its own; Prompt likewise for a run.
	Body   []byte
	Prompt *string
}

var (
	// ErrNotDead: it is no dead letter, or not any more.
	ErrNotDead = errors.New("it is no dead letter")
	// ErrEmptied: what it would take is past its retention, or was deleted.
	ErrEmptied = errors.New("its content is not kept any more")
)

// DeadStore is what a store can do about dead letters. A callback is sent once more by
// ReplayCallbacks.
type DeadStore interface {
	// DeadLetters lists up to limit of those that fit, the newest first.
	DeadLetters(ctx context.Context, fits DeadFilter, limit int) ([]DeadLetter, error)
	// DeadLetter gives one by its id; [ErrNotFound] if nothing has it, [ErrNotDead] if that
	// is no dead letter.
	DeadLetter(ctx context.Context, id string) (DeadLetter, error)
	// CountDead counts all of them, one count a kind.
	CountDead(ctx context.Context) ([]DeadCount, error)
	// ReviveEvent has a dead event routed again: itself, or a copy with another body,
	// called NewID, which no delivery is a duplicate of. It gives the id of what is routed.
	ReviveEvent(ctx context.Context, r Revival) (string, error)
	// ReviveRun starts a new run, called NewID, in the place of a dead one, with keys of its
	// own: what the dead one did may be done again.
	ReviveRun(ctx context.Context, r Revival) (string, error)
	// ResumeRun has a dead run go on from its journal, under the keys it had: what it did is
	// not done again. One that would only come to the same end is an error.
	ResumeRun(ctx context.Context, r Revival) error
	// DeleteDead deletes one for good. Of an event, the key stays for as long as it counts
	// as seen; of a run, what refers to it keeps its bare row.
	DeleteDead(ctx context.Context, r Revival) error
}
