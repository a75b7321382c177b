package mcpserver

import (
	"context"

	"github.com/mark3labs/mcp-go/client/transport"

	"drawbridge/server/auth"
)

// InProcess is a transport for a client in this process. Each call's context
// carries its principal (auth.With); a call without one is refused. Its door is
// auth.DoorAgent, unless the context names another.
func (s *Server) InProcess() transport.Interface {
	return inProcess{transport.NewInProcessTransport(s.mcp)}
}

type inProcess struct{ *transport.InProcessTransport }

func (t inProcess) SendRequest(ctx context.Context, request transport.JSONRPCRequest) (*transport.JSONRPCResponse, error) {
	if auth.Door(ctx) == "" {
		ctx = auth.WithDoor(ctx, auth.DoorAgent)
	}
	return t.InProcessTransport.SendRequest(ctx, request)
}
