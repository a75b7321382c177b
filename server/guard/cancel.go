package guard

import (
	"context"
	"errors"

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
