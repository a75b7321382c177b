package state

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"drawbridge/server/auth"
	"drawbridge/tools/sqldb"
)

var _ auth.KeyStore = (*Store)(nil)

type madeRow struct {
	auth.MadeKey
	grants                          string
	created, used, expires, revoked int64
}

func (r *madeRow) fields() []any {
	return []any{&r.Hash, &r.Name, &r.Prefix, &r.grants, &r.created, &r.expires, &r.revoked, &r.used}
}

// MadeKeys are all keys that were ever made, by name and the oldest first.
func (s *Store) MadeKeys(ctx context.Context) ([]auth.MadeKey, error) {
	keys, err := madeKeys(ctx, s.Read(), ``)
	if err != nil {
		return nil, fmt.Errorf("reading the API keys: %w", err)
	}
	return keys, nil
}

func madeKeys(ctx context.Context, q sqldb.Querier, where string, args ...any) ([]auth.MadeKey, error) {
	rows, err := q.QueryContext(ctx, `SELECT hash, name, prefix, grants, created_at, expires_at, revoked_at, used_at FROM api_keys `+where+`
		ORDER BY name, created_at, hash`, args...)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, (*madeRow).fields)
	if err != nil {
		return nil, err
	}
	keys := make([]auth.MadeKey, len(found))
	for i, r := range found {
		if err := json.Unmarshal([]byte(r.grants), &r.Grants); err != nil {
			return nil, fmt.Errorf("what the key %s opens: %w", r.Prefix, err)
		}
		r.Created, r.LastUsed, r.Expires, r.Revoked = fromMillis(r.created), fromMillis(r.used), fromMillis(r.expires), fromMillis(r.revoked)
		keys[i] = r.MadeKey
	}
	return keys, nil
}

// MakeKey keeps the first key of a name.
func (s *Store) MakeKey(ctx context.Context, key auth.MadeKey) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		of, err := madeKeys(ctx, tx, `WHERE name = ?`, key.Name)
		if err == nil && len(of) > 0 {
			err = auth.ErrNameTaken
		}
		if err != nil {
			return err
		}
		return insertKey(ctx, tx, key)
	})
	if err != nil {
		return fmt.Errorf("making the API key %q: %w", key.Name, err)
	}
	return nil
}

func insertKey(ctx context.Context, tx sqldb.Tx, key auth.MadeKey) error {
	grants, err := json.Marshal(key.Grants)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO api_keys (hash, name, prefix, grants, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)`,
		key.Hash, key.Name, key.Prefix, string(grants), millis(key.Created), millis(key.Expires))
	return err
}

// RotateKey gives the holder of a name another key, which opens what his newest does.
// Those he has count until a time, or until their own end if that comes first. The new key
// is returned as it is kept.
func (s *Store) RotateKey(ctx context.Context, next auth.MadeKey, until time.Time) (auth.MadeKey, error) {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		of, err := madeKeys(ctx, tx, `WHERE name = ?`, next.Name)
		if err == nil && len(of) == 0 {
			err = auth.ErrNoSuchKey
		}
		if err != nil {
			return err
		}
		newest := slices.MaxFunc(of, func(a, b auth.MadeKey) int { return a.Created.Compare(b.Created) })
		next.Grants = newest.Grants
		if _, err := tx.ExecContext(ctx, `UPDATE api_keys SET expires_at = ?1 WHERE name = ?2 AND revoked_at = 0 AND (expires_at = 0 OR expires_at > ?1)`,
			millis(until), next.Name); err != nil {
			return err
		}
		return insertKey(ctx, tx, next)
	})
	if err != nil {
		return auth.MadeKey{}, fmt.Errorf("rotating the API key %q: %w", next.Name, err)
	}
	return next, nil
}

// RevokeKey ends all keys of a name, and says how many there were to end.
func (s *Store) RevokeKey(ctx context.Context, name string, at time.Time) (ended int, err error) {
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		of, err := madeKeys(ctx, tx, `WHERE name = ?`, name)
		if err == nil && len(of) == 0 {
			err = auth.ErrNoSuchKey
		}
		if err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `UPDATE api_keys SET revoked_at = ? WHERE name = ? AND revoked_at = 0`, millis(at), name)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		ended = int(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("revoking the API key %q: %w", name, err)
	}
	return ended, nil
}

// KeysUsed notes when keys were last used, by their hashes. Of two nodes the later counts.
func (s *Store) KeysUsed(ctx context.Context, used map[string]time.Time) error {
	err := s.Do(ctx, How{Keyed: true, Relaxed: true}, func(tx sqldb.Tx) error {
		// In one order on all nodes, so that none waits for the other's row and the other for its.
		for _, hash := range slices.Sorted(maps.Keys(used)) {
			if _, err := tx.ExecContext(ctx, `UPDATE api_keys SET used_at = ?1 WHERE hash = ?2 AND used_at < ?1`, millis(used[hash]), hash); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("noting the use of API keys: %w", err)
	}
	return nil
}
