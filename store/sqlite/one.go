package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// ClaimRun leases one run if it is due, and says when it will be if it is not.
func (s *Store) ClaimRun(ctx context.Context, id string, lease time.Duration) (claimed *dispatch.Claimed, due time.Time, err error) {
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		var at int64
		err := tx.QueryRowContext(ctx, `SELECT due_at FROM jobs WHERE kind = ? AND ref = ?`, string(dispatch.RunJob), id).Scan(&at)
		if errors.Is(err, sql.ErrNoRows) {
			return dispatch.ErrEnded
		}
		if err != nil {
			return err
		}
		now := s.now()
		if due = fromMillis(at); due.After(now) {
			return nil
		}
		if err := take(ctx, tx, dispatch.RunJob, id, now.Add(lease)); err != nil {
			return err
		}
		claimed, err = s.claimRun(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("claiming run %q: %w", id, err)
	}
	return claimed, due, nil
}

// Cancel ends a run that nobody carries now: queued or waiting -> cancelled.
func (s *Store) Cancel(ctx context.Context, id, reason string) error {
	now := s.now()
	outcome, err := json.Marshal(bridge.Outcome{Status: bridge.Status(dispatch.Cancelled), Reason: bridge.Reason(reason)})
	if err != nil {
		return fmt.Errorf("cancelling run %q: %w", id, err)
	}
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		ended, err := changedOne(tx.ExecContext(ctx, `UPDATE runs SET state = 'cancelled', reason = ?, finished_at = ?
			WHERE id = ? AND state IN ('queued', 'waiting')`, reason, millis(now), id))
		if err != nil {
			return err
		}
		if !ended {
			return dispatch.ErrEnded
		}
		if err := closeJournal(ctx, tx, id, now, outcome); err != nil {
			return err
		}
		_, err = finishJob(ctx, tx, dispatch.RunJob, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("cancelling run %q: %w", id, err)
	}
	return nil
}
