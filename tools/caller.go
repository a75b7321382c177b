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

// Client is who calls a tool for itself, and is no agent's run: whoever came through a
// door of ours with a key, or is at this machine.
type Client struct {
	// Name is the principal's, as it stands in audit rows: "key:desk".
	Name string
	// Agents are patterns of the agents that it may talk to.
	Agents []string
}

type clientContext struct{}

// WithClient says to the call below ctx who makes it. The guard sets it.
func WithClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientContext{}, c)
}

// ClientOf is who calls. It reports false if an agent's run does.
func ClientOf(ctx context.Context) (Client, bool) {
	c, ok := ctx.Value(clientContext{}).(Client)
	return c, ok
}
