package mcpmount

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// wire carries messages to and from one server. It knows nothing of what they say.
type wire interface {
	// open connects. Everything that comes in goes to in, from several goroutines
	// perhaps, until close has returned.
	open(ctx context.Context, in inbox) error
	// send hands a message over. An error means that no answer to it will come; it
	// wraps errUnsent if the server cannot have seen the message. A message that is
	// given up with ctx before it was handed over is never sent.
	send(ctx context.Context, p parcel) error
	// agreed tells the version that both sides settled on.
	agreed(version string)
	// close lets go of the server and of everything the wire started.
	close()
}

// inbox is where a wire delivers.
type inbox struct {
	// receive takes one message. about is the id of our request on whose own stream
	// it came, 0 if that cannot be told.
	receive func(about int64, text []byte)
	// ended says that nothing more will come. The first reason counts.
	ended func(error)
}

// parcel is a message on its way.
type parcel struct {
	id     int64 // of a request; 0: nothing is answered
	method string
	text   []byte // a whole line
	header http.Header
}

var (
	errUnsent   = errors.New("the message was not sent")
	errNoAnswer = errors.New("the server's response ended without the answer")
	errTooLong  = errors.New("a message of the server is too long")
	// errSessionGone: the server has forgotten our session and did nothing (MCP
	// 2025-11-25, transports, session management).
	errSessionGone = errors.New("the server does not know our session any more")
	errClosed      = errors.New("the connection was closed")
)

// statusError is an HTTP status in place of an answer.
type statusError struct{ code int }

func (e *statusError) Error() string {
	if e.refused() {
		return fmt.Sprintf("the server refused our credentials: status %d", e.code)
	}
	return fmt.Sprintf("the server answered with status %d", e.code)
}

func (e *statusError) refused() bool {
	return e.code == http.StatusUnauthorized || e.code == http.StatusForbidden
}

// readLine reads a line without its end, and fails with errTooLong rather than keep
// more than limit bytes of it. At the end of the input it gives what is left, and
// io.EOF.
func readLine(in *bufio.Reader, limit int64) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if int64(len(line)+len(part)) > limit+2 {
			return nil, errTooLong
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return trimEnd(line), err
	}
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}

// readBounded reads all of a body, or fails with errTooLong.
func readBounded(in io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, errTooLong
	}
	return text, err
}
