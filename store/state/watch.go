package state

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// watches are those who wait for things of one kind, runs say, to change.
type watches struct {
	mu   sync.Mutex
	byID map[string]*watched
	// writes are told of what other processes wrote, whatever it was.
	writes map[chan struct{}]bool
	// fresh: some of them were not looked at yet.
	fresh bool
}

// watched is one that somebody watches.
type watched struct {
	by   map[chan struct{}]bool
	seen string // how it stood when it was last looked at for changes by other processes
}

// Watch tells of changes of one run and of its journal.
func (s *Store) Watch(run string) (changed <-chan struct{}, stop func()) { return s.watches.add(run) }

// WatchApproval tells of changes of one approval.
func (s *Store) WatchApproval(id string) (changed <-chan struct{}, stop func()) {
	return s.approvals.add(id)
}

func (w *watches) add(id string) (changed <-chan struct{}, stop func()) {
	one := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID == nil {
		w.byID = map[string]*watched{}
	}
	if w.byID[id] == nil {
		w.byID[id], w.fresh = &watched{by: map[chan struct{}]bool{}}, true
	}
	w.byID[id].by[one] = true
	return one, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if all := w.byID[id]; all != nil && all.by[one] {
			if delete(all.by, one); len(all.by) == 0 {
				delete(w.byID, id)
			}
		}
	}
}

// Written tells that another process may have written to the store, within a second or two.
// What it was is for the listener to find out.
func (s *Store) Written() (written <-chan struct{}, stop func()) {
	w, one := &s.watches, make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.writes == nil {
		w.writes = map[chan struct{}]bool{}
	}
	w.writes[one] = true
	return one, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.writes, one)
	}
}

func (s *Store) written() {
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	(&watched{by: s.watches.writes}).tell()
}

// changed tells those who watch a run, after the commit.
func (s *Store) changed(run string) { s.watches.changed(run) }

func (w *watches) changed(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.byID[id]; one != nil {
		one.tell()
	}
}

func (w *watched) tell() {
	for one := range w.by {
		select {
		case one <- struct{}{}:
		default: // it is about to look anyway
		}
	}
}

// lookForChanges tells of what other processes did to what is watched. It is one query
// for all of a kind.
func (s *Store) lookForChanges(ctx context.Context) error {
	if err := s.lookAt(ctx, &s.watches, `SELECT id, state || ' ' || reason || ' ' || (SELECT COALESCE(MAX(seq), 0) FROM journal WHERE run = id)
		FROM runs WHERE id IN (SELECT value FROM json_each(?))`); err != nil {
		return fmt.Errorf("looking for changes of runs: %w", err)
	}
	if err := s.lookAt(ctx, &s.approvals, `SELECT id, state || ' ' || decisions FROM approvals WHERE id IN (SELECT value FROM json_each(?))`); err != nil {
		return fmt.Errorf("looking for changes of approvals: %w", err)
	}
	return nil
}

func (s *Store) lookAt(ctx context.Context, w *watches, query string) error {
	ids := w.ids()
	if len(ids) == 0 {
		return nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	rows, err := s.Read().QueryContext(ctx, query, string(list))
	if err != nil {
		return err
	}
	type standing struct{ id, how string }
	found, err := collect(rows, func(r *standing) []any { return []any{&r.id, &r.how} })
	if err != nil {
		return err
	}
	stands := map[string]string{}
	for _, one := range found {
		stands[one.id] = one.how
	}
	w.compare(ids, stands)
	return nil
}

// news reports whether something is watched that was not looked at yet.
func (w *watches) news() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fresh
}

func (w *watches) ids() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fresh = false
	ids := make([]string, 0, len(w.byID))
	for id := range w.byID {
		ids = append(ids, id)
	}
	return ids
}

// compare tells of those that stand otherwise than they did. One that is not there
// any more stands for nothing.
func (w *watches) compare(ids []string, stands map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if one := w.byID[id]; one != nil && one.seen != stands[id] {
			one.seen = stands[id]
			one.tell()
		}
	}
}
