package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

var _ dispatch.Queue = (*Store)(nil)

// noting is a transaction whose engine wants to know of jobs that are added or moved. It
// is told before they are, which comes to the same: the transaction is all or nothing.
type noting interface {
	Enqueued(kind dispatch.Kind, ref string, due time.Time)
}

func noteJob(tx sqldb.Tx, kind dispatch.Kind, ref string, due time.Time) {
	if engine, ok := tx.(noting); ok {
		engine.Enqueued(kind, ref, due)
	}
}

// enqueue adds a job of ordinary priority due at a time, or moves the one that is there.
// A run has a priority of its own: enqueueRun.
func enqueue(ctx context.Context, tx sqldb.Tx, kind dispatch.Kind, ref string, due time.Time) error {
	noteJob(tx, kind, ref, due)
	_, err := tx.ExecContext(ctx, `INSERT INTO jobs (kind, ref, due_at, leased) VALUES (?, ?, ?, 0)
		ON CONFLICT (kind, ref) DO UPDATE SET due_at = excluded.due_at, leased = 0`, string(kind), ref, millis(due))
	return err
}

// enqueueRun is enqueue for a run: its job has the run's priority.
func enqueueRun(ctx context.Context, tx sqldb.Tx, id string, due time.Time) error {
	noteJob(tx, dispatch.RunJob, id, due)
	_, err := tx.ExecContext(ctx, `INSERT INTO jobs (kind, ref, priority, due_at, leased) VALUES ('run', ?, (SELECT priority FROM runs WHERE id = ?), ?, 0)
		ON CONFLICT (kind, ref) DO UPDATE SET priority = excluded.priority, due_at = excluded.due_at, leased = 0`, id, id, millis(due))
	return err
}

// rank is how a priority stands in the tables: 0 goes first.
func rank(p dispatch.Priority) int { return int(p - dispatch.High) }

// dueQuery and nextDueQuery have the kind in their text: one of the indexes of jobs is of
// a kind, and SQLite compiles a statement anew each time that a parameter may decide
// whether it can use such an index.
var dueQuery, nextDueQuery = ofKinds(`SELECT ref FROM jobs WHERE kind = $KIND AND priority = ? AND due_at <= ? ORDER BY due_at, ref LIMIT ?`),
	ofKinds(`SELECT MIN(due) FROM (
		SELECT MIN(due_at) AS due FROM jobs WHERE kind = $KIND AND priority = 0 UNION ALL
		SELECT MIN(due_at) FROM jobs WHERE kind = $KIND AND priority = 1 UNION ALL
		SELECT MIN(due_at) FROM jobs WHERE kind = $KIND AND priority = 2) AS first`)

// ofKinds is a query for each kind of job.
func ofKinds(query string) map[dispatch.Kind]string {
	all := make(map[dispatch.Kind]string, len(kinds))
	for _, kind := range kinds {
		all[kind] = strings.ReplaceAll(query, "$KIND", "'"+string(kind)+"'")
	}
	return all
}

// lease takes up to limit due jobs, those of the highest priority first, and gives
// what they wake.
func (s *Store) lease(ctx context.Context, tx sqldb.Tx, kind dispatch.Kind, limit int, lease time.Duration) ([]string, error) {
	now := s.now()
	var refs []string
	for priority := dispatch.High; priority <= dispatch.Low && len(refs) < limit; priority++ {
		rows, err := tx.QueryContext(ctx, dueQuery[kind], rank(priority), millis(now), limit-len(refs))
		if err != nil {
			return nil, err
		}
		due, err := collect(rows, func(ref *string) []any { return []any{ref} })
		if err != nil {
			return nil, err
		}
		refs = append(refs, due...)
	}
	for _, ref := range refs {
		if err := s.take(ctx, tx, kind, ref, now.Add(lease)); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

// take leases one job to this process.
func (s *Store) take(ctx context.Context, tx sqldb.Tx, kind dispatch.Kind, ref string, until time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE jobs SET due_at = ?, leased = 1, node = ? WHERE kind = ? AND ref = ?`, millis(until), s.node, string(kind), ref)
	return err
}

// finishJob removes the job; false if it was not there.
func finishJob(ctx context.Context, tx sqldb.Tx, kind dispatch.Kind, ref string) (bool, error) {
	return changedOne(tx.ExecContext(ctx, `DELETE FROM jobs WHERE kind = ? AND ref = ?`, string(kind), ref))
}

// Renew extends leases; a job that has ended, was put down or was taken over meanwhile is
// passed over: it keeps the time it was put off to. One statement for all: a thousand would
// hold up everybody else's writes.
func (s *Store) Renew(ctx context.Context, kind dispatch.Kind, refs []string, lease time.Duration) (lost []string, err error) {
	list, err := json.Marshal(refs)
	if err != nil {
		return nil, fmt.Errorf("renewing leases of %s work: %w", kind, err)
	}
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		rows, err := tx.QueryContext(ctx, `UPDATE jobs SET due_at = ? WHERE kind = ? AND leased = 1 AND node = ? AND ref IN (SELECT value FROM json_each(?)) RETURNING ref`,
			millis(s.now().Add(lease)), string(kind), s.node, string(list))
		if err != nil {
			return err
		}
		renewed, err := collect(rows, func(ref *string) []any { return []any{ref} })
		kept := make(map[string]bool, len(renewed))
		for _, ref := range renewed {
			kept[ref] = true
		}
		lost = slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return kept[ref] })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("renewing leases of %s work: %w", kind, err)
	}
	return lost, nil
}

// Postpone puts work down until a time without a word about it.
func (s *Store) Postpone(ctx context.Context, kind dispatch.Kind, ref string, until time.Time) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		noteJob(tx, kind, ref, until)
		_, err := tx.ExecContext(ctx, `UPDATE jobs SET due_at = ?, leased = 0 WHERE kind = ? AND ref = ?`, millis(until), string(kind), ref)
		return err
	})
	if err != nil {
		return fmt.Errorf("postponing %s %q: %w", kind, ref, err)
	}
	s.signal(kind)
	return nil
}

// NextDue is when the earliest job of the kind is due.
func (s *Store) NextDue(ctx context.Context, kind dispatch.Kind) (time.Time, bool, error) {
	var due sql.NullInt64
	err := s.Read().QueryRowContext(ctx, nextDueQuery[kind]).Scan(&due)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("looking for the next %s: %w", kind, err)
	}
	at, ok := fromMillis(due.Int64), due.Valid
	if kind != dispatch.EventJob {
		return at, ok, nil
	}
	came, waits, err := s.nextArrival(ctx)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("looking for the next %s: %w", kind, err)
	}
	if waits && (!ok || came.Before(at)) {
		at, ok = came, true
	}
	return at, ok, nil
}

// Wake tells that jobs of the kind were added or moved.
func (s *Store) Wake(kind dispatch.Kind) <-chan struct{} { return s.wake[kind] }

// signal wakes the kinds' workers, after the commit.
func (s *Store) signal(kinds ...dispatch.Kind) {
	for _, kind := range kinds {
		select {
		case s.wake[kind] <- struct{}{}:
		default: // somebody is about to look anyway
		}
	}
}

// reclaim makes every leased job due whose holder has ended.
func (s *Store) reclaim(ctx context.Context) error {
	if of, ok := s.Engine.(nodes); ok {
		return of.Reclaim(ctx, s.now())
	}
	return s.Write(ctx, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE jobs SET due_at = ?, leased = 0 WHERE leased = 1`, millis(s.now()))
		return err
	})
}

// collect scans all rows into a slice and closes them.
func collect[T any](rows *sql.Rows, fields func(*T) []any) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
