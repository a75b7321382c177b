package schedule

import (
	"context"
	"time"

	"drawbridge/tools"
)

// The bounds of follow-ups.
const (
	// MaxOpen is how many an agent may have open at a time, for one owner.
	MaxOpen = 50
	// MaxAhead is how far ahead one may be.
	MaxAhead = 366 * 24 * time.Hour
	// MaxDepth is how many may follow each other: a follow-up that one more would come
	// of is the end of its chain, until an event, a person or a schedule begins another.
	MaxDepth = 10
)

// Driver keeps follow-ups, and has them run at their time. "Own" are those of the
// caller's agent and of its run's owner. Each write honours tools.Key(ctx): a repeated
// key gives the first result and changes nothing.
type Driver interface {
	// AddFollowUp keeps one more of the caller's. In the transaction that adds it, it asks
	// [Plan.Check] whether the time will do; one more than MaxOpen, or than MaxDepth in a
	// chain, is a Conflict.
	AddFollowUp(ctx context.Context, caller tools.Caller, plan Plan) (FollowUp, error)
	// FollowUps lists the caller's own open ones, the next one first.
	FollowUps(ctx context.Context, caller tools.Caller) ([]FollowUp, error)
	// CancelFollowUp ends one of the caller's own; any other is NotFound, and one that has
	// run or was cancelled already a Conflict.
	CancelFollowUp(ctx context.Context, caller tools.Caller, id string) (FollowUp, error)
}

// Plan is what is to be done, and when: at a time, or so long from now.
type Plan struct {
	Prompt string
	At     time.Time // zero if In counts
	In     time.Duration
}

// Time is when the follow-up is due, seen from now.
func (p Plan) Time(now time.Time) time.Time {
	if p.At.IsZero() {
		return now.Add(p.In)
	}
	return p.At
}

// Check refuses a time that has passed, or is too far off.
func (p Plan) Check(now time.Time) error {
	switch at := p.Time(now); {
	case !at.After(now):
		return tools.Errorf(tools.Invalid, "at: %s has passed; it is %s now. Give a later time, or in_minutes.", show(at), show(now))
	case at.Sub(now) > MaxAhead:
		return tools.Errorf(tools.Invalid, "at: %s is more than a year ahead; it is %s now. Create a task for a colleague instead.", show(at), show(now))
	}
	return nil
}

func show(t time.Time) string { return t.UTC().Format(time.RFC3339) }
