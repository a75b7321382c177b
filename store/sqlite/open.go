package sqlite

import (
	"context"
	"errors"
	"fmt"

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// Open opens the state in a file.
func Open(ctx context.Context, path string, mode state.Mode, o state.Options) (*state.Store, error) {
	schemas := append([]sqldb.Schema{state.Schema, sqldb.Effects}, o.Schemas...)
	db, err := OpenDB(ctx, path, mode, schemas...)
	if err != nil {
		return nil, err
	}
	if mode == state.ReadOnly {
		err = db.checkVersion(ctx, schemas[0])
	}
	var s *state.Store
	if err == nil {
		s, err = state.New(ctx, db, mode, o)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening store %q: %w", path, err), db.Close())
	}
	return s, nil
}

// checkVersion refuses to look at tables of an earlier version: what they lack would
// only show as an error of SQL.
func (d *DB) checkVersion(ctx context.Context, schema sqldb.Schema) error {
	behind, err := sqldb.Behind(ctx, d.reads, sqldb.SQLite, schema)
	if err == nil && behind {
		err = errors.New("an earlier version of this program wrote it; `drawbridge serve` brings it up to date")
	}
	return err
}
