package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	"drawbridge/tools/email"
	"drawbridge/tools/sqldb"
)

// load reads a message in full, or answers that there is none.
func load(ctx context.Context, q sqldb.Querier, id string) (record, error) {
	r := record{id: id}
	var references string
	var created, scheduled, out sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT status, thread_id, subject, body_text, body_html, reference_ids, coalesce(message_id, ''), raw, created_at, scheduled_for, sent_at
		FROM email_messages WHERE id = ? AND `+public, id).
		Scan(&r.status, &r.thread, &r.mail.Subject, &r.mail.Text, &r.mail.HTML, &references, &r.stamp.MessageID, &r.raw, &created, &scheduled, &out)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return record{}, email.NoMessage("id", id)
	case err != nil:
		return record{}, fmt.Errorf("reading message %s: %w", id, err)
	}
	r.stamp.References = strings.Fields(references)
	r.created, r.scheduled, r.out = fromMillis(created), fromMillis(scheduled), fromMillis(out)
	if err := r.loadParticipants(ctx, q); err != nil {
		return record{}, fmt.Errorf("reading the participants of message %s: %w", id, err)
	}
	return r, nil
}

func (r *record) loadParticipants(ctx context.Context, q sqldb.Querier) error {
	rows, err := q.QueryContext(ctx, `SELECT role, name, address FROM email_participants WHERE message = ? ORDER BY role, position`, r.id)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var role string
		var a mail.Address
		if err := rows.Scan(&role, &a.Name, &a.Address); err != nil {
			return err
		}
		switch role {
		case "from":
			r.stamp.From = a
		case "reply_to":
			r.mail.ReplyTo = &a
		case "to":
			r.mail.To = append(r.mail.To, a)
		case "cc":
			r.mail.Cc = append(r.mail.Cc, a)
		case "bcc":
			r.mail.Bcc = append(r.mail.Bcc, a)
		}
	}
	return rows.Err()
}
