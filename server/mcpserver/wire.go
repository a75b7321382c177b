package mcpserver

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/server"
)

const (
	// arrival is how long a call waits at most for its notifications to be written. They
	// are on their way from one of mcp-go's queues to the next, which takes a moment, and
	// on a busy machine many.
	arrival = 5 * time.Second
	// settle is how long what was written may travel before its answer follows. The
	// clients of the TypeScript SDK forget whom to tell of progress when they read the
	// answer, and that is before they have told it if both come in one read, over stdio
	// and SSE; streamable HTTP of older clients may take the two over different streams.
	settle = 50 * time.Millisecond
)

// spoken are the notifications that belong to a call, as mcp-go writes them. Within a
// text of somebody's the quotes would be escaped.
var spoken = [][]byte{[]byte(`"method":"notifications/progress"`), []byte(`"method":"notifications/message"`)}

// wire is what carries messages to one client: it counts the notifications of calls that
// were handed to mcp-go, and those that came out of it. mcp-go does not tell when it has
// sent one, and drops those that are on their way when the answer is ready; so an answer
// waits until they are out.
type wire struct {
	mu      sync.Mutex
	handed  int
	written int
	changed chan struct{} // closed at the next that is written; nil if nobody waits
	users   int           // requests and streams that hold it, see wires
	alone   bool          // it carries one request only, event by event: nothing has to settle
}

type wireContext struct{}

func withWire(ctx context.Context, w *wire) context.Context {
	return context.WithValue(ctx, wireContext{}, w)
}

// wireOf is the wire of the call's client, nil for a client in this process.
func wireOf(ctx context.Context) *wire {
	w, _ := ctx.Value(wireContext{}).(*wire)
	return w
}

// hand counts a notification that send hands to mcp-go, if it takes it.
func (w *wire) hand(send func() error) error {
	if w == nil {
		return send()
	}
	w.mu.Lock()
	w.handed++
	w.mu.Unlock()
	err := send()
	if err != nil {
		w.mu.Lock()
		w.handed--
		w.mu.Unlock()
	}
	return err
}

// saw counts the notifications in what is written.
func (w *wire) saw(p []byte) {
	n := 0
	for _, method := range spoken {
		n += bytes.Count(p, method)
	}
	if n == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written += n
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// flush waits until all notifications that were handed over are written. One that never
// is holds up one call, and not those behind it.
func (w *wire) flush(ctx context.Context) {
	if w == nil {
		pause(ctx, settle)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	until, timeout := w.handed, time.After(arrival)
	for w.written < until {
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
			w.mu.Lock()
		case <-timeout:
			w.mu.Lock()
			w.written = max(w.written, until)
		case <-ctx.Done():
			w.mu.Lock()
			return
		}
	}
	if !w.alone {
		w.mu.Unlock()
		pause(ctx, settle)
		w.mu.Lock()
	}
}

// wires are those of the sessions that have a request or a stream open.
type wires struct {
	mu   sync.Mutex
	open map[string]*wire
}

// of gives the wire of a session, for as long as it is not let go. Requests without a
// session have one each.
func (ws *wires) of(session string) (w *wire, release func()) {
	if session == "" {
		return &wire{alone: true}, func() {}
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w = ws.open[session]; w == nil {
		w = &wire{}
		ws.open[session] = w
	}
	w.users++
	return w, func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		if w.users--; w.users == 0 {
			delete(ws.open, session)
		}
	}
}

// watch has a request's calls know their wire and their client, and the wire see what is
// written.
func (ws *wires) watch(w http.ResponseWriter, r *http.Request, client presence) (http.ResponseWriter, *http.Request, func()) {
	wire, release := ws.of(r.Header.Get(server.HeaderKeySessionID))
	return watched{ResponseWriter: w, wire: wire}, r.WithContext(withPresence(withWire(r.Context(), wire), client)), release
}

// watched tells its wire what was written.
type watched struct {
	http.ResponseWriter
	wire *wire
}

// Write counts when the bytes are with net/http: what is written after them follows
// them.
func (w watched) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.wire.saw(p)
	return n, err
}

// WriteHeader has proxies pass the events of a stream on as they come (MCP 2026-07-28,
// transports); nginx collects them otherwise.
func (w watched) WriteHeader(status int) {
	if w.Header().Get("Content-Type") == "text/event-stream" {
		w.Header().Set("X-Accel-Buffering", "no")
	}
	w.ResponseWriter.WriteHeader(status)
}

// Flush is asked for by name, not by [http.ResponseController].
func (w watched) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap lets a ResponseController through.
func (w watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
