package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
)

// JobEngine calls workers when there may be work: where there is one, no pool looks for
// what is due by itself. Several nodes may have one each, over the same work.
type JobEngine interface {
	// Work calls each kind's worker, on this node or on another, at least once for each
	// piece of work of the kind that is due, and as many at once as it has slots. It returns
	// when ctx has ended and all calls have returned, and is called once.
	Work(ctx context.Context, workers map[Kind]Worker, log *slog.Logger)
}

// Worker is who does the work of a kind.
type Worker struct {
	Slots int
	// Do claims a piece of work that is due, whichever it is, and returns when it has been
	// carried. That there is none is no error. [ErrStopping] says that nothing was looked for.
	Do func() error
}

// workCalled has the pools carry what the job engine calls them for, until ctx ends.
func (d *Dispatcher) workCalled(ctx context.Context, pools []*pool) {
	workers := map[Kind]Worker{}
	act := func() { d.o.Jobs.Work(ctx, workers, d.o.Log) }
	for _, p := range pools {
		workers[p.kind] = Worker{Slots: p.slots, Do: func() error { return p.called(ctx) }}
		leased := act
		act = func() { p.leasing(ctx, leased) }
	}
	act()
}

// called carries one piece of work. Where work may be due that cannot be claimed, it goes
// on with what has become possible meanwhile: whoever was called for that found nothing.
func (p *pool) called(ctx context.Context) error {
	for carried := false; ; carried = true {
		if ctx.Err() != nil {
			if carried {
				return nil
			}
			return ErrStopping
		}
		w, err := p.claimOne(context.WithoutCancel(ctx))
		if w == nil || err != nil {
			return err
		}
		p.work(p.take(p.workCtx, *w), *w)
		if p.next == nil {
			return nil
		}
	}
}

// gathering is who waits for a claim. Claims of several workers are one transaction.
type gathering struct {
	mu       sync.Mutex
	waiting  []chan<- offered
	claiming bool
}

// offered is what came of a claim for one worker: nothing, if none was due.
type offered struct {
	work *work
	err  error
}

// claimOne claims one piece of work, together with whoever else wants one now.
func (p *pool) claimOne(ctx context.Context) (*work, error) {
	answer := make(chan offered, 1)
	p.asking.mu.Lock()
	p.asking.waiting = append(p.asking.waiting, answer)
	claiming := p.asking.claiming
	p.asking.claiming = true
	p.asking.mu.Unlock()
	if !claiming {
		go p.claimForAll(ctx)
	}
	got := <-answer
	return got.work, got.err
}

// claimForAll claims until nobody waits for it.
func (p *pool) claimForAll(ctx context.Context) {
	for {
		p.asking.mu.Lock()
		waiting := p.asking.waiting
		p.asking.waiting, p.asking.claiming = nil, len(waiting) > 0
		p.asking.mu.Unlock()
		if len(waiting) == 0 {
			return
		}
		begun := p.mono()
		claimed, err := p.claim(ctx, len(waiting))
		if err != nil && !errors.Is(err, ErrAway) {
			p.log.Error("claiming work", "kind", p.kind, "err", err)
		}
		for i, answer := range waiting {
			got := offered{err: err}
			if i < len(claimed) {
				claimed[i].since = begun
				got = offered{work: &claimed[i]}
			}
			answer <- got
		}
	}
}
