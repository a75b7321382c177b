package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"net/mail"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

// GetMessage reads a message and its conversation.
func (b *Backend) GetMessage(ctx context.Context, id string) (email.Message, error) {
	r, err := load(ctx, b.db.Read(), id)
	if err != nil {
		return email.Message{}, err
	}
	thread, err := b.related(ctx, r)
	if err != nil {
		return email.Message{}, fmt.Errorf("reading the conversation of message %s: %w", id, err)
	}
	message := email.Message{
		Summary: email.Summary{
			ID:           r.id,
			Status:       r.status,
			From:         email.FormatAddress(r.stamp.From),
			To:           formatted(r.mail.To),
			Subject:      r.mail.Subject,
			Snippet:      email.Snippet(r.mail.Text),
			ThreadID:     r.thread,
			CreatedAt:    r.created,
			ScheduledFor: r.scheduled,
			SentAt:       r.out,
		},
		Cc:         formatted(r.mail.Cc),
		Bcc:        formatted(r.mail.Bcc),
		Text:       r.mail.Text,
		HasHTML:    r.mail.HTML != "",
		Delivery:   deliveryOf(r.status),
		MessageID:  r.stamp.MessageID,
		References: r.stamp.References,
		Headers:    email.ReadHeaders(r.raw),
		SizeBytes:  len(r.raw),
		Thread:     thread,
	}
	if r.mail.ReplyTo != nil {
		message.ReplyTo = email.FormatAddress(*r.mail.ReplyTo)
	}
	return message, nil
}

func formatted(list []mail.Address) []string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = email.FormatAddress(a)
	}
	return texts
}

// related lists the other messages of a conversation.
func (b *Backend) related(ctx context.Context, r record) ([]email.Related, error) {
	rows, err := b.db.Read().QueryContext(ctx, `SELECT m.id, m.status, s.name, s.address, m.subject, m.created_at
		FROM email_messages m JOIN email_participants s ON s.message = m.id AND s.role = 'from' AND s.position = 0
		WHERE m.thread_id = ? AND m.id <> ? ORDER BY m.created_at, m.id LIMIT 50`, r.thread, r.id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	thread := []email.Related{}
	for rows.Next() {
		var other email.Related
		var from mail.Address
		var created sql.NullInt64
		if err := rows.Scan(&other.ID, &other.Status, &from.Name, &from.Address, &other.Subject, &created); err != nil {
			return nil, err
		}
		other.From, other.CreatedAt = email.FormatAddress(from), fromMillis(created)
		thread = append(thread, other)
	}
	return thread, rows.Err()
}

// Wire gives a message as it would go to a mail server, for people who want to
// see it. A draft has no such form yet: that is a conflict.
func (b *Backend) Wire(ctx context.Context, id string) (email.Wire, error) {
	r, err := load(ctx, b.db.Read(), id)
	if err != nil {
		return email.Wire{}, err
	}
	if r.raw == nil {
		return email.Wire{}, tools.Errorf(tools.Conflict, "id: message %s is a draft; it is written for the wire when it is sent", id)
	}
	return email.Wire{From: r.stamp.From.Address, Recipients: r.mail.Recipients(), Raw: r.raw}, nil
}
