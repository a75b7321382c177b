package main

import (
	"context"
	"errors"
	"strings"

	"drawbridge/bridge"
	"drawbridge/server/guard"
)

// standings tells runs what became of the approvals that their calls wait for.
func standings(book interface {
	Approval(ctx context.Context, id string) (guard.Approval, error)
}) func(context.Context, string) (bridge.Standing, error) {
	return func(ctx context.Context, id string) (bridge.Standing, error) {
		a, err := book.Approval(ctx, id)
		if errors.Is(err, guard.ErrNoApproval) {
			return bridge.Standing{State: bridge.ApprovalVoid}, nil // it was removed: the guard asks anew
		}
		return standingOf(a), err
	}
}

// standingOf is an approval as a run's journal has it.
func standingOf(a guard.Approval) bridge.Standing {
	s := bridge.Standing{State: bridge.ApprovalVoid}
	var by []string
	switch a.State {
	case guard.ApprovalPending:
		return bridge.Standing{State: bridge.ApprovalPending}
	case guard.ApprovalExpired:
		s.State = bridge.ApprovalExpired
	case guard.ApprovalGiven, guard.ApprovalUsed:
		s.State = bridge.ApprovalApproved
		for _, d := range a.Decisions {
			by = append(by, d.By)
		}
	case guard.ApprovalDenied:
		s.State = bridge.ApprovalDenied
		if d, ok := a.Denial(); ok {
			by, s.Reason = []string{d.By}, d.Note
		}
	}
	s.By = strings.Join(by, ", ")
	return s
}
