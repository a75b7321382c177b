package mcpserver

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

// A client with a token that lacks a scope learns of it from the status and a header of the
// answer (MCP 2025-11-25, authorization, scope challenge handling), and gets itself another
// token. What is missing only the guard knows, which judges and records the call like any
// other; mcp-go writes the status when the guard has judged, and always 200. So the guard's
// finding is noted beside the request, and the status written is another.
//
// An answer that has begun before that has its status: mcp-go begins a stream for a
// notification that happens to come for the session just then. Such a client finds the
// scopes in the error, as do those of SSE, whose requests are answered before they are read.

// lack is what the token of a request's caller lacks for what was asked.
type lack struct{ scopes atomic.Pointer[[]string] }

type lackContext struct{}

func noteLack(ctx context.Context, scopes []string) {
	if scopes == nil {
		return
	}
	if l, ok := ctx.Value(lackContext{}).(*lack); ok {
		l.scopes.Store(&scopes)
	}
}

// stepUp notes what a call lacked.
func (s *Server) stepUp(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		result, err := next(ctx, request)
		noteLack(ctx, guard.MissingScopes(result))
		return result, err
	}
}

// challenging has the answer say what the caller's token lacks. Requests of those who have
// no token pass as they are.
func (s *Server) challenging(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request) {
	if p, _ := auth.From(r.Context()); len(p.Openings) == 0 || r.Method != http.MethodPost || s.options.StepUp == nil {
		return w, r
	}
	l := &lack{}
	return challenged{w, l, func(scopes []string) string { return s.options.StepUp(r, scopes) }}, r.WithContext(context.WithValue(r.Context(), lackContext{}, l))
}

// challenged is an answer whose status depends on what was found out by the time that it is
// written.
type challenged struct {
	http.ResponseWriter
	lack *lack
	says func(scopes []string) string
}

func (c challenged) WriteHeader(status int) {
	if scopes := c.lack.scopes.Load(); scopes != nil {
		c.Header().Set("WWW-Authenticate", c.says(*scopes))
		status = http.StatusForbidden
	}
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (c challenged) Unwrap() http.ResponseWriter { return c.ResponseWriter }
