package guard

import (
	"cmp"
	"context"

	"drawbridge/tools"
)

// policy asks the operator's rules. What they want approved is left to the last stage.
type policy struct {
	rules Policy // nil allows everything
}

func (s policy) around(next step) step {
	if s.rules == nil {
		return next
	}
	return func(ctx context.Context, a *attempt) Result {
		s.judge(ctx, a)
		if a.verdict.Action == Deny {
			return a.denied()
		}
		return next(ctx, a)
	}
}

// judge has its own place on the stack, which is gone when the rest of the chain is called.
//
//go:noinline
func (s policy) judge(ctx context.Context, a *attempt) {
	a.verdict = s.rules.Judge(ctx, a.question())
	a.verdict.Policy = s.rules.Version()
}

func (a *attempt) denied() Result {
	return a.refuse("policy", a.verdict.Rule, tools.Errorf(tools.Denied, "%s",
		cmp.Or(a.verdict.Reason, "a rule does not allow this call. Nothing was done.")))
}
