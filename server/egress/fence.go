package egress

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
)

// fencedTrip makes a request unless check gives an error, which it is asked as late as
// net/http allows: by HTTP/1 when the request is written and has not been flushed yet, by
// HTTP/2 when it has a connection. Resolving, dialing and shaking hands are over then.
func (g *guarded) fencedTrip(request *http.Request, check func(context.Context) error) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	f := &fencing{cancel: cancel}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) {
			if f.got(got.Conn) {
				f.verdict(check(ctx))
			}
		},
		WroteHeaders: func() {
			if !f.shared() {
				f.verdict(check(ctx))
			}
		},
	})
	response, err := g.Transport.RoundTrip(request.WithContext(ctx))
	if err != nil {
		cancel(nil)
		if refused := f.refused(); refused != nil {
			return nil, refused
		}
		return nil, err
	}
	response.Body = &lastRead{response.Body, cancel}
	return response, nil
}

// fencing is a request on its way. Its connection is told by one goroutine of net/http and
// written to by another.
type fencing struct {
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	conn  net.Conn
	http2 bool
	err   error // why it must not be sent
}

// got notes the connection, and reports whether it carries other requests as well.
func (f *fencing) got(conn net.Conn) (shared bool) {
	encrypted, ok := conn.(*tls.Conn)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conn, f.http2 = conn, ok && encrypted.ConnectionState().NegotiatedProtocol == "h2"
	return f.http2
}

func (f *fencing) shared() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.http2
}

// verdict breaks the request off if there is an error. HTTP/2 sends nothing for a context
// that has ended. HTTP/1 would send what it has written all the same: unless its connection
// is gone, which carries no other request.
func (f *fencing) verdict(err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	f.cancel(err)
	if !f.http2 {
		_ = f.conn.Close()
	}
}

func (f *fencing) refused() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// lastRead is a response's body, with which the request's context ends.
type lastRead struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *lastRead) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
