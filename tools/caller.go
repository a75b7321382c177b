package tools

import "context"

// Caller is the agent's run that calls a tool. Few tools need to know: those whose
// effect belongs to the run itself.
type Caller struct {
	Agent, Run string
	// Tainted: the run has read text from outside.
	Tainted bool
}

type callerContext struct{}

// WithCaller says to the call below ctx whose it is. The guard sets it; nothing that a
// model writes does.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerContext{}, c)
}

// CallerOf is the run that calls. It reports false if no agent's run does: an MCP
// client calls for itself.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerContext{}).(Caller)
	return c, ok
}
