package mcpserver

import (
	"context"

	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

// InProcess is a transport for a client in this process. Each call's context
// carries its principal (auth.With); a call without one is refused. Its door is
// auth.DoorAgent, unless the context names another.
func (s *Server) InProcess() transport.Interface {
	return inProcess{transport.NewInProcessTransport(s.mcp), s.guard}
}

type inProcess struct {
	*transport.InProcessTransport
	guard *guard.Guard
}

func (t inProcess) SendRequest(ctx context.Context, request transport.JSONRPCRequest) (*transport.JSONRPCResponse, error) {
	return t.InProcessTransport.SendRequest(byDoor(ctx), request)
}

// CallTool makes a call without the way through JSON-RPC. It comes to the same handler,
// the guard's, that every request of tools/call comes to, whatever tool it names. What
// stands around that for other clients (progress, questions to a person) needs a client
// that declared it, and those in process declare nothing.
func (t inProcess) CallTool(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	return t.guard.Handle(byDoor(ctx), request)
}

func byDoor(ctx context.Context) context.Context {
	if auth.Door(ctx) == "" {
		return auth.WithDoor(ctx, auth.DoorAgent)
	}
	return ctx
}
