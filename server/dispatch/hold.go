package dispatch

import (
	"context"
	"sync"
	"time"

	"drawbridge/bridge"
)

// hold is a claimed piece of work in its worker's hands: how sure it is that nobody else
// has it. Leases stand in the store by the wall clock; what a worker does by them goes by
// the time that passes here, so that a process that was stopped knows of it when it goes on.
type hold struct {
	ref  string
	pool *pool
	ctx  context.Context // the worker's
	stop context.CancelCauseFunc

	mu   sync.Mutex
	sure time.Time // nobody else can have it before then
	gone bool      // somebody else has it, or may have
}

// take holds a piece of work. Whoever in this process had it before has lost it: it would
// not have been claimed a second time otherwise.
func (p *pool) take(ctx context.Context, w work) *hold {
	h := &hold{ref: w.ref, pool: p, sure: w.since.Add(LeaseFor)}
	h.ctx, h.stop = context.WithCancelCause(ctx)
	p.mu.Lock()
	p.held[h] = true
	p.mu.Unlock()
	p.rivals.take(h)
	return h
}

// drop ends the hold, and frees its slot.
func (p *pool) drop(h *hold) {
	h.stop(nil)
	p.rivals.drop(h)
	p.mu.Lock()
	delete(p.held, h)
	p.mu.Unlock()
	select {
	case p.freed <- struct{}{}:
	default:
	}
}

// still makes sure, before something is done that nobody takes back, that nobody else has
// the work: its lease runs, or it is renewed now. While the store is away it waits, for as
// long as ctx allows. [bridge.ErrFenced] says that somebody else has it.
func (h *hold) still(ctx context.Context) error {
	for {
		switch {
		case h.lost():
			return bridge.ErrFenced
		case h.isSure():
			return nil
		}
		if err := h.pool.renewThese(context.WithoutCancel(ctx), []*hold{h}); err != nil {
			pause(ctx, awayPause)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
}

func (h *hold) isSure() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pool.mono().Before(h.sure)
}

// renewed notes that a renewal that was begun at a time has come about.
func (h *hold) renewed(begun time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sure = begun.Add(LeaseFor)
}

// lose has the worker stop at once.
func (h *hold) lose() {
	h.mu.Lock()
	h.gone = true
	h.mu.Unlock()
	h.stop(bridge.ErrFenced)
}

func (h *hold) lost() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.gone
}

// renew keeps the leases of all that is under way.
func (p *pool) renew(ctx context.Context) {
	ticker := time.NewTicker(RenewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := p.renewThese(ctx, p.holding()); err != nil && ctx.Err() == nil {
			p.log.Error("renewing leases", "kind", p.kind, "err", err)
		}
	}
}

// renewThese renews leases. The workers of those that are lost stop at once; of those that
// could not be renewed, because the store is away, they go on with what changes nothing.
func (p *pool) renewThese(ctx context.Context, holds []*hold) error {
	refs := make([]string, 0, len(holds))
	for _, h := range holds {
		if !h.lost() {
			refs = append(refs, h.ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	begun := p.mono()
	ctx, cancel := context.WithTimeout(ctx, LeaseFor-RenewEvery)
	defer cancel()
	lost, err := p.queue.Renew(ctx, p.kind, refs, LeaseFor)
	if err != nil {
		return err
	}
	gone := make(map[string]bool, len(lost))
	for _, ref := range lost {
		gone[ref] = true
	}
	for _, h := range holds {
		if gone[h.ref] {
			h.lose()
		} else {
			h.renewed(begun)
		}
	}
	return nil
}

func (p *pool) holding() []*hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*hold, 0, len(p.held))
	for h := range p.held {
		all = append(all, h)
	}
	return all
}

// rivals are the holds of all pools of this process.
type rivals struct {
	mu     sync.Mutex
	latest map[rival]*hold
}

type rival struct {
	kind Kind
	ref  string
}

func newRivals() *rivals { return &rivals{latest: map[rival]*hold{}} }

func (r *rivals) take(h *hold) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := rival{h.pool.kind, h.ref}
	if before := r.latest[of]; before != nil {
		before.lose()
	}
	r.latest[of] = h
}

func (r *rivals) drop(h *hold) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if of := (rival{h.pool.kind, h.ref}); r.latest[of] == h {
		delete(r.latest, of)
	}
}
