// Package guardtest has a ledger in memory for the tests of whoever uses a guard,
// and the conformance suite that every ledger must pass.
package guardtest

import (
	"context"
	"slices"
	"sync"

	"drawbridge/server/guard"
)

// Ledger is a [guard.Ledger] in memory. It forgets everything with the process:
// for tests only.
type Ledger struct {
	mu    sync.Mutex
	calls map[callKey]guard.Prior
	rows  []guard.Row
	added chan struct{} // closed with the next row; nil if nobody waits for it
	fault error
	// unused is told of approvals that are given back; nil if there are none.
	unused func(id string)
}

type callKey struct{ principal, key string }

var _ guard.Ledger = (*Ledger)(nil)

// NewLedger makes an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{calls: map[callKey]guard.Prior{}}
}

// Claim notes the intended call unless its key is known.
func (l *Ledger) Claim(ctx context.Context, c guard.Claim) (guard.Prior, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	prior, err := l.lookup(ctx, c.Principal, c.Key)
	if err == nil && (prior.State == guard.Fresh || c.Outdates(prior)) {
		prior = guard.Prior{State: guard.Fresh, At: c.At}
		l.calls[callKey{c.Principal, c.Key}] = guard.Prior{State: guard.Started, Tool: c.Tool, Digest: c.Digest, At: c.At}
	}
	return prior, err
}

// Lookup gives what is known of a key.
func (l *Ledger) Lookup(ctx context.Context, principal, key string) (guard.Prior, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lookup(ctx, principal, key)
}

func (l *Ledger) lookup(ctx context.Context, principal, key string) (guard.Prior, error) {
	if l.fault != nil {
		return guard.Prior{}, l.fault
	}
	if err := ctx.Err(); err != nil {
		return guard.Prior{}, err
	}
	if prior, ok := l.calls[callKey{principal, key}]; ok {
		return prior, nil
	}
	return guard.Prior{State: guard.Fresh}, nil
}

// Record appends the row and settles the call.
func (l *Ledger) Record(ctx context.Context, row guard.Row, settled *guard.Settlement) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != nil {
		return l.fault
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	l.rows = append(l.rows, row)
	if l.added != nil {
		close(l.added)
		l.added = nil
	}
	if settled != nil && settled.Unused != "" && l.unused != nil {
		l.unused(settled.Unused)
	}
	if settled != nil && settled.Key != "" {
		l.settle(*settled)
	}
	return nil
}

func (l *Ledger) settle(s guard.Settlement) {
	key := callKey{s.Principal, s.Key}
	prior, known := l.calls[key]
	switch {
	case prior.State == guard.Settled: // the first result stays
	case len(s.Result) == 0:
		delete(l.calls, key)
	case known:
		prior.State, prior.Result, prior.At = guard.Settled, slices.Clone(s.Result), s.At
		l.calls[key] = prior
	default:
		l.calls[key] = guard.Prior{State: guard.Settled, Tool: s.Tool, Digest: s.Digest, Result: slices.Clone(s.Result), At: s.At}
	}
}

// Rows are the audit rows so far, oldest first.
func (l *Ledger) Rows() []guard.Row {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.rows)
}

// Await waits for so many rows: a call that nobody waits for has its row later. It
// gives those there are when ctx ends.
func (l *Ledger) Await(ctx context.Context, count int) []guard.Row {
	for {
		l.mu.Lock()
		rows := slices.Clone(l.rows)
		if l.added == nil {
			l.added = make(chan struct{})
		}
		added := l.added
		l.mu.Unlock()
		if len(rows) >= count {
			return rows
		}
		select {
		case <-added:
		case <-ctx.Done():
			return rows
		}
	}
}

// Break makes every method fail with the error from now on; nil mends the ledger.
func (l *Ledger) Break(fault error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = fault
}
