package mcpserver

import (
	"context"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
)

// heartbeat is how often an open stream carries a ping, so that proxies keep it
// and its session counts as used.
const heartbeat = 30 * time.Second

func (s *Server) newHTTP() *server.StreamableHTTPServer {
	return server.NewStreamableHTTPServer(s.mcp,
		server.WithSessionIdManagerResolver(s.sessions),
		server.WithSessionIdleTTL(s.options.SessionTTL),
		server.WithHeartbeatInterval(min(heartbeat, s.options.SessionTTL/2)),
		server.WithDisableLocalhostProtection(true), // see edge
		server.WithStreamableHTTPLogger(s.options.Log),
		server.WithHTTPContextFunc(func(ctx context.Context, _ *http.Request) context.Context {
			return auth.WithDoor(ctx, auth.DoorHTTP)
		}),
	)
}

// HTTP is the streamable HTTP transport, for one path: /mcp. Authentication goes
// in front of it and puts the principal into the request's context; without one
// nothing is listed and every call is refused.
func (s *Server) HTTP() http.Handler {
	return s.edge(auth.DoorHTTP, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		legacy := !mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion))
		if legacy && (r.Method == http.MethodGet || r.Method == http.MethodDelete) {
			if !s.ownsSession(w, r) {
				return
			}
		}
		if legacy && !s.hasHandshake(w, r) || !legacy && cancelsNothing(w, r) {
			return
		}
		if r.Method == http.MethodGet || r.Header.Get(mcp.HeaderMethod) == string(mcp.MethodSubscriptionsListen) {
			var end context.CancelFunc
			r, end = s.endless(w, r)
			defer end()
		}
		w, r = s.challenging(w, r)
		w, r, release := s.wires.watch(w, r, presence{gone: r.Context(), leaving: !legacy})
		defer release()
		s.http.ServeHTTP(w, r)
	}))
}

// ownsSession answers requests about a session that is not the caller's. mcp-go
// would open one for any id that a GET names.
func (s *Server) ownsSession(w http.ResponseWriter, r *http.Request) bool {
	id := r.Header.Get(server.HeaderKeySessionID)
	switch {
	case id == "":
		refuse(w, http.StatusBadRequest, "the header "+server.HeaderKeySessionID+" is missing: initialize first")
		return false
	case !s.sessions.belongs(id, ownerOf(r)):
		refuse(w, http.StatusNotFound, "there is no such session: initialize anew")
		return false
	}
	return true
}

// endless readies a request for a stream: it has no deadline for writing, and ends
// when the server closes, even if it began after the sessions were closed.
func (s *Server) endless(w http.ResponseWriter, r *http.Request) (*http.Request, context.CancelFunc) {
	// Not every writer has deadlines; one without needs none lifted.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(s.closing, cancel)
	return r.WithContext(ctx), func() { stop(); cancel() }
}
