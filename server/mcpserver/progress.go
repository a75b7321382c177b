package mcpserver

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/tools"
)

// minGap is how soon one report of a tool's own may follow another. A mounted
// server may send any number, and they share a queue with what matters more.
const minGap = 50 * time.Millisecond

// maxMessage bounds the message of a report, in bytes.
const maxMessage = 1000

// reportProgress passes a tool's progress on to a client that asked for it (_meta
// progressToken, MCP 2025-11-25, progress), and says that a call is still running
// where the tool says nothing. Many clients give a call up after a minute of
// silence, and ask again.
//
// mcp-go loses a notification that is still on its way when the result is ready.
// A call that sent any therefore waits for them before it answers, see wire; other
// calls pay nothing for this.
func (s *Server) reportProgress(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if request.Params.Meta == nil || request.Params.Meta.ProgressToken == nil {
			return next(ctx, request)
		}
		reports := &reports{server: s.mcp, ctx: ctx, token: request.Params.Meta.ProgressToken, every: s.options.ProgressEvery}
		reports.start()
		result, err := next(tools.WithProgress(ctx, reports.tell), request)
		if reports.stop() > 0 {
			wireOf(ctx).flush(ctx)
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
	began   time.Time
	timer   *time.Timer
	sent    int
	stopped bool
	// Progress has to grow with each report. The tool's own starts at base, where
	// the reports before it had got to.
	last, base float64
	told       time.Time // when the tool last told something; zero: never
}

func (r *reports) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.began = time.Now()
	r.timer = time.AfterFunc(r.every, r.tick)
}

// tick says that the call is still running.
func (r *reports) tick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.last + 1
	if !r.told.IsZero() {
		next = math.Nextafter(r.last, math.Inf(1)) // no nearer to the end, but more
	}
	r.send(next, 0, "still running after "+time.Since(r.began).Round(r.every).String())
}

// tell passes on what the tool says. What would not be progress, or comes too soon,
// is left out.
func (r *reports) tell(p tools.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told.IsZero() {
		r.base = r.last
	}
	next, now := r.base+p.Done, time.Now()
	if math.IsNaN(next) || math.IsInf(next, 0) || next <= r.last && r.sent > 0 || now.Sub(r.told) < minGap {
		return
	}
	total := 0.0
	if p.Total >= p.Done && !math.IsInf(p.Total, 0) {
		total = r.base + p.Total
	}
	r.told = now
	r.send(next, total, p.Message)
}

// send is called with mu held, so that nothing is sent after stop.
func (r *reports) send(progress, total float64, message string) {
	if r.stopped {
		return
	}
	r.sent++
	r.last = progress
	params := map[string]any{"progressToken": r.token, "progress": progress}
	if total > 0 {
		params["total"] = total
	}
	if message != "" {
		params["message"] = message[:min(len(message), maxMessage)]
	}
	// A client that cannot be reached misses a report, no more.
	_ = wireOf(r.ctx).hand(func() error { return r.server.SendNotificationToClient(r.ctx, "notifications/progress", params) })
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
