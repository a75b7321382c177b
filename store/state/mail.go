package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/mailwatch"
	"drawbridge/server/webhook"
	"drawbridge/tools/sqldb"
)

var _ mailwatch.Store = (*Store)(nil)

// MailPosition is how far the mailbox of a source was read.
func (s *Store) MailPosition(ctx context.Context, source string) (mailwatch.Position, bool, error) {
	return mailPosition(ctx, s.Read(), source)
}

func mailPosition(ctx context.Context, from sqldb.Querier, source string) (p mailwatch.Position, known bool, err error) {
	var at, since int64
	err = from.QueryRowContext(ctx, `SELECT mailbox, validity, uid, at, since, upto FROM mail_positions WHERE source = ?`, source).
		Scan(&p.Mailbox, &p.Validity, &p.UID, &at, &since, &p.Upto)
	if errors.Is(err, sql.ErrNoRows) {
		return mailwatch.Position{}, false, nil
	}
	if err != nil {
		return mailwatch.Position{}, false, fmt.Errorf("reading how far the mail of %q was read: %w", source, err)
	}
	p.At, p.Since = fromMillis(at), fromMillis(since)
	return p, true, nil
}

// BeginMail notes where the reading of a source's mailbox begins.
func (s *Store) BeginMail(ctx context.Context, source string, was *mailwatch.Position, to mailwatch.Position) error {
	return s.Write(ctx, func(tx sqldb.Tx) error {
		at, known, err := mailPosition(ctx, tx, source)
		if err != nil {
			return err
		}
		if known != (was != nil) || known && !samePosition(at, *was) {
			return mailwatch.ErrMoved
		}
		return moveMail(ctx, tx, source, to)
	})
}

// AcceptMail stores a message's event and how far its mailbox is read with it, in one
// transaction: no crash is between the two.
func (s *Store) AcceptMail(ctx context.Context, e webhook.Event, keep time.Duration, to mailwatch.Position) (receipt webhook.Receipt, err error) {
	headers, err := headersJSON(e.Headers)
	if err != nil {
		return receipt, fmt.Errorf("storing mail of %q: %w", e.Source, err)
	}
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		if err := s.inTurn(ctx, tx, e.Source); err != nil {
			return err
		}
		at, known, err := mailPosition(ctx, tx, e.Source)
		if err != nil {
			return err
		}
		if !known || at.Mailbox != to.Mailbox || at.Validity != to.Validity || at.UID >= to.UID {
			return mailwatch.ErrMoved
		}
		if err := moveMail(ctx, tx, e.Source, to); err != nil {
			return err
		}
		receipt, err = s.accept(ctx, tx, webhook.Batch{Events: []webhook.Event{e}, DedupeFor: keep}, e, headers, sql.NullString{})
		return err
	})
	if err != nil {
		return webhook.Receipt{}, fmt.Errorf("storing mail of %q: %w", e.Source, err)
	}
	if !receipt.Duplicate {
		s.signal(dispatch.EventJob)
	}
	return receipt, nil
}

func moveMail(ctx context.Context, tx sqldb.Tx, source string, to mailwatch.Position) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO mail_positions (source, mailbox, validity, uid, at, since, upto) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (source) DO UPDATE SET mailbox = excluded.mailbox, validity = excluded.validity, uid = excluded.uid, at = excluded.at, since = excluded.since, upto = excluded.upto`,
		source, to.Mailbox, int64(to.Validity), int64(to.UID), millis(to.At), millis(to.Since), int64(to.Upto))
	if err != nil {
		return fmt.Errorf("noting how far the mail of %q was read: %w", source, err)
	}
	return nil
}

// samePosition compares as positions are kept, to the millisecond.
func samePosition(a, b mailwatch.Position) bool {
	same := millis(a.At) == millis(b.At) && millis(a.Since) == millis(b.Since)
	a.At, a.Since, b.At, b.Since = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return same && a == b
}
