package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// Open opens the state in the database that a URL names.
func Open(ctx context.Context, storeURL string, mode state.Mode, o state.Options) (*state.Store, error) {
	schemas := withOwn(o.Schemas)
	db, err := OpenDB(ctx, storeURL, mode, schemas...)
	if err != nil {
		return nil, err
	}
	if mode == state.ReadOnly {
		err = db.checkVersion(ctx, schemas)
	}
	var s *state.Store
	if err == nil {
		s, err = state.New(ctx, db, mode, o)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening store %s: %w", db.place, err), db.Close())
	}
	return s, nil
}

// checkVersion refuses to look at tables that are not there, or of another version: what
// they lack would only show as an error of SQL.
func (d *DB) checkVersion(ctx context.Context, schemas []sqldb.Schema) error {
	standings, err := sqldb.Stand(ctx, d.reads, sqldb.Postgres, schemas...)
	if err != nil {
		return err
	}
	switch {
	case standings[0].At == 0:
		return ErrEmpty
	case slices.ContainsFunc(standings, behind):
		return errBehind
	}
	return nil
}

// ErrEmpty: the database has none of the store's tables.
var ErrEmpty = errors.New("nothing was stored yet; `drawbridge serve` makes the tables")
