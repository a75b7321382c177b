package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// Decide appends what a person says about a call of which nobody knows what became of
// it, and has the run go on if it is ready: waiting -> waiting, due at once. The journal's
// primary key and the run's reason are the fence: of two who decide one is too late.
func (s *Store) Decide(ctx context.Context, run string, entries []bridge.Entry, ready bool) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		var reason, cancel string
		var last int64
		err := tx.QueryRowContext(ctx, `SELECT reason, cancel, (SELECT COALESCE(MAX(seq), 0) FROM journal WHERE run = id) FROM runs WHERE id = ? AND state = 'waiting'`, run).
			Scan(&reason, &cancel, &last)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return bridge.ErrNotUnknown
		case err != nil:
			return err
		case reason != string(bridge.OutcomeOpen) || cancel != "" || (holding{last: last}).follows(entries) != nil:
			return bridge.ErrNotUnknown
		}
		if err := appendEntries(ctx, tx, run, entries); err != nil || !ready {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE runs SET reason = ? WHERE id = ?`, dispatch.Decided, run); err != nil {
			return err
		}
		return enqueueRun(ctx, tx, run, s.now())
	})
	if err != nil {
		return fmt.Errorf("deciding about run %q: %w", run, err)
	}
	s.changed(run)
	if ready {
		s.signal(dispatch.RunJob)
	}
	return nil
}
