package state

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/audit"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/server/webhook"
	"drawbridge/tools/sqldb"
)

// Store is Drawbridge's state. Its methods are in one file per interface.
type Store struct {
	Engine
	now  func() time.Time
	node int64 // what leases of this process are known by
	wake map[dispatch.Kind]chan struct{}
	// accepts are those of one event, records those of one call: an engine may carry out
	// several of them together.
	accepts, records *Joint
	end              knownEnd     // of the audit's chain
	spools           bool         // the engine may answer a row of it before that is written
	signer           audit.Signer // of the audit's heads

	watches   watches // of runs
	approvals watches // of approvals
	watching  sync.WaitGroup
	stop      context.CancelFunc
}

var (
	_ webhook.Inbox  = (*Store)(nil)
	_ dispatch.Store = (*Store)(nil)
	_ bridge.Journal = (*Store)(nil)
	_ guard.Ledger   = (*Store)(nil)
)

// Options have working zero values.
type Options struct {
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Schemas are the tables of built-in tools that share the database.
	Schemas []sqldb.Schema
}

// nodes is an engine that several processes work from.
type nodes interface {
	// Node is the number that leases of this process are known by.
	Node() int64
	// Reclaim makes due what processes had leased that do not live.
	Reclaim(ctx context.Context, now time.Time) error
}

// New gives the state in an open database. An owner finds every job due at once that a
// process had which does not live: where it is alone, every job that was under way.
func New(ctx context.Context, engine Engine, mode Mode, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{Engine: engine, now: o.Now, node: nodeOf(engine), wake: map[dispatch.Kind]chan struct{}{}}
	s.accepts, s.records = &Joint{Carry: s.acceptTogether}, &Joint{Carry: s.recordTogether}
	for _, kind := range kinds {
		s.wake[kind] = make(chan struct{}, 1)
	}
	if mode != Owned {
		return s, nil
	}
	if err := s.unspool(ctx); err != nil {
		return nil, err
	}
	if err := s.reclaim(ctx); err != nil {
		return nil, fmt.Errorf("taking over what was under way: %w", err)
	}
	s.watch()
	return s, nil
}

// nodeOf is the number that leases of this process are known by: the engine's, where
// several processes work, else any that those of another process do not have.
func nodeOf(engine Engine) int64 {
	if of, ok := engine.(nodes); ok {
		return of.Node()
	}
	return 1 + rand.Int64N(math.MaxInt32)
}

// kinds are all that somebody is woken for.
var kinds = []dispatch.Kind{dispatch.EventJob, dispatch.RunJob, dispatch.CallbackJob, dispatch.BatchJob, dispatch.ScheduleJob, dispatch.Cancels, dispatch.Notices}

// watch wakes whoever waits when another process has written to the store.
func (s *Store) watch() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.watching.Go(func() {
		s.Engine.Watch(ctx, func(ctx context.Context, written bool) error {
			if written {
				s.signal(kinds...)
				s.written()
			}
			if written || s.watches.news() || s.approvals.news() {
				return s.lookForChanges(ctx)
			}
			return nil
		})
	})
}

// Close ends the watch and closes the database.
func (s *Store) Close() error {
	if s.stop != nil {
		s.stop()
		s.watching.Wait()
	}
	return s.Engine.Close()
}

// Ready reports whether the store can take a write now.
func (s *Store) Ready(ctx context.Context) error {
	return s.Write(ctx, func(sqldb.Tx) error { return nil })
}
