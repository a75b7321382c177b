package mcpserver_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"go.uber.org/goleak"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/server/mcpserver"
	"drawbridge/tools"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type note struct {
	Text string `json:"text" minLength:"1" maxLength:"2000"`
}

type saved struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// fixture is a server with a few tools on a listener of its own.
type fixture struct {
	*mcpserver.Server
	ledger *guardtest.Ledger
	tools  *tools.Catalog
	web    *httptest.Server
	// clientOptions are for the clients that connect.
	clientOptions []client.ClientOption

	mu    sync.Mutex
	do    func(ctx context.Context, in note) (saved, error)
	calls int
}

const (
	deskKey = "desk-0123456789abcdef"
	shopKey = "shop-0123456789abcdef"
)

// desk may do everything but move money.
var desk = auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"note_*"}, Effects: auth.AllEffects()}

func newFixture(t testing.TB, o mcpserver.Options, more ...tools.Tool) *fixture {
	t.Helper()
	return guardedFixture(t, o, guard.Options{}, more...)
}

func guardedFixture(t testing.TB, o mcpserver.Options, guarded guard.Options, more ...tools.Tool) *fixture {
	t.Helper()
	return newGuarded(t, guardtest.NewLedger(), guarded, o, more...)
}

// newGuarded is a fixture over a ledger that others have too.
func newGuarded(t testing.TB, ledger *guardtest.Ledger, guarded guard.Options, o mcpserver.Options, more ...tools.Tool) *fixture {
	t.Helper()
	f := &fixture{ledger: ledger}
	f.do = func(_ context.Context, in note) (saved, error) { return saved{ID: "n1", Text: in.Text}, nil }
	f.tools = f.catalog(more)
	f.Server = mcpserver.New(f.tools, guard.New(f.tools, f.ledger, guarded), o)
	f.web = httptest.NewServer(f.mux(t))
	t.Cleanup(func() {
		// As the program does: first the sessions, then the listener, which waits for
		// every stream.
		if err := f.Close(context.Background()); err != nil {
			t.Errorf("closing: %v", err)
		}
		f.web.Close()
	})
	return f
}

func (f *fixture) catalog(more []tools.Tool) *tools.Catalog {
	return tools.NewCatalog([]tools.Tool{
		tools.Define(tools.Spec{Name: "note_read", Title: "Read", Description: "Reads a note.", Effect: tools.Read, Taints: true}, f.call),
		tools.Define(tools.Spec{Name: "note_add", Title: "Add", Description: "Adds a note.", Effect: tools.Write, Idempotent: true}, f.call),
		tools.Define(tools.Spec{Name: "note_send", Title: "Send", Description: "Sends a note.", Effect: tools.Message, Destructive: true}, f.call),
		tools.Define(tools.Spec{Name: "pay", Title: "Pay", Description: "Pays.", Effect: tools.Money}, f.call),
	}, more)
}

func (f *fixture) call(ctx context.Context, in note) (saved, error) {
	f.mu.Lock()
	f.calls++
	do := f.do
	f.mu.Unlock()
	return do(ctx, in)
}

func (f *fixture) mux(t testing.TB) http.Handler {
	t.Helper()
	keys, err := auth.NewKeys([]auth.APIKey{
		{Name: "desk", Key: deskKey, Tools: desk.Tools, Effects: desk.Effects},
		{Name: "shop", Key: shopKey, Tools: []string{"*"}, Effects: auth.AllEffects()},
	})
	if err != nil {
		t.Fatal(err)
	}
	stream, message := f.SSE()
	mux := http.NewServeMux()
	mux.Handle("/mcp", keys.Middleware(nil, f.HTTP()))
	mux.Handle("/sse", keys.Middleware(nil, stream))
	mux.Handle("/message", keys.Middleware(nil, message))
	mux.Handle("/open/mcp", f.HTTP()) // as if somebody forgot the authentication
	return mux
}

// rows are the audit rows, once there are so many of them.
func (f *fixture) rows(t *testing.T, want int) []guard.Row {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	rows := f.ledger.Await(ctx, want)
	if len(rows) < want {
		t.Fatalf("%d audit rows, want %d", len(rows), want)
	}
	return rows
}

