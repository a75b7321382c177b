package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

// Counter counts requests for all nodes that serve the same callers. What is under way is
// held for a time only, and prolonged: a node that is killed leaves no request behind that
// counts for ever.
type Counter interface {
	// Admit lets a request in, or says why not: one that is refused uses up nothing.
	Admit(ctx context.Context, r Request) (Admission, error)
	// Prolong holds requests until a time.
	Prolong(ctx context.Context, ids []string, until time.Time) error
	// Dismiss takes note that a request is over.
	Dismiss(ctx context.Context, id string) error
}

// Request is one that wants to be let in.
type Request struct {
	ID, Caller string
	Limit      Limit
	At, Until  time.Time // when it comes, and how long it is held at first
}

// Admission is what came of it.
type Admission struct {
	In       bool
	UnderWay int     // of the caller, before
	Left     float64 // of what may come at once; of a request that was not let in for want of it less than one
}

const (
	// heldFor is how long a request counts whose node says nothing more.
	heldFor = 15 * time.Second
	// prolongEvery keeps well ahead of that.
	prolongEvery = 5 * time.Second
	// countTime is how long the counter may take.
	countTime = 2 * time.Second
)

// NewSharedLimits are limits that hold for all nodes together. Keep has to run beside them.
func NewSharedLimits(keyless Limit, now func() time.Time, counter Counter) *Limits {
	l := NewLimits(keyless, now)
	l.counter = counter
	return l
}

// enterShared is Enter for limits that several nodes share.
func (l *Limits) enterShared(ctx context.Context, p Principal) (Standing, func(), error) {
	limit := l.limitOf(p)
	if limit == (Limit{}) {
		return Standing{}, func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	now := l.now()
	r := Request{ID: rand.Text(), Caller: p.String(), Limit: limit, At: now, Until: now.Add(heldFor)}
	admitted, err := l.counter.Admit(ctx, r)
	if err != nil {
		return Standing{}, nil, fmt.Errorf("counting the requests of %s: %w", p, err)
	}
	standing := limit.standing(admitted.Left)
	switch {
	case admitted.In:
		return standing, l.hold(ctx, r.ID), nil
	case limit.Concurrent > 0 && admitted.UnderWay >= limit.Concurrent:
		return standing, nil, limit.tooMany(p, admitted.UnderWay)
	}
	return standing, nil, limit.tooOften(p, time.Duration((1-admitted.Left)*60/float64(limit.PerMinute)*float64(time.Second)))
}

// hold has a request prolonged until it is over.
func (l *Limits) hold(ctx context.Context, id string) (leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[id] = true
	quiet := context.WithoutCancel(ctx)
	return sync.OnceFunc(func() {
		l.mu.Lock()
		delete(l.held, id)
		l.mu.Unlock()
		go func() { // nobody waits for that: else it is forgotten when its time is over
			ctx, cancel := context.WithTimeout(quiet, heldFor)
			defer cancel()
			_ = l.counter.Dismiss(ctx, id)
		}()
	})
}

// Keep prolongs what is under way here, until ctx ends. Limits of one node need none.
func (l *Limits) Keep(ctx context.Context) {
	if l.counter == nil {
		return
	}
	ticker := time.NewTicker(prolongEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if ids := l.holding(); len(ids) > 0 {
			keeping, cancel := context.WithTimeout(ctx, prolongEvery)
			_ = l.counter.Prolong(keeping, ids, l.now().Add(heldFor)) // the next time is soon enough
			cancel()
		}
	}
}

func (l *Limits) holding() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make([]string, 0, len(l.held))
	for id := range l.held {
		ids = append(ids, id)
	}
	return ids
}
