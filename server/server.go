// Package server is Drawbridge's one HTTP server: the doors mounted side by side,
// health for whoever watches it, and the limits that hold on every route.
//
// What a request means is the business of the packages below: webhook (events
// in), mcpserver (tools for MCP clients), chatapi (agents for chat clients), runapi
// (the runs behind those), auth (who is calling), guard (may they). This package
// imports none of them; it is handed their handlers.
package server

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"sync/atomic"
	"time"
)

// Limits on every connection (ING-06). Nobody honest needs longer: providers give
// up on their own webhooks after 1 to 15 seconds.
const (
	headerTime  = 5 * time.Second
	bodyTime    = 10 * time.Second
	idleTime    = 60 * time.Second
	headerBytes = 64 << 10
)

// Options have working zero values.
type Options struct {
	// Routes are the doors. Health is added.
	Routes []Route
	// Identify lets those through whom somebody knows, and answers the others: it stands in
	// front of each route that needs a principal.
	Identify func(http.Handler) http.Handler
	// Ready reports whether the server can do its work; nil error means it can. An error
	// is shown to whoever asks by its method Public() string, if it has one.
	Ready func(ctx context.Context) error
	// Detail is shown as JSON by a server that is ready: what is worth knowing and no
	// reason to send work elsewhere, such as the states of mounted tool servers.
	// Anybody may ask: what only some may know depends on the request. Nil shows
	// nothing.
	Detail func(r *http.Request) any
	// TrustedProxies may say whom they pass requests on for, by X-Forwarded-For or
	// Forwarded. A door finds the client's address in RemoteAddr; nobody behind this
	// server reads those headers.
	TrustedProxies []netip.Prefix
	// TLS, if any, is what is spoken on the address. Nil is plain HTTP.
	TLS *tls.Config
	Log *slog.Logger
}

// Server is the HTTP server. Make it with New, then Listen, then Serve.
type Server struct {
	http     http.Server
	listener net.Listener
	o        Options
	routes   []Route
	draining atomic.Bool
}

// New makes a server that does not listen yet.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o}
	s.routes = s.allRoutes()
	s.http = http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		TLSConfig:         o.TLS,
	}
	return s
}

// Listen opens the address and gives the one that was bound: the port may have
// been 0.
func (s *Server) Listen(ctx context.Context, address string) (net.Addr, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %q: %w; is another process using it? set server.listen to a free address", address, err)
	}
	s.listener = listener
	return listener.Addr(), nil
}

// Serve answers requests until Shutdown. It needs Listen first.
func (s *Server) Serve() error {
	serve := s.http.Serve
	if s.o.TLS != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// Drain makes the server say that it is not ready and close each connection behind its
// answer, while it still answers: the first step of going down.
func (s *Server) Drain() { s.draining.Store(true) }

// Shutdown stops listening, lets requests under way finish until ctx ends, and
// then cuts them off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("waiting for requests under way: %w", err), s.http.Close())
	}
	return nil
}

// Handler is what the server answers with, for those who bring a connection of their
// own.
func (s *Server) Handler() http.Handler { return s.http.Handler }

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	var deliveries http.Handler
	private := map[string]bool{}
	for _, route := range s.routes {
		private[route.Pattern] = route.Needs == Principal
		if route.Pattern == webhooks {
			deliveries = s.door(route)
			continue
		}
		mux.Handle(route.Pattern, s.door(route))
	}
	proxies := trustedProxies(s.o.TrustedProxies)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxies.settle(r)
		if s.draining.Load() {
			// Whoever sent the next request over this connection could meet its end.
			w.Header().Set("Connection", "close")
		}
		toInbox := deliveries != nil && strings.HasPrefix(cleaned(r.URL.Path), webhooks)
		protect(w, r, toInbox && r.Method == http.MethodPost)
		conn := http.NewResponseController(w)
		boundBody(conn, r)
		out := &answers{ResponseWriter: w, conn: conn, draining: s.draining.Load, stream: r.ProtoMajor > 1}
		defer out.hurry() // what is still in buffers leaves behind the handler
		if toInbox {
			deliveries.ServeHTTP(out, r)
			return
		}
		_, pattern := mux.Handler(r)
		out.private = private[pattern]
		mux.ServeHTTP(out, r)
	})
}

// cleaned is a path without doubled and dotted slashes, from the root.
func cleaned(requested string) string {
	if !strings.HasPrefix(requested, "/") {
		requested = "/" + requested
	}
	return path.Clean(requested)
}

// ready answers whether new work should be sent here.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		answer(w, http.StatusServiceUnavailable, "draining", "the server is shutting down")
		return
	}
	if s.o.Ready != nil {
		if err := s.o.Ready(r.Context()); err != nil {
			s.o.Log.Warn("not ready", "err", err)
			answer(w, http.StatusServiceUnavailable, "not ready", told(err))
			return
		}
	}
	var detail any
	if s.o.Detail != nil {
		detail = s.o.Detail(r)
	}
	answer(w, http.StatusOK, "ready", detail)
}

// told is what anybody may know of why the server is not ready.
func told(err error) string {
	var open interface{ Public() string }
	if errors.As(err, &open) {
		return open.Public()
	}
	return "see the server's log"
}

// health is what the health routes answer.
type health struct {
	Status string `json:"status"`
	Detail any    `json:"detail,omitempty"`
}

func answer(w http.ResponseWriter, status int, state string, detail any) {
	body, err := json.Marshal(health{Status: state, Detail: detail})
	if err != nil { // the detail's fault, which must not look like ours
		body, _ = json.Marshal(health{Status: state})
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that has gone needs no answer
}
