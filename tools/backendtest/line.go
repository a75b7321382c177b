package backendtest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Line is the way to a vendor, on which one exchange can be made to go wrong. It is the transport
// of the backend's client.
type Line struct {
	// Base makes the requests.
	Base http.RoundTripper

	mu    sync.Mutex
	at    func(*http.Request) bool
	fault *fault
	met   bool
}

// Answer is what a vendor says when something is wrong.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// fault is what becomes of an exchange.
type fault struct {
	reaches bool    // the vendor gets the request, and does what it says
	answer  *Answer // what comes back; none if nil
	expire  func()  // called when the vendor is done, before nothing comes back
}

// breakAt has the next request that fits go wrong.
func (l *Line) breakAt(at func(*http.Request) bool, f fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at, l.fault, l.met = at, &f, false
}

// wasMet says whether the request has come.
func (l *Line) wasMet() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.met
}

func (l *Line) take(r *http.Request) *fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault == nil || !l.at(r) {
		return nil
	}
	f := l.fault
	l.fault, l.met = nil, true
	return f
}

// RoundTrip makes an exchange, or breaks it.
func (l *Line) RoundTrip(r *http.Request) (*http.Response, error) {
	f := l.take(r)
	if f == nil {
		return l.Base.RoundTrip(r)
	}
	if f.reaches {
		// The vendor is heard to its end, or the effect might not have taken place yet.
		response, err := l.Base.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(io.Discard, response.Body)
		if closed := response.Body.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, err
		}
	} else if r.Body != nil {
		_ = r.Body.Close()
	}
	if f.answer == nil {
		f.expire()
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	}
	header := f.answer.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	return &http.Response{
		Status: http.StatusText(f.answer.Status), StatusCode: f.answer.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(f.answer.Body)), ContentLength: int64(len(f.answer.Body)), Request: r,
	}, nil
}

// deadline is a context whose time is over when it is told so. No time passes.
type deadline struct {
	context.Context
	once sync.Once
	over chan struct{}
}

func newDeadline(ctx context.Context) *deadline {
	return &deadline{Context: ctx, over: make(chan struct{})}
}

func (d *deadline) expire() { d.once.Do(func() { close(d.over) }) }

// Done is closed when the time is over.
func (d *deadline) Done() <-chan struct{} { return d.over }

// Err is as that of a context whose deadline has passed.
func (d *deadline) Err() error {
	select {
	case <-d.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
