package dispatch

import (
	"context"
	"time"
)

// CallbackState is where a callback stands.
type CallbackState string

const (
	Pending   CallbackState = "pending"
	Delivered CallbackState = "delivered"
	// Undelivered: every attempt failed, or the receiver said it is gone. The
	// message is kept.
	Undelivered CallbackState = "dead"
)

// Callback is a message owed to the outside about a run's end. Its address and
// secret are not kept with it: the route is looked up in the settings at each
// attempt, so that a changed secret holds at once and none is on disk.
type Callback struct {
	ID    string // "msg_...", the same at every attempt
	Run   string
	Route string // the webhook whose callback setting applies
	Body  []byte // the exact bytes that are signed and sent
	State CallbackState
	// Attempts made so far, and what the last one came to.
	Attempts   int
	LastStatus int // HTTP status, 0 if there was no answer
	LastReason string
	Created    time.Time
	LastAt     time.Time
}

// Attempt is the result of one try to deliver.
type Attempt struct {
	At     time.Time
	State  CallbackState
	Status int
	Reason string
	// Next is when to try again, if State is Pending.
	Next time.Time
}

// CallbackStore keeps callbacks until they are delivered or given up.
type CallbackStore interface {
	ClaimCallbacks(ctx context.Context, limit int, lease time.Duration) ([]Callback, error)
	// Attempted notes one attempt; its job ends or is put off.
	Attempted(ctx context.Context, id string, a Attempt) error
}

// Queue is the clock side of all three: leases and wake-ups.
type Queue interface {
	// Renew extends the leases of claimed work: it is not due again before the
	// lease has run out. Work that was put down meanwhile stays due when it was.
	Renew(ctx context.Context, kind Kind, refs []string, lease time.Duration) error
	// Postpone puts claimed work down until a time, and leaves everything else about
	// it as it is.
	Postpone(ctx context.Context, kind Kind, ref string, until time.Time) error
	// NextDue is when the earliest work of the kind is due, leased work included.
	NextDue(ctx context.Context, kind Kind) (time.Time, bool, error)
	// Wake receives a value after work of the kind became due or earlier than it was.
	Wake(kind Kind) <-chan struct{}
}

// Kind is what a job wakes.
type Kind string

const (
	EventJob    Kind = "event"
	RunJob      Kind = "run"
	CallbackJob Kind = "callback"
	BatchJob    Kind = "batch"
	// Cancels is no job: it wakes whoever has to stop runs under way.
	Cancels Kind = "cancel"
)

// Priority says what goes first of work that is due: the smaller number.
type Priority int

const (
	High   Priority = -1
	Normal Priority = 0
	Low    Priority = 1
)

func (p Priority) String() string {
	switch p {
	case High:
		return "high"
	case Low:
		return "low"
	}
	return "normal"
}

// Store is all that dispatch needs.
type Store interface {
	EventStore
	RunStore
	CallbackStore
	LaneStore
	BatchStore
	ScheduleStore
	Queue
}
