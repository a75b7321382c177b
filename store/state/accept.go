package state

import (
	"context"
	"database/sql"
	"strings"

	"drawbridge/server/webhook"
	"drawbridge/tools/sqldb"
)

// acceptance is the accept of one event, as it is carried out together with others.
type acceptance struct {
	batch    webhook.Batch
	headers  string
	receipts []webhook.Receipt
}

// together are how many events, or rows of the audit, one statement stores, the most
// first: each number is a statement that is prepared once.
var together = []int{16, 8, 4, 2, 1}

// jointBody bounds what is stored together with others, in bytes: all of it is in memory
// once more while it is, and of large bodies the copying is what costs.
const jointBody = 64 << 10

// acceptTogether carries out accepts of one event each. A statement for sixteen costs a
// third less than sixteen: what it takes to begin and end one is half of it.
func (s *Store) acceptTogether(tx sqldb.Tx, parts []any) error {
	ctx := context.Background() // the transaction goes by nobody's
	for _, n := range together {
		for len(parts) >= n {
			if err := s.acceptSome(ctx, tx, parts[:n]); err != nil {
				return err
			}
			parts = parts[n:]
		}
	}
	return nil
}

func (s *Store) acceptSome(ctx context.Context, tx sqldb.Tx, parts []any) error {
	added, last, err := insertEvents(ctx, tx, parts)
	if err != nil {
		return err
	}
	for _, part := range parts {
		p := part.(*acceptance)
		e := p.batch.Events[0]
		if added < len(parts) { // some came again
			isNew := added > 0
			if isNew {
				if isNew, err = addedBehind(ctx, tx, e.ID, last-int64(added)); err != nil {
					return err
				}
			}
			if !isNew {
				if p.receipts[0], err = s.accept(ctx, tx, p.batch, e, p.headers, sql.NullString{}); err != nil {
					return err
				}
				continue
			}
		}
		p.receipts[0] = webhook.Receipt{ID: e.ID}
	}
	return nil
}

// addedBehind reports whether an event is one of those that were added behind a number.
func addedBehind(ctx context.Context, tx sqldb.Tx, event string, seq int64) (is bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM events WHERE id = ? AND seq > ?)`, event, seq).Scan(&is)
	return is, err
}

// insertEvents stores those events whose keys are free. It says how many there were, and
// the number of the last, if any.
func insertEvents(ctx context.Context, tx sqldb.Tx, parts []any) (added int, last int64, err error) {
	args := make([]any, 0, len(parts)*eventArgs)
	for _, part := range parts {
		p := part.(*acceptance)
		e := &p.batch.Events[0]
		args = append(args, e.ID, e.Source, e.Key, e.Weak, e.ContentType, p.headers, e.Body, millis(e.ReceivedAt), millis(e.ProviderAt), e.VerifiedBy)
	}
	res, err := tx.ExecContext(ctx, insertOf[len(parts)], args...)
	if err != nil {
		return 0, 0, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, 0, err
	}
	last, err = res.LastInsertId()
	return int(n), last, err
}

// eventArgs is how many arguments an event is to insertOf.
const eventArgs = 10

// insertOf is the statement that stores so many events. Each value is bound once.
var insertOf = func() map[int]string {
	texts := map[int]string{}
	for _, n := range together {
		texts[n] = `INSERT INTO events
			(id, source, event_key, dedupe_key, weak, content_type, headers, body, received_at, provider_at, verified_by, status, last_seen_at, in_line)
			SELECT column1, column2, column3, column3, column4, column5, column6, column7, column8, column9, column10, 'accepted', column8,
				(SELECT COUNT(*) FROM lanes WHERE lane = column2 AND ordered = 1)
			FROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)` + strings.Repeat(`, (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, n-1) + `) AS come WHERE TRUE
			ON CONFLICT (source, dedupe_key) DO NOTHING`
	}
	return texts
}()
