package mcpserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// requestReader is the input as mcp-go gets to see it: whole lines of bounded
// length, without blank ones, and an end that comes only when every request is
// answered, the grace period is over, or nobody reads the answers.
type requestReader struct {
	ctx     context.Context
	limit   int
	grace   time.Duration
	answers *answerWriter
	open    *unanswered
	tooLong *oversize
	ends    func() // told before mcp-go learns of the end: it cancels what is under way then

	lines   chan []byte
	failed  error // of the input, once lines is closed
	stopped chan struct{}
	rest    []byte // of the line that is being read
}

func newRequestReader(ctx context.Context, in io.Reader, o Options, answers *answerWriter, open *unanswered, tooLong *oversize) *requestReader {
	r := &requestReader{
		ctx: ctx, limit: int(o.BodyLimit), grace: o.Grace, answers: answers, open: open, tooLong: tooLong,
		lines: make(chan []byte), stopped: make(chan struct{}),
	}
	go r.split(bufio.NewReader(in))
	return r
}

// stop lets go of the input.
func (r *requestReader) stop() { close(r.stopped) }

// split cuts the input into lines until it ends. The last line need not have a
// line break: mcp-go would drop it.
func (r *requestReader) split(in *bufio.Reader) {
	defer close(r.lines)
	for {
		line, tooLong, err := readLine(in, r.limit)
		line = bytes.TrimSpace(line)
		switch {
		case tooLong:
			r.tooLong.warn(r.ctx)
			r.answers.refuse(fmt.Sprintf("the message has more than %d bytes", r.limit))
		case len(line) > 0:
			select {
			case r.lines <- append(line, '\n'):
			case <-r.stopped:
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				r.failed = err
			}
			return
		}
	}
}

// readLine reads a line and keeps no more than limit bytes of it.
func readLine(in *bufio.Reader, limit int) (line []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if tooLong = tooLong || len(line)+len(bytes.TrimRight(part, "\r\n")) > limit; tooLong {
			line = nil
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// Read gives the next line, in parts if p is small.
func (r *requestReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		line, err := r.next()
		if err != nil {
			r.ends()
			return 0, err
		}
		r.open.asked(line)
		r.rest = line
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *requestReader) next() ([]byte, error) {
	select {
	case <-r.ctx.Done():
		r.open.wait(r.grace)
		return nil, io.EOF
	case <-r.answers.broken:
		return nil, io.EOF // there is nobody to wait for
	case line, more := <-r.lines:
		if more {
			return line, nil
		}
		r.open.wait(r.grace)
		if r.failed != nil {
			return nil, r.failed
		}
		return nil, io.EOF
	}
}

// answerWriter writes whole lines. mcp-go hands over one message a Write.
type answerWriter struct {
	mu   sync.Mutex
	out  io.Writer
	open *unanswered
	wire *wire

	failed error         // of the first line that could not be written
	broken chan struct{} // closed then
}

// Write never fails: mcp-go would go on all the same, and log each answer that cannot be
// written. Behind the first of these nothing is written, and the input ends.
func (w *answerWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open.answered(line) {
		return len(line), nil
	}
	if w.failed == nil {
		if _, w.failed = w.out.Write(line); w.failed != nil {
			close(w.broken)
		}
	}
	w.wire.saw(line)
	return len(line), nil
}

// lost is why answers could not be written, nil if all were.
func (w *answerWriter) lost() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// refuse answers a line that no request could be read from.
func (w *answerWriter) refuse(message string) {
	line, err := json.Marshal(mcp.NewJSONRPCError(mcp.NewRequestId(nil), mcp.PARSE_ERROR, message, nil))
	if err == nil {
		_, _ = w.Write(append(line, '\n'))
	}
}

// unanswered are the requests that were read and not answered yet.
type unanswered struct {
	mu   sync.Mutex
	ids  map[any]bool  // true: the client does not want the answer any more
	idle chan struct{} // closed when ids becomes empty, if somebody waits
}

func newUnanswered() *unanswered { return &unanswered{ids: map[any]bool{}} }

// message is what tells requests and answers apart (JSON-RPC 2.0, sections 4, 5).
type message struct {
	ID     any             `json:"id"`
	Method mcp.MCPMethod   `json:"method"`
	Params json.RawMessage `json:"params"`
}

// cancels gives the id of the request that the message cancels, nil for none.
func (m message) cancels() any {
	var p struct {
		RequestID any `json:"requestId"`
	}
	if m.ID != nil || m.Method != mcp.MethodNotificationCancelled || json.Unmarshal(m.Params, &p) != nil || !isID(p.RequestID) {
		return nil
	}
	return p.RequestID
}

// isID: only such ids count that the protocol knows.
func isID(id any) bool {
	switch id.(type) {
	case string, float64:
		return true
	}
	return false
}

func (u *unanswered) asked(line []byte) {
	var m message
	if json.Unmarshal(line, &m) != nil {
		return
	}
	cancelled := m.cancels()
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case cancelled != nil:
		// Whoever cancels gets no answer (MCP 2025-11-25, cancellation), and does not expect
		// one: some clients take it for a fault of ours.
		if _, open := u.ids[cancelled]; open {
			u.ids[cancelled] = true
		}
	case m.Method == "" || !isID(m.ID):
	case m.Method == mcp.MethodSubscriptionsListen: // it is answered when it ends: nothing to wait for
	default:
		u.ids[m.ID] = false
	}
}

// answered reports whether the line is an answer that the client does not want.
func (u *unanswered) answered(line []byte) (unwanted bool) {
	var m message
	if json.Unmarshal(line, &m) != nil || !isID(m.ID) || m.Method != "" {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	unwanted = u.ids[m.ID]
	delete(u.ids, m.ID)
	if len(u.ids) == 0 && u.idle != nil {
		close(u.idle)
		u.idle = nil
	}
	return unwanted
}

// wait returns when everything is answered, or after the grace period.
func (u *unanswered) wait(grace time.Duration) {
	u.mu.Lock()
	if len(u.ids) == 0 {
		u.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	u.idle = idle
	u.mu.Unlock()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
}
