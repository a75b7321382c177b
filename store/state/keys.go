package state

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
	err := q.QueryRowContext(ctx, `SELECT run, seq, digest FROM run_keys WHERE owner = ? AND key = ?`, key.Owner, keyText(key)).
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

// keyText is what a request is found again by: its key, or what it asked for behind a
// blank, which no key begins with.
func keyText(key dispatch.RequestKey) string {
	if key.Key == "" {
		return " " + key.Digest
	}
	return key.Key
}

// remember notes what became of a request. One with a key is the only one of it; one
// without is the last that asked for the same.
func (s *Store) remember(ctx context.Context, tx sqldb.Tx, key dispatch.RequestKey, place dispatch.Place) error {
	insert := `INSERT INTO run_keys (owner, key, digest, run, seq, at) VALUES (?, ?, ?, ?, ?, ?)`
	switch {
	case key.Key == "" && key.Digest == "":
		return nil
	case key.Key == "":
		insert += ` ON CONFLICT (owner, key) DO UPDATE SET run = excluded.run, seq = excluded.seq, at = excluded.at`
	}
	_, err := tx.ExecContext(ctx, insert, key.Owner, keyText(key), key.Digest, place.Run, place.Seq, millis(s.now()))
	return err
}
