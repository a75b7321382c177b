package guard

import (
	"context"
	"sync"

	"drawbridge/tools"
)

// drain refuses calls once the process is on its way out, so that those under way
// can be waited for. The refusal is audited like any other.
type drain struct {
	calls *inflight
}

func (s drain) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		if s.calls.isDraining() {
			return a.refuse("drain", "shutting down", tools.Errorf(tools.Unavailable,
				"the server is shutting down; the call was not made. Try again in a moment."))
		}
		return next(ctx, a)
	}
}

// inflight counts the calls under way, audit included.
type inflight struct {
	mu       sync.Mutex
	calls    int
	draining bool
	idle     chan struct{} // closed when draining and no call is left
}

func newInflight() *inflight { return &inflight{idle: make(chan struct{})} }

func (f *inflight) enter() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
}

func (f *inflight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls--
	f.closeIfIdle()
}

func (f *inflight) isDraining() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.draining
}

func (f *inflight) drain(ctx context.Context) error {
	f.mu.Lock()
	f.draining = true
	f.closeIfIdle()
	f.mu.Unlock()
	select {
	case <-f.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closeIfIdle is called with mu held. Once idle is closed it stays so: calls that
// come later are refused and change nothing.
func (f *inflight) closeIfIdle() {
	if !f.draining || f.calls > 0 {
		return
	}
	select {
	case <-f.idle:
	default:
		close(f.idle)
	}
}
