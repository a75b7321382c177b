// Package mcpserver is the one MCP server: the guard's tools, offered over
// streamable HTTP, over SSE for older clients, over stdio, and in process to runs.
//
// All of these lead to the same mcp-go server, whose only handler is the guard's.
// What differs is how a caller becomes a principal: over HTTP the authentication in
// front has put it into the request's context, stdio serves one principal per
// process, and in process it is in the context of the call.
//
// resources.go and playbooks.go offer what is no tool: to read a resource is to call a
// tool that reads. offer.go keeps the list in step with the catalog, and listable.go the schemas of
// mounted tools from spoiling it. progress.go, remarks.go, dialogue.go and
// conversation.go let a tool speak with its caller while it works.
//
// The other files each make up for something that mcp-go leaves to its user:
// edge.go, handshake.go, sessions.go and stepup.go for HTTP, wire.go for notifications, presence.go for
// clients that cancel or go, pages.go for lists, sse.go, stdio.go. The order of shutting down is
// in [Server.Close].
package mcpserver

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

// Defaults of Options.
const (
	DefaultBodyLimit     = 4 << 20 // bytes
	DefaultSessionTTL    = 30 * time.Minute
	DefaultGrace         = 10 * time.Second
	DefaultProgressEvery = 10 * time.Second
	DefaultAskTimeout    = 10 * time.Minute
)

// fresh is for how long a client may go by a list that it has read. Those who listen
// hear of a change sooner.
const fresh = 30 * time.Second

// Options are the server's settings. The zero value is right.
type Options struct {
	// Version is told to clients.
	Version string
	// Instructions tell a model what the tools are for. Empty gives none.
	Instructions string
	// Log gets faults and the transports' events. Nil discards them.
	Log *slog.Logger
	// BodyLimit bounds a request's body over HTTP, and a line over stdio, in bytes.
	// Zero means DefaultBodyLimit.
	BodyLimit int64
	// SessionTTL is how long an HTTP session without a request or an open stream is
	// kept. Zero means DefaultSessionTTL.
	SessionTTL time.Duration
	// Hosts are the public names of this server behind a reverse proxy on the same
	// machine, without ports: the host of the setting server.public_url. A request
	// that comes over loopback and names another host, other than a loopback one, is
	// refused: a web page may have had its own name resolve to this machine.
	Hosts []string
	// Grace is how long stdio waits, after its input ended, for calls under way.
	// Zero means DefaultGrace.
	Grace time.Duration
	// ProgressEvery is how often a client that asked for progress hears that a call
	// is still running. Zero means DefaultProgressEvery.
	ProgressEvery time.Duration
	// Approvals, if set, lets the person in front of a client decide about the client's own
	// calls, where a rule's terms say that they may.
	Approvals Approvals
	// StateKey signs what clients of protocol 2026-07-28 hold while their person decides: the
	// same on all nodes, and after a restart. Without one each process has its own.
	StateKey []byte
	// Now is the clock of approvals. Nil means time.Now.
	Now func() time.Time
	// AskTimeout is how long a person has to answer a question of a tool. Zero means
	// DefaultAskTimeout.
	AskTimeout time.Duration
	// PageSize is how many items a page of a list has. Zero means DefaultPageSize.
	PageSize int
	// StepUp gives the WWW-Authenticate of a 403 to whoever has a token without a scope that
	// the call needs, whose scopes are given. Nil answers such a call as any that is refused.
	StepUp func(r *http.Request, scopes []string) string
	// Resources are what clients can read by address, Playbooks the prompts that they can
	// get.
	Resources []Resource
	Playbooks []Playbook
	// Extend adds to the server before it serves. The product sets none: this is how the
	// conformance suite's fixture comes in, see package conformance.
	Extend func(*server.MCPServer)
}

