package guard

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"drawbridge/tools"
)

// invoke is the innermost step: it calls the tool.
type invoke struct {
	log *slog.Logger
}

func (s invoke) call(ctx context.Context, a *attempt) (result Result) {
	if a.tool.Effect != tools.Read {
		// An effect is not abandoned half-way because its caller went away.
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, a.tool.timeout)
	defer cancel()
	defer func() {
		if fault := recover(); fault != nil {
			// The value may hold what a caller sent; the stack does not.
			s.log.Error("tool panicked", "tool", a.Tool, "run", a.Run, "stack", string(debug.Stack()))
			result = Result{Err: tools.Hide(errors.New("the tool panicked"))}
		}
	}()
	a.reached = true
	output, err := a.tool.Call(ctx, a.Arguments)
	if err != nil {
		return Result{Err: s.explain(ctx, a, err)}
	}
	if len(output) == 0 {
		output = emptyObject // an empty result would give the call's claim up
	}
	return Result{Output: output}
}

// explain gives the tool's error as one for the caller. A *tools.Error stands as
// it is: the backend knew what it said.
func (s invoke) explain(ctx context.Context, a *attempt, err error) *tools.Error {
	var known *tools.Error
	switch {
	case errors.As(err, &known):
		if known.Code == tools.Internal {
			s.log.Error("tool failed", "tool", a.Tool, "run", a.Run, "error", known.Unwrap())
		}
		return known
	case ctx.Err() == nil:
		s.log.Error("tool failed", "tool", a.Tool, "run", a.Run, "error", err)
		return tools.Hide(err)
	case a.tool.Effect != tools.Read:
		s.log.Error("tool timed out", "tool", a.Tool, "run", a.Run, "timeout", a.tool.timeout)
		return unknownOutcome(a, "the call took longer than "+a.tool.timeout.String()+" and was given up")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return tools.Errorf(tools.Unavailable, "reading took longer than %s and was given up. Ask for less, or try again later.", a.tool.timeout)
	default:
		return tools.Errorf(tools.Unavailable, "the call was cancelled before it was done; nothing was changed.")
	}
}
