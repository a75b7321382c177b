package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"sync"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/server/webhook"
	"drawbridge/tools/sqldb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is Drawbridge's state. Its methods are in one file per interface.
type Store struct {
	*DB
	now  func() time.Time
	wake map[dispatch.Kind]chan struct{}

	watches  watches
	watching sync.WaitGroup
	stop     context.CancelFunc
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
	// Schemas are the tables of built-in tools that share the file.
	Schemas []sqldb.Schema
}

// Open opens the store in a file. An owner finds every job that was under way when
// the last owner ended due at once.
func Open(ctx context.Context, path string, mode Mode, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	schemas := append([]sqldb.Schema{{Name: "state", Files: migrations}, sqldb.Effects}, o.Schemas...)
	db, err := OpenDB(ctx, path, mode, schemas...)
	if err != nil {
		return nil, err
	}
	s := &Store{DB: db, now: o.Now, wake: map[dispatch.Kind]chan struct{}{}}
	for _, kind := range []dispatch.Kind{dispatch.EventJob, dispatch.RunJob, dispatch.CallbackJob, dispatch.BatchJob, dispatch.ScheduleJob, dispatch.Cancels} {
		s.wake[kind] = make(chan struct{}, 1)
	}
	if mode == ReadOnly {
		if err := s.checkVersion(ctx, schemas[0]); err != nil {
			_ = db.Close()
			return nil, fmt.Errorf("opening store %q: %w", path, err)
		}
	}
	if mode == Owned {
		if err := s.reclaim(ctx); err != nil {
			_ = db.Close()
			return nil, fmt.Errorf("opening store %q: %w", path, err)
		}
		s.watch()
	}
	return s, nil
}

// checkVersion refuses to look at tables of an earlier version: what they lack would
// only show as an error of SQL.
func (s *Store) checkVersion(ctx context.Context, schema sqldb.Schema) error {
	behind, err := sqldb.Behind(ctx, s.reads, schema)
	if err == nil && behind {
		err = errors.New("an earlier version of this program wrote it; `drawbridge serve` brings it up to date")
	}
	return err
}

// Close ends the watch and closes the file.
func (s *Store) Close() error {
	if s.stop != nil {
		s.stop()
		s.watching.Wait()
	}
	return s.DB.Close()
}

// Ready reports whether the store can take a write now.
func (s *Store) Ready(ctx context.Context) error {
	return s.Write(ctx, func(sqldb.Tx) error { return nil })
}
