package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
	"drawbridge/tools/sqldb"
)

var _ webhook.Inbox = (*Store)(nil)

// Accept stores events, dedupe keys and jobs in one transaction. The unique index
// decides who was first, so that a hundred deliveries at once make one event.
func (s *Store) Accept(ctx context.Context, b webhook.Batch) ([]webhook.Receipt, error) {
	headers := make([]string, len(b.Events))
	for i, e := range b.Events {
		var err error
		if headers[i], err = headersJSON(e.Headers); err != nil {
			return nil, fmt.Errorf("storing event from %q: %w", e.Source, err)
		}
	}
	receipts := make([]webhook.Receipt, len(b.Events))
	// Whether a duplicate runs again is decided by more than its key.
	how := How{Impatient: true, Keyed: !b.RerunIfFailed}
	if len(b.Events) == 1 && b.Raw == nil {
		// Of a single event nothing can fail behind the first statement but the disk.
		how.Bare = true
		if s.InOrder() && len(b.Events[0].Body) <= jointBody {
			how.Joint, how.Part = s.accepts, &acceptance{b, headers[0], receipts}
		}
	}
	err := s.Do(ctx, how, func(tx sqldb.Tx) error {
		if err := s.inTurn(ctx, tx, b.Events[0].Source); err != nil {
			return err
		}
		delivery, err := keepRaw(ctx, tx, b)
		if err != nil {
			return err
		}
		for i, e := range b.Events {
			if receipts[i], err = s.accept(ctx, tx, b, e, headers[i], delivery); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("storing events from %q: %w", b.Events[0].Source, err)
	}
	if slices.ContainsFunc(receipts, func(r webhook.Receipt) bool { return !r.Duplicate || r.Rerun }) {
		s.signal(dispatch.EventJob)
	}
	return receipts, nil
}

// keepRaw stores what was signed, if it is more than an event's body.
func keepRaw(ctx context.Context, tx sqldb.Tx, b webhook.Batch) (id sql.NullString, err error) {
	if b.Raw == nil {
		return id, nil
	}
	first := b.Events[0]
	id = sql.NullString{String: first.ID, Valid: true} // named after its first event
	_, err = tx.ExecContext(ctx, `INSERT INTO deliveries (id, source, body, received_at) VALUES (?, ?, ?, ?)`,
		id, first.Source, b.Raw, millis(first.ReceivedAt))
	return id, err
}

// accept stores one event, or notes that it came again.
func (s *Store) accept(ctx context.Context, tx sqldb.Tx, b webhook.Batch, e webhook.Event, headers string, delivery sql.NullString) (webhook.Receipt, error) {
	// At most twice: the key of an event that has not been seen for too long is free
	// once it is taken from it.
	for {
		added, err := s.insertEvent(ctx, tx, e, headers, delivery)
		if err != nil || added {
			return webhook.Receipt{ID: e.ID}, err
		}
		first, known, err := seenAgain(ctx, tx, b, e)
		if err != nil {
			return webhook.Receipt{}, err
		}
		if known {
			receipt := webhook.Receipt{ID: first, Duplicate: true}
			if b.RerunIfFailed {
				receipt.Rerun, err = s.rerunFailed(ctx, tx, first)
			}
			return receipt, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE events SET dedupe_key = NULL WHERE source = ? AND dedupe_key = ?`, e.Source, e.Key); err != nil {
			return webhook.Receipt{}, err
		}
	}
}

// insertEvent stores an event and its job, if its key is free.
func (s *Store) insertEvent(ctx context.Context, tx sqldb.Tx, e webhook.Event, headers string, delivery sql.NullString) (added bool, err error) {
	at := millis(e.ReceivedAt)
	added, err = changedOne(tx.ExecContext(ctx, `INSERT INTO events
		(id, source, event_key, dedupe_key, weak, content_type, headers, body, received_at, provider_at, verified_by, status, last_seen_at, delivery, in_line)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', ?, ?, (SELECT COUNT(*) FROM lanes WHERE lane = ? AND ordered = 1))
		ON CONFLICT (source, dedupe_key) DO NOTHING`,
		e.ID, e.Source, e.Key, e.Key, e.Weak, e.ContentType, headers, e.Body, at, millis(e.ProviderAt), e.VerifiedBy, at, delivery, e.Source))
	if err != nil || !added || s.InOrder() {
		return added, err
	}
	return true, enqueue(ctx, tx, dispatch.EventJob, e.ID, s.now())
}

// seenAgain counts a duplicate of an event whose key still counts: for as long as the
// source says from when it was last seen, and for a weak one, for its window from the
// beginning.
func seenAgain(ctx context.Context, tx sqldb.Tx, b webhook.Batch, e webhook.Event) (first string, known bool, err error) {
	keep := b.DedupeFor
	if keep == 0 {
		keep = webhook.DefaultDedupe
	}
	at := millis(e.ReceivedAt)
	err = tx.QueryRowContext(ctx, `UPDATE events SET duplicates = duplicates + 1, last_seen_at = MAX(last_seen_at, ?)
		WHERE source = ? AND dedupe_key = ? AND last_seen_at >= ? AND (weak = 0 OR received_at >= ?) RETURNING id`,
		at, e.Source, e.Key, at-keep.Milliseconds(), at-webhook.WeakWindow.Milliseconds()).Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return first, err == nil, err
}

// rerunFailed has an event routed again that came to nothing: it could not be routed,
// or every run that was ever made of it has failed or is dead, and nobody has done
// anything about one of them. A run that a person cancelled was not wanted, and one
// that succeeded would be done twice.
func (s *Store) rerunFailed(ctx context.Context, tx sqldb.Tx, id string) (failed bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT emptied_at = 0 AND (status = 'failed' AND successor = '' OR status = 'routed'
			AND EXISTS (SELECT 1 FROM runs WHERE event = events.id AND `+deadRun+`)
			AND NOT EXISTS (SELECT 1 FROM runs WHERE event = events.id AND state NOT IN ('failed', 'dead')))
		FROM events WHERE id = ?`, id).Scan(&failed)
	if err != nil || !failed {
		return false, err
	}
	return true, s.reroute(ctx, tx, id)
}

// changedOne reports whether a statement changed a row.
func changedOne(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Reject keeps the refusal and drops the oldest of the source beyond the ring.
func (s *Store) Reject(ctx context.Context, r webhook.Rejection) error {
	names, err := json.Marshal(r.HeaderNames)
	if err != nil {
		return fmt.Errorf("storing rejection from %q: %w", r.Source, err)
	}
	excerpt := r.Excerpt
	if excerpt == nil {
		excerpt = []byte{}
	}
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO rejections (source, at, remote, status, reason, header_names, excerpt)
			VALUES (?, ?, ?, ?, ?, ?, ?)`,
			r.Source, millis(r.At), r.Remote, r.Status, r.Reason, string(names), excerpt); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM rejections WHERE source = ? AND id <=
			(SELECT id FROM rejections WHERE source = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
			r.Source, r.Source, webhook.RejectedRing)
		return err
	})
	if err != nil {
		return fmt.Errorf("storing rejection from %q: %w", r.Source, err)
	}
	return nil
}
