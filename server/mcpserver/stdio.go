package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"syscall"

	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
)

// stdioWorkers is how many calls one client may have under way; mcp-go's own
// number, 5, lets a few slow calls block all others.
const stdioWorkers = 32

// ServeStdio speaks MCP with the one client at the other end of in and out, a
// message a line, until in ends, ctx is cancelled, or out takes no more. Nothing but
// messages is written to out. It returns when the calls under way are answered: reads get
// Options.Grace for that, other calls as long as they take. If the client does not read
// out any longer, nobody hears of a read: it is given up at once, and the others still
// come to their end, and into the audit. That a client closed its ends is no error.
//
// mcp-go has one stdio session for the whole process, so a second call of
// ServeStdio fails while the first one runs. If ctx is cancelled, a goroutine stays
// in in.Read until that returns.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer, principal auth.Principal) error {
	open := newUnanswered()
	answers := &answerWriter{out: out, open: open, wire: &wire{}, broken: make(chan struct{})}
	gone, leave := context.WithCancel(context.Background())
	defer leave()
	identify := func(ctx context.Context) context.Context {
		ctx = withPresence(withWire(ctx, answers.wire), presence{gone: gone})
		return auth.WithDoor(auth.With(ctx, principal), auth.DoorStdio)
	}
	requests := newRequestReader(identify(ctx), in, s.options, answers, open, s.oversize)
	requests.ends = leave
	defer requests.stop()

	stdio := server.NewStdioServer(s.mcp)
	stdio.SetErrorLogger(slog.NewLogLogger(s.options.Log.Handler(), slog.LevelError))
	stdio.SetContextFunc(identify)
	server.WithWorkerPoolSize(stdioWorkers)(stdio)

	// mcp-go cancels every call as soon as its context or its input ends. So it
	// does not see ours, and the reader keeps the end of the input from it until
	// nothing is open.
	if err := stdio.Listen(context.WithoutCancel(ctx), requests, answers); err != nil {
		return fmt.Errorf("serving MCP over stdio: %w", err)
	}
	switch err := answers.lost(); {
	case err == nil:
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		s.options.Log.Info("the client does not read its answers any longer", "err", err)
	default:
		return fmt.Errorf("serving MCP over stdio: writing an answer: %w", err)
	}
	return nil
}
