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

// owing is a callback as whoever notes an attempt finds it.
type owing struct {
	id, endpoint  string
	state, before dispatch.CallbackState
	resume        int64
}

func owingOf(ctx context.Context, tx sqldb.Tx, id string) (owing, error) {
	o := owing{id: id}
	err := tx.QueryRowContext(ctx, `SELECT endpoint, state, before, resume_at FROM callbacks WHERE id = ?`, id).Scan(&o.endpoint, &o.state, &o.before, &o.resume)
	if errors.Is(err, sql.ErrNoRows) {
		err = dispatch.ErrNotFound
	}
	return o, err
}

// after is where an attempt leaves the callback, and when it is tried again.
func (o owing) after(a dispatch.Attempt, disabled bool) (dispatch.CallbackState, time.Time) {
	state, next := a.State, a.Next
	if state != dispatch.Delivered && o.before != "" {
		state, next = o.before, fromMillis(o.resume)
	}
	switch {
	case state == dispatch.Delivered || o.state == dispatch.Delivered:
		return dispatch.Delivered, time.Time{} // what has arrived once has arrived
	case state == dispatch.Pending && disabled:
		return dispatch.Held, time.Time{}
	case state != dispatch.Pending:
		return state, time.Time{}
	}
	return state, next
}

// Attempted notes one attempt; the job ends with the last one.
func (s *Store) Attempted(ctx context.Context, id string, a dispatch.Attempt, p dispatch.Patience) (dispatch.Turn, error) {
	var turn dispatch.Turn
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		o, err := owingOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if turn, err = judgeEndpoint(ctx, tx, o.endpoint, a, p); err != nil {
			return err
		}
		state, next := o.after(a, !turn.DisabledAt.IsZero())
		if err := noteAttempt(ctx, tx, o, a, state, next); err != nil {
			return err
		}
		if turn.Disabled {
			if turn.HeldNow, err = hold(ctx, tx, o.endpoint); err != nil {
				return err
			}
			if state == dispatch.Held {
				turn.HeldNow++
			}
		}
		if state == dispatch.Pending {
			return enqueueCallback(ctx, tx, id, o.endpoint, next)
		}
		_, err = finishJob(ctx, tx, dispatch.CallbackJob, id)
		return err
	})
	if err != nil {
		return dispatch.Turn{}, fmt.Errorf("noting an attempt of callback %q: %w", id, err)
	}
	s.signal(dispatch.CallbackJob)
	return turn, nil
}

func noteAttempt(ctx context.Context, tx sqldb.Tx, o owing, a dispatch.Attempt, state dispatch.CallbackState, next time.Time) error {
	manual := o.before != ""
	if _, err := tx.ExecContext(ctx, `INSERT INTO callback_attempts (callback, n, at, manual, state, status, reason, latency_us, remote, excerpt, next_at)
		VALUES (?, (SELECT COALESCE(MAX(n), 0) + 1 FROM callback_attempts WHERE callback = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		o.id, o.id, millis(a.At), manual, string(state), a.Status, a.Reason, a.Latency.Microseconds(), a.Remote, append([]byte{}, a.Excerpt...), millis(next)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE callbacks SET state = ?, attempts = attempts + 1, manual = manual + ?, before = '', resume_at = 0,
		last_status = ?, last_reason = ?, last_at = ? WHERE id = ?`, string(state), manual, a.Status, a.Reason, millis(a.At), o.id)
	return err
}

