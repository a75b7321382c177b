package mcpserver

import (
	"context"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// reportProgress tells a client that asked for it (_meta progressToken, MCP
// 2025-11-25, progress) that a long call is still running. Many clients give a
// call up after a minute of silence, and ask again.
//
// mcp-go loses a notification that is still on its way when the result is ready.
// A call that sent any therefore pauses before it answers; other calls pay
// nothing for this.
func (s *Server) reportProgress(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if request.Params.Meta == nil || request.Params.Meta.ProgressToken == nil {
			return next(ctx, request)
		}
		reports := &reports{server: s.mcp, ctx: ctx, token: request.Params.Meta.ProgressToken, every: s.options.ProgressEvery}
		reports.start()
		result, err := next(ctx, request)
		if reports.stop() > 0 {
			pause(ctx, settle)
		}
		return result, err
	}
}

// reports are the notifications of one call. They hold the call's context because
// that is where mcp-go keeps whom to notify.
type reports struct {
	server *server.MCPServer
	ctx    context.Context
	token  mcp.ProgressToken
	every  time.Duration

	mu      sync.Mutex
	timer   *time.Timer
	sent    int
	stopped bool
}

func (r *reports) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer = time.AfterFunc(r.every, r.send)
}

// send holds the lock while it sends, so that nothing is sent after stop.
func (r *reports) send() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	r.sent++
	// A client that cannot be reached misses a report, no more.
	_ = r.server.SendNotificationToClient(r.ctx, "notifications/progress", map[string]any{
		"progressToken": r.token,
		"progress":      float64(r.sent),
		"message":       "still running after " + (time.Duration(r.sent) * r.every).String(),
	})
	r.timer.Reset(r.every)
}

// stop ends the reports and says how many there were.
func (r *reports) stop() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	r.timer.Stop()
	return r.sent
}
