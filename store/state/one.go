package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// heldPause is when to look again for a run that waits for others.
const heldPause = time.Second

// ClaimRun leases one run if it is due, and says when it will be if it is not.
func (s *Store) ClaimRun(ctx context.Context, id string, lease time.Duration) (claimed *dispatch.Claimed, due time.Time, err error) {
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		var at int64
		err := tx.QueryRowContext(ctx, `SELECT due_at FROM jobs WHERE kind = ? AND ref = ?`, string(dispatch.RunJob), id).Scan(&at)
		if errors.Is(err, sql.ErrNoRows) {
			var waits bool
			err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM runs WHERE id = ? AND finished_at = 0`, id).Scan(&waits)
			if err == nil && !waits {
				return dispatch.ErrEnded
			}
			due = s.now().Add(heldPause)
			return err
		}
		if err != nil {
			return err
		}
		now := s.now()
		if due = fromMillis(at); due.After(now) {
			return nil
		}
		claimed, err = s.claimLeased(ctx, tx, id, now.Add(lease))
		if errors.Is(err, errHeld) {
			due, err = now.Add(heldPause), nil
		}
		return err
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("claiming run %q: %w", id, err)
	}
	if claimed != nil {
		s.changed(id)
	}
	return claimed, due, nil
}
