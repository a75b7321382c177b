package openaitest

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"
)

// wire is what happens to a reply on its way.
type wire struct {
	crlf, comments, noDone bool
	garbage                *int
	cutBytes, cutEvents    *int
	endEvents              *int
	holds                  []hold
	after, every           time.Duration
}

type hold struct {
	before int
	gate   *Gate
}

// event is one of a stream; the chat API's have no name.
type event struct {
	name string
	data []byte
}

// sender writes one response.
type sender struct {
	w       http.ResponseWriter
	r       *http.Request
	closing <-chan struct{}
	wire    wire
	written int
}

// begin waits as long as the reply asks, and reports whether the client did too.
func (s *sender) begin() bool { return s.pause(s.wire.after) && s.hold(0) }

func (s *sender) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.r.Context().Done():
	case <-s.closing:
	}
	return false
}

func (s *sender) hold(before int) bool {
	for _, h := range s.wire.holds {
		if h.before != before {
			continue
		}
		h.gate.reach()
		select {
		case <-h.gate.open:
		case <-s.r.Context().Done():
			return false
		case <-s.closing:
			return false
		}
	}
	return true
}

// body sends a body that is no stream.
func (s *sender) body(status int, contentType string, body []byte) {
	s.w.Header().Set("Content-Type", contentType)
	s.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	s.w.WriteHeader(status)
	s.write(body)
}

// stream sends events, and the end of a chat stream if done.
func (s *sender) stream(events []event, done bool) {
	s.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	s.w.WriteHeader(http.StatusOK)
	s.flush()
	for i, e := range events {
		switch {
		case i > 0 && !(s.pause(s.wire.every) && s.hold(i)):
			return
		case is(s.wire.cutEvents, i):
			s.cut()
		case is(s.wire.endEvents, i):
			return
		case is(s.wire.garbage, i):
			s.lines("data: {\"choices\": [ oops")
		}
		s.event(e)
	}
	if is(s.wire.cutEvents, len(events)) {
		s.cut()
	}
	if done && !s.wire.noDone && s.wire.endEvents == nil && s.hold(len(events)) {
		s.lines("data: [DONE]")
	}
}

func is(n *int, i int) bool { return n != nil && *n == i }

func (s *sender) event(e event) {
	if s.wire.comments {
		s.lines(": the model is thinking")
	}
	data := "data: " + string(e.data)
	if e.name != "" {
		s.lines("event: "+e.name, data)
		return
	}
	s.lines(data)
}

// lines writes them with an empty line behind.
func (s *sender) lines(lines ...string) {
	end := "\n"
	if s.wire.crlf {
		end = "\r\n"
	}
	var b bytes.Buffer
	for _, line := range append(lines, "") {
		b.WriteString(line + end)
	}
	s.write(b.Bytes())
	s.flush()
}

// write breaks the connection where it is to break.
func (s *sender) write(p []byte) {
	if s.wire.cutBytes != nil && s.written+len(p) > *s.wire.cutBytes {
		s.w.Write(p[:*s.wire.cutBytes-s.written])
		s.cut()
	}
	n, err := s.w.Write(p)
	s.written += n
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// flush hands on what was written; a client that is gone is write's to find.
func (s *sender) flush() { _ = http.NewResponseController(s.w).Flush() }

// cut ends the connection without ending the body.
func (s *sender) cut() {
	s.flush()
	panic(http.ErrAbortHandler)
}

// readAll is the request's body, within bounds.
func readAll(r *http.Request) ([]byte, error) {
	const most = 64 << 20
	return io.ReadAll(http.MaxBytesReader(nil, r.Body, most))
}
