package approvalapi

import (
	"context"

	"drawbridge/server/guard"
)

// Points of a decision at which a crash may come, beside those of the guard.
const (
	BeforeDecision guard.Point = "before the decision" // somebody has said it, and it is not on disk
	BehindDecision guard.Point = "behind the decision" // it is, and whoever said it has not heard so
)

// told is a book whose decisions are told of.
type told struct {
	Book
	reached func(guard.Point)
}

// telling has a book tell of its decisions, if somebody wants to know.
func (o Options) telling(book Book) Book {
	if o.Reached == nil {
		return book
	}
	return told{book, o.Reached}
}

func (b told) DecideApproval(ctx context.Context, id string, by guard.Decider, v guard.ApprovalVerdict) (guard.Approval, error) {
	b.reached(BeforeDecision)
	decided, err := b.Book.DecideApproval(ctx, id, by, v)
	if err == nil {
		b.reached(BehindDecision)
	}
	return decided, err
}
