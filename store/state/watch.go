package state

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// watches are those who wait for runs to change.
type watches struct {
	mu   sync.Mutex
	runs map[string]*watched
	// fresh: some of the runs were not looked at yet.
	fresh bool
}

// watched is a run that somebody watches.
type watched struct {
	by   map[chan struct{}]bool
	seen string // how it stood when it was last looked at for changes by other processes
}

// Watch tells of changes of one run and of its journal.
func (s *Store) Watch(run string) (changed <-chan struct{}, stop func()) {
	w, one := &s.watches, make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs == nil {
		w.runs = map[string]*watched{}
	}
	if w.runs[run] == nil {
		w.runs[run], w.fresh = &watched{by: map[chan struct{}]bool{}}, true
	}
	w.runs[run].by[one] = true
	return one, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if all := w.runs[run]; all != nil && all.by[one] {
			if delete(all.by, one); len(all.by) == 0 {
				delete(w.runs, run)
			}
		}
	}
}

// changed tells those who watch a run, after the commit.
func (s *Store) changed(run string) {
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	if w := s.watches.runs[run]; w != nil {
		w.tell()
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

// lookForChanges tells of what other processes did to the runs that are watched. It
// is one query for all of them.
func (s *Store) lookForChanges(ctx context.Context) error {
	ids := s.watches.ids()
	if len(ids) == 0 {
		return nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return fmt.Errorf("looking for changes of runs: %w", err)
	}
	rows, err := s.Read().QueryContext(ctx, `SELECT id, state || ' ' || reason || ' ' || (SELECT COALESCE(MAX(seq), 0) FROM journal WHERE run = id)
		FROM runs WHERE id IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return fmt.Errorf("looking for changes of runs: %w", err)
	}
	type standing struct{ run, how string }
	found, err := collect(rows, func(r *standing) []any { return []any{&r.run, &r.how} })
	if err != nil {
		return fmt.Errorf("looking for changes of runs: %w", err)
	}
	stands := map[string]string{}
	for _, one := range found {
		stands[one.run] = one.how
	}
	s.watches.compare(ids, stands)
	return nil
}

// news reports whether runs are watched that were not looked at yet.
func (w *watches) news() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fresh
}

func (w *watches) ids() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fresh = false
	ids := make([]string, 0, len(w.runs))
	for id := range w.runs {
		ids = append(ids, id)
	}
	return ids
}

// compare tells of the runs that stand otherwise than they did. One that is not there
// any more stands for nothing.
func (w *watches) compare(ids []string, stands map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if run := w.runs[id]; run != nil && run.seen != stands[id] {
			run.seen = stands[id]
			run.tell()
		}
	}
}
