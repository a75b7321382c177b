package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"drawbridge/tools/email"
	"drawbridge/tools/sqldb"
)

// Receive keeps a message from outside and returns its id. It joins the
// conversation of whichever message its references name. A Message-ID that is
// already kept is the same mail arriving again: the id it has is returned.
//
// The message is told by its fields (m.InReplyTo is not used, s.References is)
// and kept as they compose: this is the door of samples and of tests, not of a
// mail server, whose mail is more various than this family writes.
func (b *Backend) Receive(ctx context.Context, m email.Mail, s email.Stamp) (id string, err error) {
	if id, err = newID(); err != nil {
		return "", err
	}
	r := record{id: id, thread: id, status: email.Received, mail: m, stamp: s, created: b.clock()}
	if err := r.compose(s.MessageID, s.Date); err != nil {
		return "", err
	}
	err = b.db.Write(ctx, func(tx sqldb.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT id FROM email_messages WHERE message_id = ?`, s.MessageID).Scan(&id)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := r.joinThread(ctx, tx); err != nil {
			return err
		}
		return r.insert(ctx, tx)
	})
	if err != nil {
		return "", fmt.Errorf("receiving a message: %w", err)
	}
	return id, nil
}

// joinThread takes the conversation of the newest reference that is known here.
func (r *record) joinThread(ctx context.Context, tx sqldb.Tx) error {
	for _, reference := range slices.Backward(r.stamp.References) {
		err := tx.QueryRowContext(ctx, `SELECT thread_id FROM email_messages WHERE message_id = ?`, reference).Scan(&r.thread)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}
