package server

import (
	"io"
	"net/http"
	"time"
)

// boundBody gives the request's body bodyTime to arrive, from its first read on.
// The deadline is lifted with the last byte, so that a slow handler or a stream of
// answers is not cut off by it.
func boundBody(conn *http.ResponseController, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	r.Body = &timedBody{ReadCloser: r.Body, conn: conn, limit: bodyTime}
}

type timedBody struct {
	io.ReadCloser
	conn    *http.ResponseController
	limit   time.Duration
	started bool
}

func (b *timedBody) Read(p []byte) (int, error) {
	if !b.started {
		b.started = true
		_ = b.conn.SetReadDeadline(time.Now().Add(b.limit)) // only not supported by a test's recorder
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}
