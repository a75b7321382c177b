package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
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
		raw, err := json.Marshal(e.Headers)
		if err != nil {
			return nil, fmt.Errorf("storing event from %q: %w", e.Source, err)
		}
		headers[i] = string(raw)
	}
	receipts := make([]webhook.Receipt, len(b.Events))
	// Of a single event nothing can fail behind the first statement but the disk.
	err := s.write(ctx, operation{bare: len(b.Events) == 1 && b.Raw == nil}, func(tx sqldb.Tx) error {
		delivery, err := keepRaw(ctx, tx, b)
		if err != nil {
			return err
		}
		for i, e := range b.Events {
			if receipts[i], err = s.accept(ctx, tx, e, headers[i], delivery); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("storing events from %q: %w", b.Events[0].Source, err)
	}
	if slices.ContainsFunc(receipts, func(r webhook.Receipt) bool { return !r.Duplicate }) {
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
func (s *Store) accept(ctx context.Context, tx sqldb.Tx, e webhook.Event, headers string, delivery sql.NullString) (webhook.Receipt, error) {
	at := millis(e.ReceivedAt)
	if e.Weak {
		// A hash of the content counts for a window only: then it may come again.
		if _, err := tx.ExecContext(ctx, `UPDATE events SET dedupe_key = NULL
			WHERE source = ? AND dedupe_key = ? AND received_at < ?`,
			e.Source, e.Key, at-webhook.WeakWindow.Milliseconds()); err != nil {
			return webhook.Receipt{}, err
		}
	}
	added, err := changedOne(tx.ExecContext(ctx, `INSERT INTO events
		(id, source, event_key, dedupe_key, weak, content_type, headers, body, received_at, provider_at, verified_by, status, last_seen_at, delivery, in_line)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', ?, ?, (SELECT COUNT(*) FROM lanes WHERE lane = ? AND ordered = 1))
		ON CONFLICT (source, dedupe_key) DO NOTHING`,
		e.ID, e.Source, e.Key, e.Key, e.Weak, e.ContentType, headers, e.Body, at, millis(e.ProviderAt), e.VerifiedBy, at, delivery, e.Source))
	switch {
	case err != nil:
		return webhook.Receipt{}, err
	case added:
		return webhook.Receipt{ID: e.ID}, enqueue(ctx, tx, dispatch.EventJob, e.ID, s.now())
	}
	first := webhook.Receipt{Duplicate: true}
	err = tx.QueryRowContext(ctx, `UPDATE events SET duplicates = duplicates + 1, last_seen_at = ?
		WHERE source = ? AND dedupe_key = ? RETURNING id`, at, e.Source, e.Key).Scan(&first.ID)
	return first, err
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
