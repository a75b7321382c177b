package mcpserver

import (
	"context"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/guard"
)

// presence is what a door knows of the client at the other end. mcp-go ends the context of a
// call for two reasons and does not say which: the client has cancelled it, or the client
// has gone.
type presence struct {
	gone context.Context // done when nobody is there any more to read an answer
	// leaving is a client's way to cancel: whoever closes the stream of a request of protocol
	// 2026-07-28 over HTTP means that (transports, cancellation). Before, it meant nothing.
	leaving bool
}

type presenceContext struct{}

func withPresence(ctx context.Context, p presence) context.Context {
	return context.WithValue(ctx, presenceContext{}, p)
}

// why is why a call ends whose context has.
func (p presence) why() error {
	if p.gone.Err() == nil || p.leaving {
		return guard.ErrCancelled
	}
	return context.Canceled
}

// heeding gives a context that ends when the client cancels its request, or goes, with the
// reason as its cause. The calls that mcp-go makes for SSE do not notice by themselves that
// the stream has ended on which their answers were to go out.
func heeding(ctx context.Context) (context.Context, context.CancelFunc) {
	p, known := ctx.Value(presenceContext{}).(presence)
	if !known { // a client in this process
		return ctx, func() {}
	}
	calling, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	end := func() { cancel(p.why()) }
	cancelled, gone := context.AfterFunc(ctx, end), context.AfterFunc(p.gone, end)
	return guard.WithEnder(calling, cancel), func() {
		cancelled()
		gone()
		cancel(nil)
	}
}

// heed has calls end for the reason that they end for.
func (s *Server) heed(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		ctx, end := heeding(ctx)
		defer end()
		return next(ctx, request)
	}
}
