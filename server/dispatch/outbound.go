package dispatch

import (
	"context"
	"time"
)

// Queue is the clock side of all three: leases and wake-ups.
type Queue interface {
	// Renew extends the leases of work that was claimed through this store: it is not due
	// again before the lease has run out. Those that are not leased to it any more are lost:
	// they were put down meanwhile, and stay due when they were, or somebody else has them.
	Renew(ctx context.Context, kind Kind, refs []string, lease time.Duration) (lost []string, err error)
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
	// Notices is no job either: it wakes whoever tells people of approvals that wait.
	Notices Kind = "notice"
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
