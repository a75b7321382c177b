package dispatch

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// LeaseFor is how long claimed work stays with its worker without a renewal.
	LeaseFor = 10 * time.Second
	// RenewEvery keeps a lease well ahead of its end.
	RenewEvery = 3 * time.Second
	// faultPause is how long a pool waits after the store failed it.
	faultPause = time.Second
)

// work is one claimed piece: its name in the queue and what is to be done.
type work struct {
	ref string
	do  func(h *hold)
	// since is before it was claimed, by the clock that times are measured with.
	since time.Time
}

// pool carries work of one kind, up to a number of pieces at once. It sleeps until
// the store wakes it, a slot comes free, or the earliest job is due: it never polls,
// but for a look at the clock where that is what the work is about.
type pool struct {
	kind  Kind
	slots int
	queue Queue
	claim func(ctx context.Context, limit int) ([]work, error)
	// next, if set, is when claim will have something, in place of when something is due:
	// what waits for others is due, and cannot be claimed.
	next func(ctx context.Context) (time.Time, bool, error)
	// longest, if set, is how long it sleeps before it looks at the clock again: while the
	// machine is suspended timers stand still, and a wall clock may be set forward.
	longest time.Duration
	log     *slog.Logger
	now     func() time.Time
	// mono is a clock that goes on while the process stands still, and is never set.
	mono   func() time.Time
	rivals *rivals

	mu sync.Mutex
	// held may have a piece of work twice: one whose lease ran out unnoticed is claimed a
	// second time while the first, fenced, is still under way.
	held    map[*hold]bool
	freed   chan struct{}
	workers sync.WaitGroup
	asking  gathering
	// workCtx is that of the work; it may go on after the pool's own has ended.
	workCtx context.Context
}

// with gives the pool the context of its work.
func (p *pool) with(workCtx context.Context) *pool {
	p.workCtx = workCtx
	return p
}

// run works until ctx ends, then waits for what is under way.
func (p *pool) run(ctx context.Context) {
	p.leasing(ctx, func() {
		for ctx.Err() == nil {
			p.fill(ctx)
			p.wait(ctx)
		}
	})
}

// carryOne does one piece of work that was claimed already, and nothing else.
func (p *pool) carryOne(ctx context.Context, w work) {
	p.leasing(ctx, func() { p.start(ctx, w) })
}

// leasing keeps the leases of all that act starts, until it has ended.
func (p *pool) leasing(ctx context.Context, act func()) {
	p.held, p.freed = map[*hold]bool{}, make(chan struct{}, 1)
	renewing, stopRenewing := context.WithCancel(context.WithoutCancel(ctx))
	var renewer sync.WaitGroup
	renewer.Go(func() { p.renew(renewing) })
	act()
	p.workers.Wait()
	stopRenewing()
	renewer.Wait()
}

// fill claims as much as there are free slots and starts it.
func (p *pool) fill(ctx context.Context) {
	free := p.slots - p.busy()
	if free <= 0 {
		return
	}
	begun := p.mono()
	claimed, err := p.claim(ctx, free)
	if err != nil {
		if ctx.Err() == nil {
			p.log.Error("claiming work", "kind", p.kind, "err", err)
			pause(ctx, faultPause)
		}
		return
	}
	for _, w := range claimed {
		w.since = begun
		p.start(p.workCtx, w)
	}
}

func (p *pool) start(ctx context.Context, w work) {
	h := p.take(ctx, w)
	p.workers.Go(func() { p.work(h, w) })
}

func (p *pool) work(h *hold, w work) {
	defer p.end(h)
	w.do(h)
}

// end frees the slot of a piece of work. One that panicked must not take the
// others down: its lease runs out, and it is claimed again.
func (p *pool) end(h *hold) {
	if broke := recover(); broke != nil {
		p.log.Error("panic at work", "kind", p.kind, "ref", h.ref, "panic", broke, "stack", string(debug.Stack()))
	}
	p.drop(h)
}

func (p *pool) busy() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held)
}

// wait sleeps until there may be something to claim and a slot for it.
func (p *pool) wait(ctx context.Context) {
	if p.busy() >= p.slots {
		select {
		case <-p.freed:
		case <-ctx.Done():
		}
		return
	}
	var due <-chan time.Time
	at, ok, err := p.nextDue(ctx)
	switch {
	case err != nil && ctx.Err() == nil:
		p.log.Error("looking for due work", "kind", p.kind, "err", err)
		at, ok = p.now().Add(faultPause), true
	case ok && !at.After(p.now()):
		return
	}
	if ok {
		sleep := at.Sub(p.now())
		if p.longest > 0 {
			sleep = min(sleep, p.longest)
		}
		timer := time.NewTimer(sleep)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-p.queue.Wake(p.kind):
	case <-p.freed: // it may have left its job due again
	case <-due:
	case <-ctx.Done():
	}
}

func (p *pool) nextDue(ctx context.Context) (time.Time, bool, error) {
	if p.next != nil {
		return p.next(ctx)
	}
	return p.queue.NextDue(ctx, p.kind)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
