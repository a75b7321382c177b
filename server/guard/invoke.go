package guard

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

// invoke is the innermost step: it calls the tool.
type invoke struct {
	log *slog.Logger
}

func (s invoke) call(ctx context.Context, a *attempt) (result Result) {
	if a.inDryRun() {
		// The stage of that name has answered it. Nothing but this line keeps a mistake
		// in the order of the stages from changing what must not be changed.
		return a.wouldDo()
	}
	if a.takenBack() {
		return a.tooLate()
	}
	ctx, end := a.life(ctx)
	defer end()
	ctx, cancel := s.bound(ctx, a)
	defer cancel()
	defer func() {
		if fault := recover(); fault != nil {
			// The value may hold what a caller sent; the stack does not.
			s.log.Error("tool panicked", "tool", a.Tool, "run", a.Run, "stack", string(debug.Stack()))
			result = Result{Err: tools.Hide(errors.New("the tool panicked"))}
		}
	}()
	a.reached = true
	output, err := a.tool.Call(a.named(ctx), a.Arguments)
	return s.outcome(ctx, a, output, err)
}

// named says to the tool who calls it.
func (a *attempt) named(ctx context.Context) context.Context {
	switch p := &a.Principal; {
	case p.Kind != auth.Agent:
		return tools.WithClient(ctx, tools.Client{Name: p.String(), Agents: p.Agents})
	case p.Run != "":
		return tools.WithCaller(ctx, tools.Caller{Agent: p.Name, Run: p.Run, Tainted: p.Tainted})
	}
	return ctx
}

// outcome is the result of a call that was made.
func (s invoke) outcome(ctx context.Context, a *attempt, output json.RawMessage, err error) Result {
	switch {
	case err != nil && tools.FenceOf(ctx).Shut():
		return Result{Err: unknownOutcome(a, "the run may be another process's by now, so the call was not sent from here, or not all of it")}
	case err != nil && a.takenBack() && ctx.Err() != nil:
		return a.cancelled(s.explain(ctx, a, err))
	case err != nil:
		return Result{Err: s.explain(ctx, a, err)}
	case a.tool.Mounted:
		return mountedResult(output)
	case len(output) == 0:
		output = emptyObject // an empty result would give the call's claim up
	}
	return Result{Output: output}
}

// bound ends the call after its time. What a person takes to answer a question does
// not count.
func (s invoke) bound(ctx context.Context, a *attempt) (context.Context, context.CancelFunc) {
	ask := tools.AskerOf(ctx)
	switch {
	case ask == nil && a.ender != nil && ctx.Done() == a.caller.Done(): // what goes on without its caller has a life of its own
		return endAfter(ctx, a.ender, a.tool.timeout)
	case ask == nil:
		return context.WithTimeout(ctx, a.tool.timeout)
	}
	ctx, p := newPatience(ctx, a.tool.timeout)
	return tools.WithAsk(ctx, func(ctx context.Context, q tools.Question) (tools.Reply, error) {
		p.pause()
		defer p.resume()
		a.asked.Store(true)
		reply, err := ask(ctx, q)
		s.log.Info("asked a person", "principal", a.Principal.String(), "tool", a.Tool, "run", a.Run, "action", reply.Action, "error", err)
		return reply, err
	}), p.end
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
	case a.tool.Effect != tools.Read && errors.Is(context.Cause(ctx), ErrCancelled):
		return unknownOutcome(a, "the call was cancelled while it was being made")
	case a.tool.Effect != tools.Read:
		s.log.Error("tool timed out", "tool", a.Tool, "run", a.Run, "timeout", a.tool.timeout)
		return unknownOutcome(a, "the call took longer than "+a.tool.timeout.String()+" and was given up")
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return tools.Errorf(tools.Unavailable, "reading took longer than %s and was given up. Ask for less, or try again later.", a.tool.timeout)
	default:
		return tools.Errorf(tools.Unavailable, "the call was cancelled before it was done; nothing was changed.")
	}
}
