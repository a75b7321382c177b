package guard

import (
	"context"
	"errors"
	"time"

	"drawbridge/tools"
)

// ErrCancelled is the cause of a call's context ([context.Cause]) if its caller has taken
// the call back. A context that ended for any other reason says no more than that the
// caller has gone.
//
// What becomes of the call depends on what it does. A read stops either way. A write of a
// mounted server, which may take minutes, is cancelled there if it is taken back; whether
// it took effect is then not known, and the answer says so. Everything else goes on to its
// end: what a built-in tool does is one transaction, and of money and of what leaves the company it
// has to be known what became of it.
var ErrCancelled = errors.New("the caller cancelled the call")

// takenBack reports whether the caller has cancelled the call.
func (a *attempt) takenBack() bool {
	return a.caller != nil && errors.Is(context.Cause(a.caller), ErrCancelled)
}

type enderContext struct{}

// WithEnder says how a context ends that a door made for one call alone. [Guard.Handle] ends a
// call by it that takes too long, with [context.DeadlineExceeded] as the cause, if that is one
// which ends with its caller: so it needs no context of its own.
func WithEnder(ctx context.Context, end context.CancelCauseFunc) context.Context {
	return context.WithValue(ctx, enderContext{}, end)
}

func enderOf(ctx context.Context) context.CancelCauseFunc {
	end, _ := ctx.Value(enderContext{}).(context.CancelCauseFunc)
	return end
}

// timed is a context that its maker ends at the deadline.
type timed struct {
	context.Context
	deadline time.Time
}

// Deadline implements [context.Context].
func (t *timed) Deadline() (deadline time.Time, ok bool) {
	if before, ok := t.Context.Deadline(); ok && before.Before(t.deadline) {
		return before, true
	}
	return t.deadline, true
}

// endAfter is context.WithTimeout for a context that end ends.
func endAfter(ctx context.Context, end context.CancelCauseFunc, limit time.Duration) (context.Context, context.CancelFunc) {
	timer := time.AfterFunc(limit, func() { end(context.DeadlineExceeded) })
	return &timed{ctx, time.Now().Add(limit)}, func() { timer.Stop() }
}

// life is the context in which the tool is called.
func (a *attempt) life(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.tool.Effect == tools.Read {
		return ctx, func() {}
	}
	// An effect is not abandoned half-way because its caller went away.
	ctx = context.WithoutCancel(ctx)
	if !a.tool.Mounted || a.tool.Effect != tools.Write || a.caller == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(a.caller, func() {
		if a.takenBack() {
			cancel(ErrCancelled)
		}
	})
	return ctx, func() { stop(); cancel(nil) }
}

// tooLate answers a call that was taken back before it was made.
func (a *attempt) tooLate() Result {
	return a.cancelled(tools.Errorf(tools.Cancelled, "the call was cancelled before it was made; nothing was changed."))
}

// cancelled is the answer to a call that ended because it was taken back. That it may
// have taken effect is not hidden behind that.
func (a *attempt) cancelled(err *tools.Error) Result {
	a.rule = "invoke: cancelled by the caller"
	if !mayHaveHappened(err) {
		err = tools.Errorf(tools.Cancelled, "the call was cancelled before it was done; nothing was changed.")
	}
	return Result{Err: err}
}
