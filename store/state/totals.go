package state

import (
	"context"
	"fmt"
	"time"

	"drawbridge/server/guard"
	"drawbridge/tools/sqldb"
)

var _ guard.Totals = (*Store)(nil)

// forgotten is how many calls that count no more go with each new one: more than one, so
// that they never gather.
const forgotten = 4

// Reserve notes a call. It is ordered with all other such writes: what has a lower place
// is there for whoever adds up next.
func (s *Store) Reserve(ctx context.Context, e guard.Effected) (place int64, known bool, err error) {
	var at int64
	err = s.Do(ctx, How{}, func(tx sqldb.Tx) error {
		old := e.At.Add(-guard.TotalsKept - time.Hour)
		if _, err := tx.ExecContext(ctx, `DELETE FROM totals WHERE place IN (SELECT place FROM totals WHERE at < ? ORDER BY at LIMIT ?)`, millis(old), forgotten); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `INSERT INTO totals (id, at, principal, tool, effect, currency, minor, recipients) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET currency = excluded.currency, minor = excluded.minor, recipients = excluded.recipients
			RETURNING place, at`,
			e.ID, millis(e.At), e.Principal, e.Tool, string(e.Effect), e.Currency, e.Minor, e.Recipients).Scan(&place, &at)
	})
	if err != nil {
		return 0, false, fmt.Errorf("counting a call of %s: %w", e.Tool, err)
	}
	return place, at != millis(e.At), nil
}

// TakeBack takes a call back.
func (s *Store) TakeBack(ctx context.Context, id string) error {
	err := s.Do(ctx, How{Keyed: true, Relaxed: true}, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM totals WHERE id = ?`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("taking a call back: %w", err)
	}
	return nil
}

// Sum adds calls up.
func (s *Store) Sum(ctx context.Context, q guard.Tally) (guard.Sum, error) {
	where, args := `at >= ?`, []any{millis(q.Since)}
	for _, c := range []struct{ column, value string }{{"principal", q.Principal}, {"tool", q.Tool}, {"effect", string(q.Effect)}, {"currency", q.Currency}} {
		if c.value != "" {
			where += ` AND ` + c.column + ` = ?`
			args = append(args, c.value)
		}
	}
	if q.Before > 0 {
		where += ` AND place < ?`
		args = append(args, q.Before)
	}
	var sum guard.Sum
	err := s.Read().QueryRowContext(ctx, `SELECT COUNT(*), CAST(COALESCE(SUM(minor), 0) AS BIGINT), CAST(COALESCE(SUM(recipients), 0) AS BIGINT) FROM totals WHERE `+where, args...).
		Scan(&sum.Calls, &sum.Minor, &sum.Recipients)
	if err != nil {
		return guard.Sum{}, fmt.Errorf("adding up calls: %w", err)
	}
	return sum, nil
}

// Made counts the calls of a run.
func (s *Store) Made(ctx context.Context, run string) (map[string]int, error) {
	made := map[string]int{}
	rows, err := s.Read().QueryContext(ctx, `SELECT tool, COUNT(*) FROM audit WHERE run = ? AND run <> '' AND decision = ? GROUP BY tool`, run, string(guard.Allowed))
	if err != nil {
		return nil, fmt.Errorf("counting the calls of run %q: %w", run, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var tool string
		var n int
		if err := rows.Scan(&tool, &n); err != nil {
			return nil, fmt.Errorf("counting the calls of run %q: %w", run, err)
		}
		made[tool] = n
	}
	return made, rows.Err()
}
