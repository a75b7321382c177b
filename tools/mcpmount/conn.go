package mcpmount

import (
	"context"
	"log/slog"
	"sync"

	"golang.org/x/time/rate"
)

const (
	// What a server may send beside its answers: more of it waits on its side.
	messagesPerSecond = 1000
	messageBurst      = 4000
	// maxServed bounds the server's requests that are worked on at once; what comes
	// beyond them gets no answer.
	maxServed = 16
	// maxJunk bounds what comes in a row and is no message, maxJunkLogged what of it
	// reaches the log.
	maxJunk       = 1000
	maxJunkLogged = 10
	// maxProgress bounds the reports of a call that wait for its caller.
	maxProgress = 16
)

// conn is one connection to the server: requests out, answers in, and what the
// server says and asks of itself.
type conn struct {
	wire  wire
	log   *slog.Logger
	clean cleaner
	time  timing
	mount string

	ctx     context.Context // ends with the connection
	cancel  context.CancelFunc
	changed chan struct{}  // the server said that its list changed
	served  chan struct{}  // a place taken each
	calls   sync.WaitGroup // of tools; added to while the mount offers the connection
	pace    *rate.Limiter
	running sync.WaitGroup

	mu      sync.Mutex
	last    int64
	open    map[int64]*exchange
	cause   error
	junk    int    // in a row
	skipped int    // in all
	version string // of the protocol, once agreed
	modern  bool
	server  peer
}

func newConn(w wire, log *slog.Logger, clean cleaner, t timing, mount string) *conn {
	ctx, cancel := context.WithCancel(context.Background())
	return &conn{
		wire: w, log: log, clean: clean, time: t, mount: mount,
		ctx: ctx, cancel: cancel,
		changed: make(chan struct{}, 1),
		served:  make(chan struct{}, maxServed),
		pace:    rate.NewLimiter(messagesPerSecond, messageBurst),
		open:    map[int64]*exchange{},
	}
}

func (c *conn) start(ctx context.Context) error {
	return c.wire.open(ctx, inbox{receive: c.receive, ended: c.end})
}

// end is called when the connection is over, for whatever reason.
func (c *conn) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		c.cause = cause
		c.cancel()
	}
}

// why the connection ended.
func (c *conn) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

func (c *conn) close() {
	c.end(errClosed)
	c.wire.close()
	c.running.Wait()
}

// begin runs fn beside the connection, unless that has ended.
func (c *conn) begin(fn func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return false
	}
	c.running.Go(fn)
	return true
}