// Server is the MCP server on all its transports.
type Server struct {
	mcp      *server.MCPServer
	guard    *guard.Guard
	http     *server.StreamableHTTPServer
	sse      *server.SSEServer
	sessions *sessions
	streams  *sessions // of SSE
	ends     sync.Map  // by stream: the context that ends with it
	wires    *wires
	oversize *oversize
	options  Options

	conversations *conversations
	tickets       *tickets

	leaving context.Context // done once Close has begun: nobody is asked any more
	leave   context.CancelFunc
	closing context.Context // done once Close ends the streams
	close   context.CancelFunc
}

// New makes the server of a catalog behind its guard. It runs in the background
// until Close.
func New(catalog *tools.Catalog, g *guard.Guard, o Options) *Server {
	o = o.withDefaults()
	s := &Server{guard: g, options: o, sessions: newSessions(), streams: newSessions(), wires: &wires{open: map[string]*wire{}}, oversize: newOversize(o)}
	s.leaving, s.leave = context.WithCancel(context.Background())
	s.closing, s.close = context.WithCancel(context.Background())
	s.conversations = &conversations{log: o.Log, timeout: o.AskTimeout, leaving: s.leaving, open: map[string]*question{}}
	hooks := g.Hooks()
	s.addPages(hooks)
	s.tickets = newTickets(o.StateKey)
	s.hideResources(hooks)
	s.readBefore(hooks)
	s.mcp = server.NewMCPServer("drawbridge", o.Version,
		server.WithHooks(hooks),
		server.WithToolCapabilities(true), // mounts come and go
		server.WithLogging(),
		server.WithCompletions(),
		server.WithPromptCapabilities(false),
		server.WithResourceCapabilities(false, false),
		server.WithPromptCompletionProvider(completions{s}),
		server.WithResourceCompletionProvider(completions{s}),
		// What is listed and read depends on who asks, and no proxy may know that.
		server.WithCacheHints(fresh.Milliseconds(), mcp.CacheScopePrivate),
		server.WithMethodCacheHints(mcp.MethodResourcesRead, 0, mcp.CacheScopePrivate),
		server.WithToolHandlerMiddleware(s.heed),
		server.WithToolHandlerMiddleware(s.remark),
		server.WithToolHandlerMiddleware(s.reportProgress),
		server.WithToolHandlerMiddleware(s.stepUp),
		server.WithToolHandlerMiddleware(s.confirm),
		server.WithToolHandlerMiddleware(s.converse),
		server.WithInstructions(o.Instructions),
	)
	offer := &offer{mcp: s.mcp, guard: g, catalog: catalog, log: o.Log}
	catalog.Watch(offer.follow)
	offer.follow()
	s.addResources(o.Resources)
	s.addPlaybooks(o.Playbooks)
	if o.Extend != nil {
		o.Extend(s.mcp)
	}
	s.http = s.newHTTP()
	s.sse = s.newSSE()
	return s
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.BodyLimit <= 0 {
		o.BodyLimit = DefaultBodyLimit
	}
	if o.SessionTTL <= 0 {
		o.SessionTTL = DefaultSessionTTL
	}
	if o.Grace <= 0 {
		o.Grace = DefaultGrace
	}
	if o.ProgressEvery <= 0 {
		o.ProgressEvery = DefaultProgressEvery
	}
	if o.PageSize <= 0 {
		o.PageSize = DefaultPageSize
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AskTimeout <= 0 {
		o.AskTimeout = DefaultAskTimeout
	}
	return o
}

// Close lets the calls under way finish, refuses new ones, and ends every session
// and stream. Call it before http.Server.Shutdown, which waits for open streams
// and would wait for ever. Calls that are not done when ctx ends are left behind:
// Close then gives ctx's error, having ended the sessions all the same.
//
// The guard refuses calls from then on, those of runs in this process too: stop
// the runs first.
func (s *Server) Close(ctx context.Context) error {
	s.leave() // a call that waits for a person would not finish
	err := s.guard.Drain(ctx)
	// Only now: a stream that is closed cannot carry the answer of a call.
	s.settleStreams(ctx)
	s.sse.CloseSessions()
	s.close()
	// With a server of our own this closes the sessions and stops the sweeper.
	if closed := s.http.Shutdown(ctx); err == nil {
		err = closed
	}
	return err
}
