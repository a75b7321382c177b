package guard

import (
	"context"
	"sync"
	"time"
)

// patience is a timeout that can be paused, by several at once.
type patience struct {
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	left   time.Duration
	since  time.Time // when the timer was last started
	timer  *time.Timer
	pauses int
}

// newPatience gives a context that ends with context.DeadlineExceeded as its cause,
// once limit has passed outside of pauses.
func newPatience(ctx context.Context, limit time.Duration) (context.Context, *patience) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &patience{cancel: cancel, left: limit, since: time.Now()}
	p.timer = time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) })
	return ctx, p
}

func (p *patience) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pauses++
	if p.timer.Stop() { // not if it is stopped already, or its time was up
		p.left -= time.Since(p.since)
	}
}

func (p *patience) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pauses--; p.pauses == 0 {
		p.since = time.Now()
		p.timer.Reset(max(p.left, 0)) // if the time was up before the pause, it stays so
	}
}

// end frees the timer and ends the context.
func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
	p.cancel(context.Canceled)
}
