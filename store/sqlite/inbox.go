package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
	"drawbridge/tools/sqldb"
)

var _ webhook.Inbox = (*Store)(nil)

// Accept stores event, dedupe key and job in one transaction. The unique index
// decides who was first, so that a hundred deliveries at once make one event.
func (s *Store) Accept(ctx context.Context, e webhook.Event) (webhook.Receipt, error) {
	headers, err := json.Marshal(e.Headers)
	if err != nil {
		return webhook.Receipt{}, fmt.Errorf("storing event from %q: %w", e.Source, err)
	}
	at := millis(e.ReceivedAt)
	var first string
	err = s.write(ctx, operation{bare: true}, func(tx sqldb.Tx) error {
		if e.Weak {
			// A hash of the content counts for a window only: then it may come again.
			if _, err := tx.ExecContext(ctx, `UPDATE events SET dedupe_key = NULL
				WHERE source = ? AND dedupe_key = ? AND received_at < ?`,
				e.Source, e.Key, at-webhook.WeakWindow.Milliseconds()); err != nil {
				return err
			}
		}
		added, err := changedOne(tx.ExecContext(ctx, `INSERT INTO events
			(id, source, event_key, dedupe_key, weak, content_type, headers, body, received_at, verified_by, status, last_seen_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', ?)
			ON CONFLICT (source, dedupe_key) DO NOTHING`,
			e.ID, e.Source, e.Key, e.Key, e.Weak, e.ContentType, string(headers), e.Body, at, e.VerifiedBy, at))
		if err != nil {
			return err
		}
		if added {
			first = e.ID
			return enqueue(ctx, tx, dispatch.EventJob, e.ID, s.now())
		}
		return tx.QueryRowContext(ctx, `UPDATE events SET duplicates = duplicates + 1, last_seen_at = ?
			WHERE source = ? AND dedupe_key = ? RETURNING id`, at, e.Source, e.Key).Scan(&first)
	})
	if err != nil {
		return webhook.Receipt{}, fmt.Errorf("storing event from %q: %w", e.Source, err)
	}
	if first == e.ID {
		s.signal(dispatch.EventJob)
	}
	return webhook.Receipt{ID: first, Duplicate: first != e.ID}, nil
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
