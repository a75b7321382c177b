package mcpserver

import (
	"context"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

// logger is the name of those who speak in log messages: the product.
const logger = "drawbridge"

// remark sends log messages to a client that set a level (MCP 2025-11-25, logging) or
// asked for them with its call (2026-07-28, _meta logLevel): what the tool says while it
// works, and how the call ended. A client that did neither gets none.
func (s *Server) remark(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		level := wanted(ctx)
		if level == "" {
			return next(ctx, request)
		}
		remarks := &remarks{server: s.mcp, ctx: ctx, level: level}
		began := time.Now()
		result, err := next(tools.WithRemarks(ctx, func(r tools.Remark) { remarks.send(mcp.LoggingLevel(r.Level), r.Message) }), request)
		remarks.outcome(guard.NameOf(request), result, err, time.Since(began))
		if remarks.stop() > 0 {
			wireOf(ctx).flush(ctx)
		}
		return result, err
	}
}

// wanted is the lowest level of messages that the client wants, "" if it wants none or
// nothing can be sent to it.
func wanted(ctx context.Context) mcp.LoggingLevel {
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		return info.LogLevel
	}
	session, ok := server.ClientSessionFromContext(ctx).(server.SessionWithLogging)
	if !ok || !session.Initialized() {
		return ""
	}
	return session.GetLogLevel()
}

// remarks are the log messages of one call. They hold the call's context because that
// is where mcp-go keeps whom to notify.
type remarks struct {
	server *server.MCPServer
	ctx    context.Context
	level  mcp.LoggingLevel

	mu      sync.Mutex
	sent    int
	stopped bool
}

// outcome tells how a call ended.
func (r *remarks) outcome(tool string, result *mcp.CallToolResult, err error, took time.Duration) {
	if err == nil && result != nil && !result.IsError && !mcp.LoggingLevelInfo.ShouldSendTo(r.level) {
		return // most calls end well, and most clients do not want to be told
	}
	data := map[string]any{"tool": tool, "milliseconds": took.Milliseconds()}
	switch {
	case err != nil || result == nil:
		data["outcome"] = "failed"
		r.send(mcp.LoggingLevelError, data)
	case result.ResultType == mcp.ResultTypeInputRequired:
		data["outcome"] = "asked"
		r.send(mcp.LoggingLevelInfo, data)
	case result.IsError:
		data["outcome"] = "refused or failed"
		if result.Meta != nil {
			if told, ok := result.Meta.GetMetaField(guard.MetaError).(map[string]any); ok {
				data["code"] = told["code"]
			}
		}
		r.send(mcp.LoggingLevelWarning, data)
	default:
		data["outcome"] = "ok"
		r.send(mcp.LoggingLevelInfo, data)
	}
}

func (r *remarks) send(level mcp.LoggingLevel, data any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || !level.ShouldSendTo(r.level) {
		return
	}
	if text, ok := data.(string); ok && len(text) > maxMessage {
		data = text[:maxMessage]
	}
	message := mcp.NewLoggingMessageNotification(level, logger, data)
	if wireOf(r.ctx).hand(func() error { return r.server.SendLogMessageToClient(r.ctx, message) }) == nil {
		r.sent++
	}
}

// stop ends the messages and says how many there were.
func (r *remarks) stop() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	return r.sent
}
