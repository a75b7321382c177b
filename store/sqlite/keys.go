package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// Keyed tells what came of an idempotency key.
func (s *Store) Keyed(ctx context.Context, key dispatch.RequestKey) (dispatch.Place, error) {
	place, err := keyed(ctx, s.Read(), key)
	if err != nil {
		return dispatch.Place{}, fmt.Errorf("looking up the idempotency key of %q: %w", key.Owner, err)
	}
	return place, nil
}

func keyed(ctx context.Context, q sqldb.Querier, key dispatch.RequestKey) (dispatch.Place, error) {
	var place dispatch.Place
	var digest string
	err := q.QueryRowContext(ctx, `SELECT run, seq, digest FROM run_keys WHERE owner = ? AND key = ?`, key.Owner, key.Key).
		Scan(&place.Run, &place.Seq, &digest)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return dispatch.Place{}, dispatch.ErrNotFound
	case err != nil:
		return dispatch.Place{}, err
	case digest != key.Digest:
		return dispatch.Place{}, dispatch.ErrKeyReused
	}
	return place, nil
}

// known is keyed for a request that is about to be taken: a key that was not used,
// and a request without one, are unknown and no error.
func known(ctx context.Context, tx sqldb.Tx, key dispatch.RequestKey) (place dispatch.Place, used bool, err error) {
	if key.Key == "" {
		return dispatch.Place{}, false, nil
	}
	place, err = keyed(ctx, tx, key)
	if errors.Is(err, dispatch.ErrNotFound) {
		return dispatch.Place{}, false, nil
	}
	return place, err == nil, err
}

// remember notes which request a key was used for.
func (s *Store) remember(ctx context.Context, tx sqldb.Tx, key dispatch.RequestKey, place dispatch.Place) error {
	if key.Key == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO run_keys (owner, key, digest, run, seq, at) VALUES (?, ?, ?, ?, ?, ?)`,
		key.Owner, key.Key, key.Digest, place.Run, place.Seq, millis(s.now()))
	return err
}
