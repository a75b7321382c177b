package sqlite

import (
	"context"
	"fmt"

	"drawbridge/bridge"
	"drawbridge/tools/sqldb"
)

var _ bridge.Journal = (*Store)(nil)

// Entries gives the run's journal in order.
func (s *Store) Entries(ctx context.Context, run string) ([]bridge.Entry, error) {
	return s.EntriesAfter(ctx, run, 0)
}

// EntriesAfter gives the entries behind a sequence number, for following a run.
func (s *Store) EntriesAfter(ctx context.Context, run string, seq int64) ([]bridge.Entry, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT seq, kind, at, body FROM journal WHERE run = ? AND seq > ? ORDER BY seq`, run, seq)
	if err != nil {
		return nil, fmt.Errorf("reading the journal of run %q: %w", run, err)
	}
	type entryRow struct {
		bridge.Entry
		at   int64
		body string
	}
	found, err := collect(rows, func(r *entryRow) []any { return []any{&r.Seq, &r.Kind, &r.at, &r.body} })
	if err != nil {
		return nil, fmt.Errorf("reading the journal of run %q: %w", run, err)
	}
	entries := make([]bridge.Entry, len(found))
	for i, r := range found {
		entries[i] = r.Entry
		entries[i].At, entries[i].Body = fromMillis(r.at), []byte(r.body)
	}
	return entries, nil
}

// Append adds entries under the lease. The condition and the primary key are the
// fence: a stale epoch writes nothing, and entry n exists once. A run that has
// something to journal makes progress: its faults in a row begin anew.
func (s *Store) Append(ctx context.Context, lease bridge.Lease, entries ...bridge.Entry) error {
	err := s.write(ctx, operation{bare: true}, func(tx sqldb.Tx) error {
		for _, e := range entries {
			if err := fenced(tx.ExecContext(ctx, `INSERT INTO journal (run, seq, kind, at, body)
				SELECT ?, ?, ?, ?, ? FROM runs WHERE id = ? AND epoch = ? AND state = 'running'
					AND ? = 1 + (SELECT COALESCE(MAX(seq), 0) FROM journal WHERE run = ?)`,
				lease.Run, e.Seq, string(e.Kind), millis(e.At), string(e.Body), lease.Run, lease.Epoch, e.Seq, lease.Run)); err != nil {
				return err
			}
		}
		return s.progressed(ctx, tx, lease)
	})
	if err != nil {
		return fmt.Errorf("appending to the journal of run %q: %w", lease.Run, err)
	}
	return nil
}

// progressed ends the row of faults and counts the time worked.
func (s *Store) progressed(ctx context.Context, tx sqldb.Tx, lease bridge.Lease) error {
	now := millis(s.now())
	_, err := tx.ExecContext(ctx, `UPDATE runs SET attempts = 0, worked_ms = worked_ms + MAX(0, ? - touched_at), touched_at = ?
		WHERE id = ? AND epoch = ?`, now, now, lease.Run, lease.Epoch)
	return err
}
