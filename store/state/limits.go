package state

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"drawbridge/server/auth"
	"drawbridge/server/webhook"
	"drawbridge/tools/sqldb"
)

var (
	_ auth.Counter  = (*Store)(nil)
	_ webhook.Meter = (*Store)(nil)
)

// aRequest is a request in the units that the table counts in: each millisecond gives back
// as many as the caller may send in a minute.
const aRequest = 60_000

// Admit lets a request in. The row of its caller is the lock: requests of one caller are
// counted one after another, those of others beside them.
func (s *Store) Admit(ctx context.Context, r auth.Request) (auth.Admission, error) {
	var a auth.Admission
	err := s.Do(ctx, How{Keyed: true, Impatient: true}, func(tx sqldb.Tx) error {
		left, err := refill(ctx, tx, r.Caller, r.Limit.PerMinute, r.Limit.Burst(), r.At)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM requests WHERE caller = ? AND until <= ?`, r.Caller, millis(r.At)); err != nil {
			return err
		}
		a = auth.Admission{Left: float64(left) / aRequest}
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM requests WHERE caller = ?`, r.Caller).Scan(&a.UnderWay); err != nil {
			return err
		}
		if r.Limit.Concurrent > 0 && a.UnderWay >= r.Limit.Concurrent || r.Limit.PerMinute > 0 && left < aRequest {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO requests (id, caller, until) VALUES (?, ?, ?)`, r.ID, r.Caller, millis(r.Until)); err != nil {
			return err
		}
		a.In = true
		if r.Limit.PerMinute == 0 {
			return nil
		}
		a.Left--
		_, err = tx.ExecContext(ctx, `UPDATE callers SET remaining = remaining - ? WHERE caller = ?`, aRequest, r.Caller)
		return err
	})
	if err != nil {
		return auth.Admission{}, fmt.Errorf("counting a request: %w", err)
	}
	return a, nil
}

// refill gives the caller what the time since its last request has given back. The clocks
// of two nodes may differ: time does not go back.
func refill(ctx context.Context, tx sqldb.Tx, caller string, perMinute, most int, at time.Time) (left int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO callers (caller, remaining, at) VALUES (?1, ?2, ?3)
		ON CONFLICT (caller) DO UPDATE SET
			remaining = CASE WHEN excluded.at <= callers.at THEN CASE WHEN callers.remaining > ?2 THEN ?2 ELSE callers.remaining END
				WHEN callers.remaining + (excluded.at - callers.at) * ?4 > ?2 THEN ?2
				ELSE callers.remaining + (excluded.at - callers.at) * ?4 END,
			at = CASE WHEN excluded.at > callers.at THEN excluded.at ELSE callers.at END
		RETURNING remaining`, caller, int64(most)*aRequest, millis(at), perMinute).Scan(&left)
	return left, err
}

// TakeDeliveries counts a source's deliveries as a caller's requests are counted, under a
// name that no principal has.
func (s *Store) TakeDeliveries(ctx context.Context, source string, perSecond, most, want int, at time.Time) (taken int, err error) {
	err = s.Do(ctx, How{Keyed: true, Impatient: true, Relaxed: true}, func(tx sqldb.Tx) error {
		caller := "deliveries:" + source
		left, err := refill(ctx, tx, caller, perSecond*60, most, at)
		if err != nil {
			return err
		}
		if taken = int(min(int64(want), left/aRequest)); taken == 0 {
			return nil
		}
		_, err = tx.ExecContext(ctx, `UPDATE callers SET remaining = remaining - ? WHERE caller = ?`, int64(taken)*aRequest, caller)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("counting the deliveries of %q: %w", source, err)
	}
	return taken, nil
}

// Prolong holds requests until a time.
func (s *Store) Prolong(ctx context.Context, ids []string, until time.Time) error {
	list, err := json.Marshal(ids)
	if err != nil {
		return fmt.Errorf("holding requests: %w", err)
	}
	err = s.Do(ctx, How{Keyed: true}, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE requests SET until = ? WHERE id IN (SELECT value FROM json_each(?))`, millis(until), string(list))
		return err
	})
	if err != nil {
		return fmt.Errorf("holding requests: %w", err)
	}
	return nil
}

// Dismiss takes note that a request is over.
func (s *Store) Dismiss(ctx context.Context, id string) error {
	err := s.Do(ctx, How{Keyed: true, Relaxed: true}, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM requests WHERE id = ?`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("noting the end of a request: %w", err)
	}
	return nil
}
