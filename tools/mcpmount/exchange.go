package mcpmount

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"sync/atomic"
	"time"

	"drawbridge/tools"
)

// exchange is a request of ours that has not been answered.
type exchange struct {
	answer   chan message
	progress chan tools.Progress
	caller   context.Context // of a tool call: whom to ask and to tell; else nil
	asking   atomic.Int32    // questions that a person has before them
	asked    atomic.Bool     // a person was asked since the clock was last wound
}

// request is something asked of the server.
type request struct {
	method  string
	params  object
	meta    object
	caller  context.Context // of a tool call; see exchange
	timeout time.Duration   // without the time that a person is asked; 0: only the context's
	tool    *listed         // that a call is for
}

// sending is a message that is being handed to the wire.
type sending struct {
	stop context.CancelFunc
	done chan struct{}
	err  error // once done
}

// withdrawGrace is how long a wire may take to say whether it has sent a message
// that is wanted no longer. It normally says so at once.
const withdrawGrace = time.Second

// withdraw stops the sending and reports whether the server cannot have seen it.
func (s *sending) withdraw() bool {
	s.stop()
	select {
	case <-s.done:
		return errors.Is(s.err, errUnsent)
	case <-time.After(withdrawGrace):
		return false
	}
}

// verdict is why there is no answer. If the server turned this very request away,
// that is it. Why the connection ended says nothing of the request: it may have been
// about another one, while this one was being worked on.
func (s *sending) verdict(cause error) error {
	select {
	case <-s.done:
		var status *statusError
		if errors.As(s.err, &status) || errors.Is(s.err, errSessionGone) {
			return s.err
		}
	default:
	}
	return cause
}

// brokenError is the end of the connection under a request. It does not unwrap: its
// cause is not the server's word on this request.
type brokenError struct{ cause error }

func (e *brokenError) Error() string { return e.cause.Error() }

// lostError is a request without an answer.
type lostError struct {
	cause  error
	unsent bool // the server cannot have seen it
}

func (e *lostError) Error() string { return e.cause.Error() }
func (e *lostError) Unwrap() error { return e.cause }

var errTimeout = errors.New("no answer in time")

// ask sends a request and waits for its result. The error is an *rpcError if the
// server answered with one, else a *lostError.
func (c *conn) ask(ctx context.Context, r request) (json.RawMessage, error) {
	id, x := c.expect(r)
	defer c.forget(id)
	p, err := c.parcel(id, r)
	if err != nil {
		return nil, &lostError{cause: err, unsent: true}
	}
	sendCtx, stop := context.WithCancel(ctx)
	defer stop()
	s := &sending{stop: stop, done: make(chan struct{})}
	if !c.begin(func() { defer close(s.done); s.err = c.wire.send(sendCtx, p) }) {
		return nil, &lostError{cause: c.why(), unsent: true}
	}
	answer, err := c.await(ctx, r, x, s)
	if err != nil {
		lost := &lostError{unsent: s.withdraw()}
		lost.cause = s.verdict(err)
		if !lost.unsent && (ctx.Err() != nil || errors.Is(err, errTimeout)) {
			c.tellCancelled(id, r.method)
		}
		return nil, lost
	}
	if answer.Error != nil {
		return nil, answer.Error
	}
	return answer.Result, nil
}

// await waits for the answer and passes progress on meanwhile. The clock does not
// run out while a person is asked.
func (c *conn) await(ctx context.Context, r request, x *exchange, s *sending) (message, error) {
	var clock <-chan time.Time
	if r.timeout > 0 {
		timer := time.NewTicker(r.timeout)
		defer timer.Stop()
		clock = timer.C
	}
	sent := s.done
	for {
		select {
		case answer := <-x.answer:
			x.tellRest()
			return answer, nil
		case p := <-x.progress:
			tools.ReportProgress(x.caller, p)
		case <-sent:
			if s.err != nil {
				return x.lastChance(s.err)
			}
			sent = nil
		case <-c.ctx.Done():
			return x.lastChance(&brokenError{c.why()})
		case <-ctx.Done():
			return message{}, ctx.Err()
		case <-clock:
			if x.asking.Load() == 0 && !x.asked.Swap(false) {
				return message{}, errTimeout
			}
		}
	}
}

// lastChance takes an answer that came just before the connection went.
func (x *exchange) lastChance(lost error) (message, error) {
	select {
	case answer := <-x.answer:
		x.tellRest()
		return answer, nil
	default:
		return message{}, lost
	}
}

// tellRest reports what was said before the answer.
func (x *exchange) tellRest() {
	for {
		select {
		case p := <-x.progress:
			tools.ReportProgress(x.caller, p)
		default:
			return
		}
	}
}

func (c *conn) expect(r request) (int64, *exchange) {
	x := &exchange{
		answer:   make(chan message, 1),
		progress: make(chan tools.Progress, maxProgress),
		caller:   r.caller,
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	c.open[c.last] = x
	return c.last, x
}

func (c *conn) forget(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, id)
}

// tellCancelled says that we do not wait any longer, in the background and briefly.
// The handshake is never cancelled (MCP 2025-11-25, cancellation).
func (c *conn) tellCancelled(id int64, method string) {
	if method == methodInitialize {
		return
	}
	c.begin(func() {
		ctx, cancel := context.WithTimeout(c.ctx, c.time.cancelGrace)
		defer cancel()
		_ = c.notify(ctx, methodCancelled, object{"requestId": id, "reason": "the caller does not wait any longer"})
	})
}

// notify sends a notification.
func (c *conn) notify(ctx context.Context, method string, params object) error {
	p, err := c.parcel(0, request{method: method, params: params})
	if err != nil {
		return err
	}
	return c.wire.send(ctx, p)
}

// parcel makes a message of a request, and a notification of one without id. A call
// asks for reports on its progress under its own id.
func (c *conn) parcel(id int64, r request) (parcel, error) {
	out := outgoing{Method: r.method}
	if id != 0 {
		out.ID = strconv.AppendInt(nil, id, 10)
	}
	meta := c.protocolMeta()
	maps.Copy(meta, r.meta)
	if r.caller != nil {
		meta["progressToken"] = id
	}
	params := object{}
	maps.Copy(params, r.params)
	if len(meta) > 0 {
		params["_meta"] = meta
	}
	if len(params) > 0 {
		var err error
		if out.Params, err = params.raw(); err != nil {
			return parcel{}, err
		}
	}
	text, err := out.encode()
	return parcel{id: id, method: r.method, text: text, header: c.header(r, out.Params)}, err
}
