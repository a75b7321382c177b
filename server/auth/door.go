package auth

import "context"

// The doors through which a call can come, as they stand in audit rows.
const (
	DoorHTTP  = "http"  // MCP over streamable HTTP
	DoorSSE   = "sse"   // MCP over HTTP with server-sent events
	DoorStdio = "stdio" // MCP over a child process's pipes
	DoorAgent = "agent" // in process: a run, unless its context names another door
	// DoorTerminal is the name of the person at the terminal, whose conversation comes
	// through DoorChat.
	DoorTerminal = "terminal"
	DoorChat     = "chat" // in process: a conversation at the chat endpoint
)

type doorContext struct{}

// WithDoor notes through which door the caller came.
func WithDoor(ctx context.Context, door string) context.Context {
	return context.WithValue(ctx, doorContext{}, door)
}

// Door is the door noted in the context, "" without one.
func Door(ctx context.Context) string {
	door, _ := ctx.Value(doorContext{}).(string)
	return door
}
