package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/sqldb"
)

// record is a row of messages with its participants.
type record struct {
	id, thread              string
	status                  email.Status
	mail                    email.Mail
	stamp                   email.Stamp // without Date and MessageID for a draft
	raw                     []byte      // nil for a draft
	created, scheduled, out time.Time   // zero if not so
}

// begin makes the record of a new message from the default sender, in the
// conversation it belongs to.
func (b *Backend) begin(ctx context.Context, tx sqldb.Tx, m email.Mail) (record, error) {
	id, err := newID()
	if err != nil {
		return record{}, err
	}
	r := record{id: id, thread: id, mail: m, created: b.clock(), stamp: email.Stamp{From: b.from}}
	if m.InReplyTo == "" {
		return r, nil
	}
	var answered, references string
	err = tx.QueryRowContext(ctx, `SELECT coalesce(message_id, ''), reference_ids, thread_id FROM email_messages WHERE id = ?`, m.InReplyTo).
		Scan(&answered, &references, &r.thread)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return record{}, email.NoMessage("in_reply_to", m.InReplyTo)
	case err != nil:
		return record{}, fmt.Errorf("reading the message answered: %w", err)
	case answered == "":
		return record{}, tools.Errorf(tools.Conflict, "in_reply_to: message %s is a draft, and nobody has it yet; send it first, or leave in_reply_to out", m.InReplyTo)
	}
	r.stamp.References = email.AppendReference(strings.Fields(references), answered)
	return r, nil
}

// compose stamps the message for a moment and writes it as it goes on the wire.
func (r *record) compose(messageID string, date time.Time) (err error) {
	r.stamp.MessageID, r.stamp.Date = messageID, date
	r.raw, err = email.Compose(r.mail, r.stamp)
	return err
}

func (r *record) insert(ctx context.Context, tx sqldb.Tx) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO email_messages
		(id, status, thread_id, subject, body_text, body_html, search_text, reference_ids, message_id, raw, idempotency_key, created_at, scheduled_for, sent_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.id, r.status, r.thread, r.mail.Subject, r.mail.Text, r.mail.HTML, r.searchText(), strings.Join(r.stamp.References, " "),
		orNull(r.stamp.MessageID), r.raw, orNull(tools.Key(ctx)), r.created.UnixMilli(), millis(r.scheduled), millis(r.out))
	if err != nil {
		return fmt.Errorf("keeping a message: %w", err)
	}
	for _, group := range r.participants() {
		for i, a := range group.list {
			_, err := tx.ExecContext(ctx, `INSERT INTO email_participants (message, role, position, name, address) VALUES (?, ?, ?, ?, ?)`,
				r.id, group.role, i, a.Name, a.Address)
			if err != nil {
				return fmt.Errorf("keeping a participant: %w", err)
			}
		}
	}
	return nil
}

// group is the participants of one role.
type group struct {
	role string
	list []mail.Address
}

func (r *record) participants() []group {
	all := []group{{"from", []mail.Address{r.stamp.From}}, {"to", r.mail.To}, {"cc", r.mail.Cc}, {"bcc", r.mail.Bcc}}
	if r.mail.ReplyTo != nil {
		all = append(all, group{"reply_to", []mail.Address{*r.mail.ReplyTo}})
	}
	return all
}

// searchText is what a search looks through. Lines keep the parts apart, so that
// no match runs from one into the next.
func (r *record) searchText() string {
	parts := []string{r.mail.Subject}
	for _, group := range r.participants() {
		for _, a := range group.list {
			parts = append(parts, a.Name+" <"+a.Address+">")
		}
	}
	return strings.ToLower(strings.Join(append(parts, r.mail.Text), "\n"))
}

const (
	noteSent      = "Kept in the outbox; not sent to the network."
	noteScheduled = "Will be kept in the outbox as sent at that time; nothing goes to the network."
)

func (r *record) receipt() email.Receipt {
	receipt := email.Receipt{
		ID:           r.id,
		Status:       r.status,
		Subject:      r.mail.Subject,
		Recipients:   r.mail.Recipients(),
		MessageID:    r.stamp.MessageID,
		ScheduledFor: r.scheduled,
		SentAt:       r.out,
	}
	receipt.Delivery = deliveryOf(r.status)
	switch r.status {
	case email.Sent:
		receipt.Note = noteSent
	case email.Scheduled:
		receipt.Note = noteScheduled
	}
	return receipt
}

// deliveryOf is how far a message of a status goes from here.
func deliveryOf(status email.Status) string {
	if status == email.Sent || status == email.Scheduled {
		return email.DeliveryOutbox
	}
	return ""
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func fromMillis(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}
