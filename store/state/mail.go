package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"drawbridge/server/mailwatch"
	"drawbridge/tools/sqldb"
)

var _ mailwatch.Store = (*Store)(nil)

// MailPosition is how far the mailbox of a source was read.
func (s *Store) MailPosition(ctx context.Context, source string) (p mailwatch.Position, known bool, err error) {
	var at int64
	err = s.Read().QueryRowContext(ctx, `SELECT mailbox, validity, uid, at FROM mail_positions WHERE source = ?`, source).Scan(&p.Mailbox, &p.Validity, &p.UID, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return mailwatch.Position{}, false, nil
	}
	if err != nil {
		return mailwatch.Position{}, false, fmt.Errorf("reading how far the mail of %q was read: %w", source, err)
	}
	p.At = fromMillis(at)
	return p, true, nil
}

// MoveMail notes how far the mailbox of a source was read.
func (s *Store) MoveMail(ctx context.Context, source string, to mailwatch.Position) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO mail_positions (source, mailbox, validity, uid, at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (source) DO UPDATE SET mailbox = excluded.mailbox, validity = excluded.validity, uid = excluded.uid, at = excluded.at
			WHERE mail_positions.mailbox <> excluded.mailbox OR mail_positions.validity <> excluded.validity OR mail_positions.uid < excluded.uid`,
			source, to.Mailbox, int64(to.Validity), int64(to.UID), millis(to.At))
		return err
	})
	if err != nil {
		return fmt.Errorf("noting how far the mail of %q was read: %w", source, err)
	}
	return nil
}
