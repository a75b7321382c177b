package guardtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"drawbridge/server/guard"
)

// Approvals are [guard.Approvals] in memory, for tests only. They share a ledger's claims.
type Approvals struct {
	ledger *Ledger
	mu     sync.Mutex
	all    []guard.Approval // in the order in which they were asked for
}

var _ guard.Approvals = (*Approvals)(nil)

// NewApprovals gives none, beside a ledger.
func NewApprovals(ledger *Ledger) *Approvals {
	a := &Approvals{ledger: ledger}
	ledger.unused = a.giveBack
	return a
}

// Ask gives the approval of a call, or makes it.
func (a *Approvals) Ask(_ context.Context, wanted guard.Approval) (guard.Approval, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range slices.Backward(a.all) {
		if a.all[i].Call == wanted.Call && a.all[i].Key == wanted.Key {
			stands, counts := a.all[i].Against(wanted)
			if a.all[i] = stands; counts {
				return stands, nil
			}
			break
		}
	}
	for _, one := range slices.Backward(a.all) {
		if one.Call == wanted.Call && one.State == guard.ApprovalDenied && wanted.Created.Before(one.Ended.Add(guard.Stands)) {
			return one, nil
		}
	}
	a.all = append(a.all, wanted)
	return wanted, nil
}

// Use uses an approval up, and claims the call.
func (a *Approvals) Use(ctx context.Context, id string, at time.Time, c *guard.Claim) (guard.Prior, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.find(id)
	if i < 0 || a.all[i].At(at).State != guard.ApprovalGiven {
		return guard.Prior{}, guard.ErrNotApproved
	}
	prior := guard.Prior{State: guard.Fresh}
	if c != nil {
		var err error
		if prior, err = a.ledger.Claim(ctx, *c); err != nil || prior.Stands(*c) {
			return prior, err
		}
	}
	a.all[i].State, a.all[i].Ended = guard.ApprovalUsed, at
	return prior, nil
}

// Decide notes what somebody says.
func (a *Approvals) Decide(id string, by guard.Decider, v guard.ApprovalVerdict) (guard.Approval, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.find(id)
	if i < 0 {
		return guard.Approval{}, guard.ErrNoApproval
	}
	decided, err := a.all[i].Decide(by, v)
	if err == nil {
		a.all[i] = decided
	}
	return decided, err
}

// All gives them as they stand, the first asked for first.
func (a *Approvals) All() []guard.Approval {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.all)
}

func (a *Approvals) find(id string) int {
	return slices.IndexFunc(a.all, func(one guard.Approval) bool { return one.ID == id })
}

func (a *Approvals) giveBack(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := a.find(id); i >= 0 && a.all[i].State == guard.ApprovalUsed {
		a.all[i].State, a.all[i].Ended = guard.ApprovalGiven, time.Time{}
	}
}
