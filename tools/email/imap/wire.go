package imap

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
)

// meter is a connection on which so many bytes may come. It also leaves deadlines to
// whoever asks: the client of the protocol sets such as it likes.
type meter struct {
	net.Conn
	left atomic.Int64
	// failed is why nothing could be read or written any more: the client of the protocol
	// keeps its words alone.
	failed atomic.Pointer[error]
}

var errTooMuch = errors.New("the server sends more than any answer to this has")

func (m *meter) Read(p []byte) (int, error) {
	left := m.left.Load()
	if left <= 0 {
		return 0, errTooMuch
	}
	n, err := m.Conn.Read(p[:min(int64(len(p)), left)])
	m.left.Add(int64(-n))
	if err != nil {
		m.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	if err != nil {
		m.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}

// teller is a connection that tells of its end to whoever reads from it, and to nobody who
// writes. The client of the protocol ends all that waits as soon as either is told: its
// writer does so while its reader still hands an answer over to what it ends, on a channel
// that is closed then.
type teller struct {
	net.Conn
	meter *meter
	// ended is set once the client closes the connection. What it begins from then on ends
	// only where the writer is told.
	ended atomic.Bool
}

func (t *teller) Write(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	if err == nil || t.ended.Load() {
		return n, err
	}
	t.meter.failed.CompareAndSwap(nil, &err)
	_ = t.meter.Conn.Close()
	return len(p), nil
}

func (t *teller) Close() error {
	t.ended.Store(true)
	return t.Conn.Close()
}

func (m *meter) SetDeadline(time.Time) error      { return nil }
func (m *meter) SetReadDeadline(time.Time) error  { return nil }
func (m *meter) SetWriteDeadline(time.Time) error { return nil }

// bound gives an exchange its time and its bytes, and ends the connection with ctx. The
// func it returns says that the exchange is over; false: it was cut short.
func (m *meter) bound(ctx context.Context, longest time.Duration, most int64) (over func() bool) {
	m.left.Store(most)
	_ = m.Conn.SetDeadline(time.Now().Add(longest))
	stop := context.AfterFunc(ctx, func() { _ = m.Conn.Close() })
	return func() bool {
		done := stop()
		if done {
			_ = m.Conn.SetDeadline(time.Time{})
		}
		return done
	}
}

// grace is how long an exchange has to end once its connection is closed.
const grace = 5 * time.Second

var errStuck = errors.New("the server's answers came in an order that nobody can follow")

// await has an exchange end in bounded time. The client of the protocol ends all that waits
// when the connection does; but where an answer comes before its question was put in full,
// it has been seen to wait for ever. Such an exchange is left to itself, and what it gives
// is not looked at.
func (m *meter) await(ctx context.Context, longest time.Duration, exchange func() error) error {
	done := make(chan error, 1)
	go func() { done <- exchange() }()
	timer := time.NewTimer(longest + grace)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
	case <-ctx.Done():
		timer.Reset(grace)
		select {
		case err := <-done:
			return err
		case <-timer.C:
		}
	}
	_ = m.Conn.Close()
	return errStuck
}

// errMalformed: what came is no answer of the protocol.
var errMalformed = errors.New("the server's answer is not as the protocol has it")

// why is the cause of an exchange's failure, where that is not what the server said.
func (m *meter) why(err error) error {
	failed := m.failed.Load()
	switch {
	case err == nil, errors.As(err, new(*imap.Error)), errors.Is(err, errStuck), errors.Is(err, errNoValidity):
		return err
	case m.left.Load() <= 0:
		return errTooMuch
	case failed != nil:
		return *failed
	}
	return errMalformed
}
