// Package bridgetest holds what tests around a bridge need: a journal in memory,
// and the conformance suite that every journal passes.
package bridgetest

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"drawbridge/bridge"
)

// Journal is a bridge.Journal in memory. It is lost with the process, and is
// therefore good for tests only.
type Journal struct {
	mu      sync.Mutex
	epochs  map[string]int64
	entries map[string][]bridge.Entry
}

var _ bridge.Journal = (*Journal)(nil)

// NewJournal makes an empty journal.
func NewJournal() *Journal {
	return &Journal{epochs: map[string]int64{}, entries: map[string][]bridge.Entry{}}
}

// Lease gives the run, new or not, to a new holder. Earlier leases are lost.
func (j *Journal) Lease(run string) bridge.Lease {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.epochs[run]++
	return bridge.Lease{Run: run, Epoch: j.epochs[run]}
}

// Entries gives a copy of the run's history.
func (j *Journal) Entries(ctx context.Context, run string) ([]bridge.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return copied(j.entries[run]), nil
}

// Append adds all of the entries or none.
func (j *Journal) Append(ctx context.Context, lease bridge.Lease, entries ...bridge.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.epochs[lease.Run] != lease.Epoch || lease.Epoch == 0 {
		return bridge.ErrFenced
	}
	next := int64(len(j.entries[lease.Run]) + 1)
	for i, e := range entries {
		if e.Seq != next+int64(i) {
			return bridge.ErrFenced
		}
	}
	j.entries[lease.Run] = append(j.entries[lease.Run], copied(entries)...)
	return nil
}

func copied(entries []bridge.Entry) []bridge.Entry {
	out := slices.Clone(entries)
	for i := range out {
		out[i].Body = bytes.Clone(out[i].Body)
	}
	return out
}
