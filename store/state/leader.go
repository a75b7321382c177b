package state

import (
	"context"
	"fmt"
	"time"

	"drawbridge/tools/sqldb"
)

// Lead asks to be the one that does a task for all processes that use the store, for a
// time: false if another is. Who is asks again before the time is over. A process that is
// alone always is.
func (s *Store) Lead(ctx context.Context, task string, lease time.Duration) (bool, error) {
	if s.Alone() {
		return true, nil
	}
	now, leads := s.now(), false
	err := s.Write(ctx, func(tx sqldb.Tx) (err error) {
		leads, err = changedOne(tx.ExecContext(ctx, `INSERT INTO leaders (task, node, until) VALUES (?, ?, ?)
			ON CONFLICT (task) DO UPDATE SET node = excluded.node, until = excluded.until WHERE leaders.until <= ? OR leaders.node = excluded.node`,
			task, s.node, millis(now.Add(lease)), millis(now)))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("asking to do %s for all: %w", task, err)
	}
	return leads, nil
}

// StepDown lets another process do a task at once.
func (s *Store) StepDown(ctx context.Context, task string) error {
	if s.Alone() {
		return nil
	}
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM leaders WHERE task = ? AND node = ?`, task, s.node)
		return err
	})
	if err != nil {
		return fmt.Errorf("leaving %s to others: %w", task, err)
	}
	return nil
}
