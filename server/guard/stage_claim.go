package guard

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"drawbridge/tools"
)

// Point is a place on a call's way at which a crash may come.
type Point string

// The points, in their order.
const (
	BehindAsk   Point = "behind the asking"
	BeforeClaim Point = "before the claim"
	BehindClaim Point = "behind the claim"
	BehindCall  Point = "behind the call of the guard"
)

// claim is the last stage: what it lets through is called. It notes durably that the call
// is about to be made, for a tool whose backend does not keep keys, and uses up the
// approval that the call needed, both in one transaction. So nothing is claimed or used up
// for a call that a stage before it refused.
type claim struct {
	ledger    Ledger
	approvals Approvals
	reached   func(Point)
	now       func() time.Time
	log       *slog.Logger
}

func (s claim) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		if a.uses == "" && !a.needsClaim() {
			return s.call(ctx, a, next)
		}
		return s.claimed(ctx, a, next)
	}
}

// claimed makes a call behind the note that it is made.
func (s claim) claimed(ctx context.Context, a *attempt, next step) Result {
	s.reached(BeforeClaim)
	prior, err := s.take(context.WithoutCancel(ctx), a)
	s.reached(BehindClaim)
	switch {
	case errors.Is(err, ErrNotApproved):
		return a.refuse("claim", "the approval was used, or ran out, a moment ago", tools.Errorf(tools.Unavailable,
			"the approval of this call was used, or ran out, a moment ago. Nothing was done by this call; make it again to see how it stands."))
	case err != nil:
		s.log.Error("claiming a call", "tool", a.Tool, "principal", a.Principal.String(), "run", a.Run, "error", err)
		return a.refuse("claim", "the ledger is out of order", tools.Errorf(tools.Unavailable,
			"it could not be noted that the call is to be made, so it was not made; nothing was changed. Try again later."))
	}
	if answer, known := answered(ctx, a, prior, s.now()); known {
		return answer // another process was first, a moment ago
	}
	a.claimed = a.needsClaim()
	if a.window != nil {
		ctx = tools.WithKey(ctx, backendKey(a, a.sum, prior.At))
	}
	return s.call(ctx, a, next)
}

// call makes the call. If that definitely took no effect, its approval is given back.
func (s claim) call(ctx context.Context, a *attempt, next step) Result {
	result := next(ctx, a)
	s.reached(BehindCall)
	if a.approval != "" && result.Err != nil && !mayHaveHappened(result.Err) {
		a.unused = a.approval
	}
	return result
}

// needsClaim reports whether the call is noted before it is made.
func (a *attempt) needsClaim() bool {
	return a.window != nil || a.ownKey && a.effect() != tools.Read && !a.tool.Idempotent
}

// claimAt is that note.
func (a *attempt) claimAt(now time.Time) *Claim {
	c := &Claim{Principal: a.Principal.String(), Key: a.Key, Tool: a.Tool, Digest: a.sum, At: now}
	if a.window != nil {
		a.window.since(c, a.tool.timeout)
	}
	return c
}

func (s claim) take(ctx context.Context, a *attempt) (Prior, error) {
	var noted *Claim
	if a.needsClaim() {
		noted = a.claimAt(s.now())
	}
	if a.uses != "" {
		return s.approvals.Use(ctx, a.uses, s.now(), noted)
	}
	return s.ledger.Claim(ctx, *noted)
}