// doors are the ways in: the door that is recorded, and how to get a client.
var doors = []struct {
	name, door string
	connect    func(t *testing.T, f *fixture, p auth.Principal) session
}{
	{"streamable HTTP", auth.DoorHTTP, connectHTTP},
	{"streamable HTTP for older clients", auth.DoorHTTP, connectLegacyHTTP},
	{"SSE", auth.DoorSSE, connectSSE},
	{"stdio", auth.DoorStdio, connectStdio},
	{"in process", auth.DoorAgent, connectInProcess},
}

// session is a connected client and the context of its calls.
type session struct {
	*client.Client
	ctx context.Context
}

func connect(t *testing.T, f *fixture, principal auth.Principal, link transport.Interface, version string) session {
	t.Helper()
	c := client.NewClient(link, f.clientOptions...)
	ctx := t.Context()
	if err := c.Start(context.WithoutCancel(ctx)); err != nil {
		t.Fatalf("starting the client: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	hello := mcp.InitializeRequest{}
	hello.Params.ClientInfo = mcp.Implementation{Name: "test", Version: "1"}
	hello.Params.ProtocolVersion = version
	if _, err := c.Initialize(ctx, hello); err != nil {
		t.Fatalf("initializing: %v", err)
	}
	return session{Client: c, ctx: auth.With(ctx, principal)}
}

func keyOf(p auth.Principal) map[string]string {
	if p.Name == "desk" {
		return map[string]string{"Authorization": "Bearer " + deskKey}
	}
	return map[string]string{"Authorization": "Bearer " + shopKey}
}

func connectHTTP(t *testing.T, f *fixture, p auth.Principal) session {
	link, err := transport.NewStreamableHTTP(f.web.URL+"/mcp", transport.WithHTTPHeaders(keyOf(p)))
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, f, p, link, mcp.LATEST_PROTOCOL_VERSION)
}

func connectLegacyHTTP(t *testing.T, f *fixture, p auth.Principal) session {
	//lint:ignore SA1019 older clients keep such a stream open beside their calls
	listening := transport.WithContinuousListening()
	link, err := transport.NewStreamableHTTP(f.web.URL+"/mcp", transport.WithHTTPHeaders(keyOf(p)), listening)
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, f, p, link, mcp.LATEST_LEGACY_PROTOCOL_VERSION)
}

func connectSSE(t *testing.T, f *fixture, p auth.Principal) session {
	link, err := transport.NewSSE(f.web.URL+"/sse", transport.WithHeaders(keyOf(p)))
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, f, p, link, mcp.LATEST_LEGACY_PROTOCOL_VERSION)
}

func connectStdio(t *testing.T, f *fixture, p auth.Principal) session {
	return connectStdioAs(t, f, p, mcp.LATEST_PROTOCOL_VERSION)
}

func connectStdioAs(t *testing.T, f *fixture, p auth.Principal, version string) session {
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- f.ServeStdio(context.Background(), in, out, p)
		_ = out.Close()
	}()
	t.Cleanup(func() {
		_ = toServer.Close()
		if err := <-served; err != nil {
			t.Errorf("serving stdio: %v", err)
		}
	})
	return connect(t, f, p, transport.NewIO(fromServer, toServer, io.NopCloser(strings.NewReader(""))), version)
}

func connectInProcess(t *testing.T, f *fixture, p auth.Principal) session {
	return connect(t, f, p, f.InProcess(), mcp.LATEST_PROTOCOL_VERSION)
}

// callTool calls a tool with arguments as they are, under a key if there is one.
func (s session) callTool(t *testing.T, name string, arguments any, key string) *mcp.CallToolResult {
	t.Helper()
	result, err := s.CallTool(s.ctx, request(name, arguments, key))
	if err != nil {
		t.Fatalf("calling %s: %v", name, err)
	}
	return result
}

func request(name string, arguments any, key string) mcp.CallToolRequest {
	r := mcp.CallToolRequest{}
	r.Params.Name, r.Params.Arguments = name, arguments
	if key != "" {
		r.Params.Meta = mcp.NewMetaFromMap(map[string]any{guard.MetaKey: key})
	}
	return r
}

func textOf(t *testing.T, result *mcp.CallToolResult) string {
	t.Helper()
	if len(result.Content) != 1 {
		t.Fatalf("%d contents", len(result.Content))
	}
	content, ok := result.Content[0].(mcp.TextContent)
	if !ok {
		t.Fatalf("content is a %T", result.Content[0])
	}
	return content.Text
}
