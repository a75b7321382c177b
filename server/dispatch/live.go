package dispatch

import (
	"context"
	"sync"
)

// live carries runs that somebody listens to: outside the slots of the pool that
// claims from the store, as many as there are, each leased like any other.
type live struct {
	*pool
	// alone: nobody else in this process takes up runs that were put down.
	alone bool

	begun   chan struct{} // closed when runs are taken
	stopped chan struct{} // closed when they are not any more

	mu     sync.Mutex
	ctx    context.Context // of the runs; set before begun is closed
	closed bool
}

func newLive(p *pool) *live {
	return &live{pool: p, begun: make(chan struct{}), stopped: make(chan struct{})}
}

// run takes runs until ctx ends, which stops them, and returns when all are put down.
func (l *live) run(ctx context.Context) {
	l.leasing(ctx, func() {
		l.ctx = ctx
		close(l.begun)
		<-ctx.Done()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.closed = true
		close(l.stopped)
	})
}

// ready waits until runs are taken; ErrStopping if they are not any more.
func (l *live) ready(ctx context.Context) error {
	select {
	case <-l.begun:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-l.stopped:
		return ErrStopping
	default:
		return nil
	}
}

// take starts work that the caller has claimed; false if it comes too late.
func (l *live) take(w work) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.start(l.ctx, w)
	}
	return !l.closed
}
