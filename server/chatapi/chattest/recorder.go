package chattest

import (
	"bytes"
	"net/http"
	"sync"
	"time"
)

// Recorder is a client that notes when each byte came. It is for one request.
type Recorder struct {
	mu      sync.Mutex
	header  http.Header
	status  int
	pending bytes.Buffer // written, and not flushed
	body    bytes.Buffer
	last    time.Time // when the last byte came, at first: when the request went out
	gap     time.Duration
	flushes int
	gone    bool
}

// NewRecorder begins to count the time.
func NewRecorder() *Recorder { return &Recorder{header: http.Header{}, last: time.Now()} }

// Header, WriteHeader, Write, Flush and SetWriteDeadline are a http.ResponseWriter's.
func (r *Recorder) Header() http.Header { return r.header }

// WriteHeader keeps the first status.
func (r *Recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *Recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.WriteHeader(http.StatusOK)
	if r.gone {
		return 0, http.ErrHandlerTimeout
	}
	return r.pending.Write(p)
}

// FlushError passes on what was written.
func (r *Recorder) FlushError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flushes++
	r.gap, r.last = max(r.gap, time.Since(r.last)), time.Now()
	_, _ = r.pending.WriteTo(&r.body)
	return nil
}

// Flush is FlushError for those who do not ask.
func (r *Recorder) Flush() { _ = r.FlushError() }

// SetWriteDeadline does nothing: the recorder is always quick.
func (r *Recorder) SetWriteDeadline(time.Time) error { return nil }

// Leave makes every write fail from now on.
func (r *Recorder) Leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = true
}

// Status is that of the answer, 0 as long as there is none.
func (r *Recorder) Status() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Body is what has come, with what was written and not flushed if the request is over.
func (r *Recorder) Body(over bool) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if over {
		return r.body.String() + r.pending.String()
	}
	return r.body.String()
}

// Gap is the longest time without a byte.
func (r *Recorder) Gap() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gap
}

// Flushes counts how often something was passed on.
func (r *Recorder) Flushes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flushes
}
