package guardtest

import (
	"context"
	"sync"

	"drawbridge/server/guard"
)

// Totals is a memory of calls that lasts as long as the process.
type Totals struct {
	mu    sync.Mutex
	last  int64
	calls map[string]noted
	made  map[string]map[string]int
	err   error
}

type noted struct {
	guard.Effected
	place int64
}

// NewTotals gives an empty one.
func NewTotals() *Totals {
	return &Totals{calls: map[string]noted{}, made: map[string]map[string]int{}}
}

// Break has everything fail with err; nil mends it.
func (t *Totals) Break(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

// SetMade says what a run has called so far.
func (t *Totals) SetMade(run string, made map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made[run] = made
}

// Reserve notes a call.
func (t *Totals) Reserve(_ context.Context, e guard.Effected) (place int64, known bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	call, known := t.calls[e.ID]
	if !known {
		t.last++
		call = noted{e, t.last}
	}
	call.Measure = e.Measure
	t.calls[e.ID] = call
	return call.place, known, t.err
}

// TakeBack takes a call back.
func (t *Totals) TakeBack(_ context.Context, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		delete(t.calls, id)
	}
	return t.err
}

// Sum adds up what fits.
func (t *Totals) Sum(_ context.Context, q guard.Tally) (guard.Sum, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var sum guard.Sum
	fits := func(want, have string) bool { return want == "" || want == have }
	for _, c := range t.calls {
		if c.At.Before(q.Since) || q.Before > 0 && c.place >= q.Before || !fits(q.Principal, c.Principal) || !fits(q.Tool, c.Tool) ||
			!fits(string(q.Effect), string(c.Effect)) || !fits(q.Currency, c.Currency) {
			continue
		}
		sum.Calls, sum.Minor, sum.Recipients = sum.Calls+1, sum.Minor+c.Minor, sum.Recipients+c.Recipients
	}
	return sum, t.err
}

// Made is what SetMade said.
func (t *Totals) Made(_ context.Context, run string) (map[string]int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.made[run], t.err
}
