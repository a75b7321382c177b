package mcpserver

import (
	"context"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
)

const (
	messagePath = "/message"
	// nobodysOrigin can be no page's (RFC 2606, section 2). mcp-go lets every web
	// page read an SSE stream, unless some origin is named that alone may.
	nobodysOrigin = "https://nobody.invalid"
)

type streamContext struct{}

func (s *Server) newSSE() *server.SSEServer {
	return server.NewSSEServer(s.mcp,
		server.WithMessageEndpoint(messagePath),
		server.WithKeepAliveInterval(heartbeat),
		server.WithSSECORS(server.WithCORSAllowedOrigins(nobodysOrigin)),
		server.WithSSEDisableLocalhostProtection(true), // see edge
		server.WithSessionIDGenerator(func(ctx context.Context, _ *http.Request) (string, error) {
			id, _ := ctx.Value(streamContext{}).(string)
			return id, nil
		}),
		server.WithSSEContextFunc(func(ctx context.Context, _ *http.Request) context.Context {
			// Protocol 2026-07-28 has no SSE transport. mcp-go offers it here all the
			// same, and then misses its headers on every request.
			ctx = server.WithSupportedProtocolVersions(ctx, mcp.LegacyProtocolVersions())
			return auth.WithDoor(ctx, auth.DoorSSE)
		}),
	)
}

// SSE is the deprecated HTTP+SSE transport for clients that know no other: the
// stream, for GET /sse, and the messages, for POST /message. Authentication goes
// in front of both, see [Server.HTTP].
func (s *Server) SSE() (stream, message http.Handler) {
	stream = s.edge(auth.DoorSSE, s.ownStream(s.sse.SSEHandler()))
	message = s.edge(auth.DoorSSE, s.onOwnStream(s.sse.MessageHandler()))
	return stream, message
}

// ownStream opens a session that only the caller can send messages to.
func (s *Server) ownStream(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, end := s.endless(w, r)
		defer end()
		id := s.streams.open(ownerOf(r))
		defer s.streams.end(id)
		s.ends.Store(id, r.Context())
		defer s.ends.Delete(id)
		wire, release := s.wires.of(id)
		defer release()
		w.Header().Set("X-Accel-Buffering", "no") // mcp-go leaves WriteHeader to the first Write
		next.ServeHTTP(watched{ResponseWriter: w, wire: wire}, r.WithContext(context.WithValue(r.Context(), streamContext{}, id)))
	})
}

func (s *Server) onOwnStream(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Query().Get("sessionId")
		if !s.streams.belongs(id, ownerOf(r)) {
			refuse(w, http.StatusNotFound, "there is no such session: open a stream with GET /sse")
			return
		}
		ctx := r.Context()
		if stream, open := s.ends.Load(id); open {
			ctx = withPresence(ctx, presence{gone: stream.(context.Context)})
		}
		wire, release := s.wires.of(id) // the call goes on behind the request, and keeps it
		defer release()
		next.ServeHTTP(w, r.WithContext(withWire(ctx, wire)))
	})
}

// settleStreams gives the last answers the time to reach their streams. mcp-go
// does not tell when they have: the request that asked was answered long before.
func (s *Server) settleStreams(ctx context.Context) {
	if s.streams.count() > 0 {
		pause(ctx, settle)
	}
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
