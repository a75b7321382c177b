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
		a.verdict = s.rules.Judge(ctx, a.question())
		a.verdict.Policy = s.rules.Version()
		if a.verdict.Action == Deny {
			return a.refuse("policy", a.verdict.Rule, tools.Errorf(tools.Denied, "%s",
				cmp.Or(a.verdict.Reason, "a rule does not allow this call. Nothing was done.")))
		}
		return next(ctx, a)
	}
}
