package guard

import (
	"context"

	"drawbridge/tools"
)

type aheadContext struct{}

// WithAhead marks a call that is not to be made: if it needs an approval, that is asked
// for, and if not, it is refused all the same, since its turn has not come. It is for those
// who carry runs, whose calls wait for one before them; nothing that a client sends can
// mark a call.
func WithAhead(ctx context.Context) context.Context {
	return context.WithValue(ctx, aheadContext{}, true)
}

func askedAhead(ctx context.Context) bool { return ctx.Value(aheadContext{}) != nil }

// notYet stands in place of what is behind the approval, for a call that is asked about
// ahead of its turn.
func notYet(_ context.Context, a *attempt) Result {
	return a.refuse("approve", "asked about ahead of its turn", tools.Errorf(tools.Unavailable,
		"this call was only asked about: it waits for its turn. Nothing was done."))
}
