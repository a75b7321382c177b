package sqlite

import (
	"context"
	"fmt"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

var _ dispatch.CallbackStore = (*Store)(nil)

const callbackColumns = `id, run, route, body, state, attempts, last_status, last_reason, created_at, last_at`

type callbackRow struct {
	dispatch.Callback
	created, last int64
}

func (r *callbackRow) fields() []any {
	return []any{&r.ID, &r.Run, &r.Route, &r.Body, &r.State, &r.Attempts, &r.LastStatus, &r.LastReason, &r.created, &r.last}
}

func (r *callbackRow) callback() dispatch.Callback {
	r.Created, r.LastAt = fromMillis(r.created), fromMillis(r.last)
	return r.Callback
}

func (s *Store) insertCallback(ctx context.Context, tx sqldb.Tx, c dispatch.Callback) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO callbacks (id, run, route, body, state, created_at) VALUES (?, ?, ?, ?, 'pending', ?)`,
		c.ID, c.Run, c.Route, c.Body, millis(c.Created)); err != nil {
		return err
	}
	return enqueue(ctx, tx, dispatch.CallbackJob, c.ID, s.now())
}

// ClaimCallbacks leases callbacks that are due.
func (s *Store) ClaimCallbacks(ctx context.Context, limit int, lease time.Duration) ([]dispatch.Callback, error) {
	var all []dispatch.Callback
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		refs, err := s.lease(ctx, tx, dispatch.CallbackJob, limit, lease)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			var row callbackRow
			if err := tx.QueryRowContext(ctx, `SELECT `+callbackColumns+` FROM callbacks WHERE id = ?`, ref).Scan(row.fields()...); err != nil {
				return fmt.Errorf("callback %q: %w", ref, err)
			}
			all = append(all, row.callback())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claiming callbacks: %w", err)
	}
	return all, nil
}

// Attempted notes one attempt; the job ends with the last one.
func (s *Store) Attempted(ctx context.Context, id string, a dispatch.Attempt) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE callbacks SET state = ?, attempts = attempts + 1, last_status = ?, last_reason = ?, last_at = ?
			WHERE id = ?`, string(a.State), a.Status, a.Reason, millis(a.At), id); err != nil {
			return err
		}
		if a.State == dispatch.Pending {
			return enqueue(ctx, tx, dispatch.CallbackJob, id, a.Next)
		}
		_, err := finishJob(ctx, tx, dispatch.CallbackJob, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("noting an attempt of callback %q: %w", id, err)
	}
	if a.State == dispatch.Pending {
		s.signal(dispatch.CallbackJob)
	}
	return nil
}
