package state

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
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

// Append adds entries under the lease. The epoch and the primary key are the fence: a
// stale worker writes nothing, and entry n exists once. A run that has something to
// journal makes progress: its faults in a row begin anew. Rows of the audit that were put
// aside for it ([guard.WithAside]) are written with them.
func (s *Store) Append(ctx context.Context, lease bridge.Lease, entries ...bridge.Entry) error {
	spent := bridge.Spent(entries)
	aside := guard.AsideOf(ctx)
	rows := aside.Take()
	how := How{Bare: true, Keyed: true}
	// Where other processes live on when the database is killed, they would go on from what
	// is lost.
	how.Relaxed = s.Alone() && !slices.ContainsFunc(entries, func(e bridge.Entry) bool { return !e.Inward })
	err := s.Do(ctx, how, func(tx sqldb.Tx) error {
		run, err := held(ctx, tx, lease)
		if err != nil {
			return err
		}
		if err := run.follows(entries); err != nil {
			return err
		}
		if err := appendEntries(ctx, tx, lease.Run, entries); err != nil {
			return err
		}
		if err := s.appendRows(ctx, tx, rows...); err != nil {
			return err
		}
		return run.progressed(ctx, tx, s.now(), spent)
	})
	if err != nil {
		if len(rows) > 0 {
			away := errors.Is(err, dispatch.ErrAway)
			for i := range rows {
				rows[i].Doubted = rows[i].Doubted || away
			}
			aside.Put(rows...)
		}
		return fmt.Errorf("appending to the journal of run %q: %w", lease.Run, err)
	}
	s.changed(lease.Run)
	return nil
}

func appendEntries(ctx context.Context, tx sqldb.Tx, run string, entries []bridge.Entry) error {
	for _, e := range entries {
		if err := sqldb.Later(ctx, tx, `INSERT INTO journal (run, seq, kind, at, body) VALUES (?, ?, ?, ?, ?)`,
			run, e.Seq, string(e.Kind), millis(e.At), string(e.Body)); err != nil {
			return err
		}
	}
	return nil
}

// lastEntry is the sequence number of a journal's last entry, 0 if it has none.
func lastEntry(ctx context.Context, tx sqldb.Tx, run string) (seq int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) FROM journal WHERE run = ?`, run).Scan(&seq)
	return seq, err
}
