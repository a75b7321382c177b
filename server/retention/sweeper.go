package retention

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const (
	// StepRows is how many rows one step removes at most, those that go with them
	// included (a callback's attempts, a request's key).
	StepRows = 64
	// StepBytes is how much of bodies, journals and the like one step removes, unless a
	// single row is larger.
	StepBytes = 1 << 20
)

// Step is what one step came to.
type Step struct {
	Rows, Bytes int // removed or emptied
	// Next is where the next step goes on, "" if this was the last.
	Next string
}

// Store removes what it is told to, in steps.
type Store interface {
	// NthNewest is when the n-th newest of a kind came, or ended; false if there are
	// fewer.
	NthNewest(ctx context.Context, kind Kind, n int) (time.Time, bool, error)
	// OldestOpen is when the oldest run was made that may go on: one that has not ended,
	// or is a dead letter. False if there is none.
	OldestOpen(ctx context.Context) (time.Time, bool, error)
	// Sweep makes one step over a kind, from where the step before it ended.
	Sweep(ctx context.Context, kind Kind, due Due, from string) (Step, error)
}

// Options have working zero values.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// Every is how long it rests between two passes, 15 minutes if zero; First is before
	// the first one, a minute if zero.
	Every, First time.Duration
	// Pause is between two steps, 10 milliseconds if zero.
	Pause time.Duration
}

// Sweeper makes passes over a store. Make it with New, let it Run.
type Sweeper struct {
	store  Store
	policy Policy
	o      Options
}

// New makes a sweeper.
func New(store Store, policy Policy, o Options) *Sweeper {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Every == 0 {
		o.Every = 15 * time.Minute
	}
	if o.First == 0 {
		o.First = time.Minute
	}
	if o.Pause == 0 {
		o.Pause = 10 * time.Millisecond
	}
	return &Sweeper{store: store, policy: policy, o: o}
}

// Run makes passes until ctx ends. One that fails is tried again at its time.
func (s *Sweeper) Run(ctx context.Context) {
	for rest := s.o.First; pause(ctx, rest); rest = s.o.Every {
		if err := s.Pass(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.Error("removing what is kept no longer", "err", err)
		}
	}
}

// Pass removes all that is due now.
func (s *Sweeper) Pass(ctx context.Context) error {
	for _, kind := range Kinds {
		removed, err := s.sweep(ctx, kind)
		if removed > 0 {
			s.o.Log.Info("removed what is kept no longer", "kind", kind, "rows", removed)
		}
		if err != nil {
			return fmt.Errorf("sweeping %s: %w", kind, err)
		}
	}
	return nil
}

// sweep removes what is due of a kind.
func (s *Sweeper) sweep(ctx context.Context, kind Kind) (removed int, err error) {
	due, err := s.due(ctx, kind)
	if err != nil {
		return 0, err
	}
	for from := ""; ; {
		step, err := s.store.Sweep(ctx, kind, due, from)
		if err != nil {
			return removed, err
		}
		removed += step.Rows
		if from = step.Next; from == "" {
			return removed, nil
		}
		if step.Rows > 0 && !pause(ctx, s.o.Pause) || ctx.Err() != nil {
			return removed, ctx.Err()
		}
	}
}

// due is what is to go by age, by count, and by who may need it still.
func (s *Sweeper) due(ctx context.Context, kind Kind) (Due, error) {
	due := s.policy.due(kind, s.o.Now())
	if count := s.policy.bound(kind).Count; count > 0 {
		at, full, err := s.store.NthNewest(ctx, kind, count)
		if err != nil {
			return due, err
		}
		if full && at.After(due.Before) {
			due.Before = at
		}
	}
	if kind == Calls || kind == Effects || kind == Approvals {
		// A run that goes on may make a call again that it had begun.
		open, any, err := s.store.OldestOpen(ctx)
		if err != nil {
			return due, err
		}
		if any && open.Before(due.Before) {
			due.Before = open
		}
	}
	return due, nil
}

// pause waits, and reports whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
