package state

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"drawbridge/server/guard"
	"drawbridge/tools/sqldb"
)

// DueNotices gives whom to tell of which approvals now, and when the next one is due.
func (s *Store) DueNotices(ctx context.Context, limit int) (due []guard.Notice, next time.Time, err error) {
	now := millis(s.now())
	rows, err := s.Read().QueryContext(ctx, `SELECT n.approval, n.target, n.attempts FROM approval_notices n
		WHERE n.due_at <= ? ORDER BY n.due_at, n.approval, n.target LIMIT ?`, now, limit)
	if err != nil {
		return nil, next, fmt.Errorf("looking for people to be told: %w", err)
	}
	if due, err = collect(rows, func(n *guard.Notice) []any { return []any{&n.Approval, &n.Target, &n.Attempts} }); err != nil {
		return nil, next, fmt.Errorf("looking for people to be told: %w", err)
	}
	var at sql.NullInt64
	if err := s.Read().QueryRowContext(ctx, `SELECT MIN(due_at) FROM approval_notices WHERE due_at > ?`, now).Scan(&at); err != nil {
		return nil, next, fmt.Errorf("looking for people to be told: %w", err)
	}
	return due, fromMillis(at.Int64), nil
}

// Notified notes that somebody was told, or why not yet: then it is due again at a time.
func (s *Store) Notified(ctx context.Context, n guard.Notice, problem string, next time.Time) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		if problem == "" {
			_, err := tx.ExecContext(ctx, `DELETE FROM approval_notices WHERE approval = ? AND target = ?`, n.Approval, n.Target)
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE approval_notices SET attempts = attempts + 1, due_at = ?, last_error = ? WHERE approval = ? AND target = ?`,
			millis(next), problem, n.Approval, n.Target)
		return err
	})
	if err != nil {
		return fmt.Errorf("noting that %s was told of approval %q: %w", n.Target, n.Approval, err)
	}
	return nil
}