// judgeEndpoint counts an attempt for its endpoint, and disables that if patience with
// it has ended.
func judgeEndpoint(ctx context.Context, tx sqldb.Tx, name string, a dispatch.Attempt, p dispatch.Patience) (dispatch.Turn, error) {
	var e endpointRow
	e.Name = name
	err := tx.QueryRowContext(ctx, `SELECT `+endpointColumns+` FROM callback_endpoints WHERE endpoint = ?`, name).Scan(e.fields()...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return dispatch.Turn{}, err
	}
	at := millis(a.At)
	if a.State == dispatch.Delivered {
		e.failing, e.Failures, e.warned, e.succeeded = 0, 0, false, at
	} else {
		if e.Failures++; e.failing == 0 {
			e.failing = at
		}
	}
	var turn dispatch.Turn
	if e.disabled == 0 {
		if why := a.Disable; why != "" {
			e.Why, turn.Disabled = why, true
		} else if e.Why = spent(p, a.At, e); e.Why != "" {
			turn.Disabled = true
		}
		if turn.Disabled {
			e.disabled = at
		}
		turn.HalfWay = !turn.Disabled && !e.warned && halfSpent(p, a.At, e)
		e.warned = e.warned || turn.HalfWay
	}
	turn.Endpoint = e.endpoint()
	_, err = tx.ExecContext(ctx, `INSERT INTO callback_endpoints (endpoint, failing_since, failures, warned, succeeded_at, disabled_at, why) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (endpoint) DO UPDATE SET failing_since = excluded.failing_since, failures = excluded.failures, warned = excluded.warned,
			succeeded_at = excluded.succeeded_at, disabled_at = excluded.disabled_at, why = excluded.why`,
		name, e.failing, e.Failures, e.warned, e.succeeded, e.disabled, e.Why)
	return turn, err
}

// spent says why there is no more patience with an endpoint; "" if there is.
func spent(p dispatch.Patience, now time.Time, e endpointRow) string {
	switch failing := failingFor(now, e); {
	case e.failing == 0:
	case p.For > 0 && failing >= p.For:
		return fmt.Sprintf("nothing but failures for %s", failing.Round(time.Second))
	case p.InARow > 0 && e.Failures >= p.InARow:
		return fmt.Sprintf("%d failures in a row", e.Failures)
	}
	return ""
}

func halfSpent(p dispatch.Patience, now time.Time, e endpointRow) bool {
	return e.failing != 0 && (p.For > 0 && failingFor(now, e) >= p.For/2 || p.InARow > 1 && e.Failures >= (p.InARow+1)/2)
}

func failingFor(now time.Time, e endpointRow) time.Duration { return now.Sub(fromMillis(e.failing)) }

// hold takes the jobs of an endpoint's pending callbacks away. One that a person
// wants sent keeps its job.
func hold(ctx context.Context, tx sqldb.Tx, endpoint string) (int, error) {
	if _, err := tx.ExecContext(ctx, `DELETE FROM jobs WHERE kind = 'callback' AND endpoint = ?
		AND ref IN (SELECT id FROM callbacks WHERE endpoint = ? AND state = 'pending' AND before = '')`, endpoint, endpoint); err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, `UPDATE callbacks SET state = 'disabled' WHERE endpoint = ? AND state = 'pending' AND before = ''`, endpoint)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

func isDisabled(ctx context.Context, tx sqldb.Tx, endpoint string) (disabled bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM callback_endpoints WHERE endpoint = ? AND disabled_at <> 0)`, endpoint).Scan(&disabled)
	return disabled, err
}

// CallbackAttempts are those made of one callback, in order.
func (s *Store) CallbackAttempts(ctx context.Context, id string) ([]dispatch.Made, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT at, manual, state, status, reason, latency_us, remote, excerpt, next_at
		FROM callback_attempts WHERE callback = ? ORDER BY n`, id)
	if err != nil {
		return nil, fmt.Errorf("listing attempts of callback %q: %w", id, err)
	}
	type row struct {
		dispatch.Made
		at, latency, next int64
	}
	found, err := collect(rows, func(r *row) []any {
		return []any{&r.at, &r.Manual, &r.State, &r.Status, &r.Reason, &r.latency, &r.Remote, &r.Excerpt, &r.next}
	})
	if err != nil {
		return nil, fmt.Errorf("listing attempts of callback %q: %w", id, err)
	}
	made := make([]dispatch.Made, len(found))
	for i, r := range found {
		r.At, r.Latency, r.Next = fromMillis(r.at), time.Duration(r.latency)*time.Microsecond, fromMillis(r.next)
		made[i] = r.Made
	}
	return made, nil
}
