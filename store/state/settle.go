package state

import (
	"context"
	"fmt"
	"time"

	"drawbridge/tools/sqldb"
)

// Settle makes a state that was copied from another store, whose owners have ended, one
// that nobody has worked on: what was leased is due, and so is every event that has not
// been routed, by a row of its own. An engine that implies the jobs of events begins
// behind the last one.
func Settle(ctx context.Context, tx sqldb.Tx, now time.Time) error {
	at := millis(now)
	for _, step := range []struct {
		query string
		args  []any
	}{
		{`UPDATE jobs SET due_at = ?, leased = 0, node = 0 WHERE leased = 1`, []any{at}},
		{`DELETE FROM leaders`, nil},
		{`INSERT INTO jobs (kind, ref, due_at, leased)
			SELECT 'event', id, CASE WHEN received_at < ? THEN received_at ELSE ? END, 0 FROM events WHERE ` + behindMark + ` ON CONFLICT (kind, ref) DO NOTHING`, []any{at, at}},
		{`UPDATE arrivals SET seq = (SELECT COALESCE(MAX(seq), 0) FROM events)`, nil},
	} {
		if _, err := tx.ExecContext(ctx, step.query, step.args...); err != nil {
			return fmt.Errorf("settling the jobs: %w", err)
		}
	}
	return nil
}
