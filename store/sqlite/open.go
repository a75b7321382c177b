package sqlite

import (
	"context"
	"errors"
	"fmt"

	"drawbridge/store/state"
)

// Open opens the state in a file.
func Open(ctx context.Context, path string, mode state.Mode, o state.Options) (*state.Store, error) {
	schemas := withOwn(o.Schemas)
	db, err := OpenDB(ctx, path, mode, schemas...)
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
		return nil, errors.Join(fmt.Errorf("opening store %q: %w", path, err), db.Close())
	}
	return s, nil
}
