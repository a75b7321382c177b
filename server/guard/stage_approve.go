package guard

import (
	"context"

	"drawbridge/tools"
)

// approve lets a call that needs an approval through once it has one. Nobody can be
// asked yet, so such a call is refused.
type approve struct{}

func (approve) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		switch a.verdict.Action {
		case "", Allow:
			return next(ctx, a)
		}
		return a.refuse("approve", a.verdict.Rule, tools.Errorf(tools.Denied,
			"this call needs somebody's approval, and nobody can be asked. Nothing was done."))
	}
}
