package state

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"drawbridge/tools/sqldb"
)

// An event that has just come needs a job, and on an engine that is in order it has one
// without a row: whatever stands behind the mark in arrivals, and is still as it came, is
// due. That is a fifth of what an accept costs the writer. Whoever claims events moves
// the mark on, and gives what it passes the rows. An event that is routed again has its
// row at once; the mark passes it by.

// behindMark is an event whose job is implied.
const behindMark = `status = 'accepted' AND seq > (SELECT seq FROM arrivals)`

// isBehindMark reports whether an event's job is implied: it ends with the event's status.
func (s *Store) isBehindMark(ctx context.Context, tx sqldb.Tx, event string) (is bool, err error) {
	if !s.InOrder() {
		return false, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM events WHERE id = ? AND `+behindMark+`)`, event).Scan(&is)
	return is, err
}

// adopt gives the next events behind the mark their jobs, as many as the limit says.
func (s *Store) adopt(ctx context.Context, tx sqldb.Tx, limit int) error {
	if !s.InOrder() {
		return nil
	}
	var from int64
	var to sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT (SELECT seq FROM arrivals), (SELECT MAX(seq) FROM
		(SELECT seq FROM events WHERE seq > (SELECT seq FROM arrivals) ORDER BY seq LIMIT ?) AS next)`, limit).Scan(&from, &to)
	if err != nil || !to.Valid {
		return err
	}
	// Due since it came, so that those that were put off take their turns among them.
	now := millis(s.now())
	if _, err := tx.ExecContext(ctx, `INSERT INTO jobs (kind, ref, due_at, leased)
		SELECT 'event', id, CASE WHEN received_at < ? THEN received_at ELSE ? END, 0 FROM events WHERE seq > ? AND seq <= ? AND status = 'accepted'
		ON CONFLICT (kind, ref) DO NOTHING`, now, now, from, to.Int64); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE arrivals SET seq = ?`, to.Int64)
	return err
}

// retreat takes the mark back to the last event there is: the number of one that was
// removed behind that is given again.
func (s *Store) retreat(ctx context.Context, tx sqldb.Tx) error {
	if !s.InOrder() {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE arrivals SET seq = (SELECT COALESCE(MAX(seq), 0) FROM events) WHERE seq > (SELECT COALESCE(MAX(seq), 0) FROM events)`)
	return err
}

// nextArrival is when the first event behind the mark came.
func (s *Store) nextArrival(ctx context.Context) (came time.Time, ok bool, err error) {
	if !s.InOrder() {
		return time.Time{}, false, nil
	}
	var at int64
	err = s.Read().QueryRowContext(ctx, `SELECT received_at FROM events WHERE `+behindMark+` ORDER BY seq LIMIT 1`).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	return fromMillis(at), err == nil, err
}
