package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"net/mail"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/email"
)

// position is where a page of a search ended.
type position struct {
	At int64  `json:"at"`
	ID string `json:"id"`
}

// SearchMessages lists messages by the time they were made, which never changes:
// a message that is sent between two pages is neither skipped nor shown twice.
func (b *Backend) SearchMessages(ctx context.Context, f email.Filter) (email.MessageList, error) {
	where, args, err := conditions(f)
	if err != nil {
		return email.MessageList{}, err
	}
	// where is made of constant texts; all values are arguments.
	rows, err := b.db.Read().QueryContext(ctx, `SELECT m.id, m.status, s.name, s.address, m.subject, substr(m.body_text, 1, 640), m.thread_id, m.created_at, m.scheduled_for, m.sent_at
		FROM email_messages m JOIN email_participants s ON s.message = m.id AND s.role = 'from' AND s.position = 0
		WHERE `+where+` ORDER BY m.created_at DESC, m.id DESC LIMIT ?`, append(args, f.Size()+1)...)
	if err != nil {
		return email.MessageList{}, fmt.Errorf("searching messages: %w", err)
	}
	defer rows.Close()
	list := email.MessageList{Messages: []email.Summary{}}
	for rows.Next() {
		if len(list.Messages) == f.Size() {
			last := list.Messages[f.Size()-1]
			list.NextCursor = tools.EncodeCursor(position{At: last.CreatedAt.UnixMilli(), ID: last.ID})
			break
		}
		summary, err := scanSummary(rows)
		if err != nil {
			return email.MessageList{}, fmt.Errorf("searching messages: %w", err)
		}
		list.Messages = append(list.Messages, summary)
	}
	if err := rows.Err(); err != nil {
		return email.MessageList{}, fmt.Errorf("searching messages: %w", err)
	}
	return list, b.addRecipients(ctx, list.Messages)
}

// public leaves out what was sent for Drawbridge itself, to people who decide: it holds
// links that are for them alone, and what reads the mailbox here are models. No caller's
// key begins so (tools.Key): those of clients are hashed, those of runs minted.
const public = `COALESCE(idempotency_key, '') NOT LIKE 'notice|_%' ESCAPE '|'`

// conditions is the filter as SQL, from constant texts alone.
func conditions(f email.Filter) (string, []any, error) {
	where, args := []string{public}, []any{}
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if f.Status != "" {
		add(`m.status = ?`, f.Status)
	}
	if f.Address != "" {
		add(`m.id IN (SELECT message FROM email_participants WHERE lower(address) = ?)`, strings.ToLower(f.Address))
	}
	if !f.Since.IsZero() {
		add(`m.created_at >= ?`, f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		add(`m.created_at < ?`, f.Until.UnixMilli())
	}
	if f.Text != "" {
		add(`m.search_text LIKE ? ESCAPE '\'`, "%"+escapeLike(strings.ToLower(f.Text))+"%")
	}
	var after position
	given, err := tools.DecodeCursor(f.Cursor, &after)
	switch {
	case err != nil:
		return "", nil, err
	case given && after.ID == "":
		return "", nil, tools.Errorf(tools.Invalid, "cursor: is not of this list. Leave it out to start from the first page.")
	case given:
		add(`(m.created_at < ? OR (m.created_at = ? AND m.id < ?))`, after.At, after.At, after.ID)
	}
	return strings.Join(where, " AND "), args, nil
}

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func escapeLike(text string) string { return likeEscapes.Replace(text) }

func scanSummary(rows *sql.Rows) (email.Summary, error) {
	var s email.Summary
	var from mail.Address
	var text string
	var created, scheduled, out sql.NullInt64
	err := rows.Scan(&s.ID, &s.Status, &from.Name, &from.Address, &s.Subject, &text, &s.ThreadID, &created, &scheduled, &out)
	s.From, s.Snippet, s.To = email.FormatAddress(from), email.Snippet(text), []string{}
	s.CreatedAt, s.ScheduledFor, s.SentAt = fromMillis(created), fromMillis(scheduled), fromMillis(out)
	return s, err
}

// addRecipients fills To of a page of messages, in one query.
func (b *Backend) addRecipients(ctx context.Context, page []email.Summary) error {
	if len(page) == 0 {
		return nil
	}
	at := make(map[string]int, len(page))
	ids := make([]any, len(page))
	for i, s := range page {
		at[s.ID], ids[i] = i, s.ID
	}
	// Only the number of placeholders varies.
	rows, err := b.db.Read().QueryContext(ctx, `SELECT message, name, address FROM email_participants
		WHERE role = 'to' AND message IN (?`+strings.Repeat(", ?", len(ids)-1)+`) ORDER BY message, position`, ids...)
	if err != nil {
		return fmt.Errorf("reading recipients: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var a mail.Address
		if err := rows.Scan(&id, &a.Name, &a.Address); err != nil {
			return fmt.Errorf("reading recipients: %w", err)
		}
		page[at[id]].To = append(page[at[id]].To, email.FormatAddress(a))
	}
	return rows.Err()
}
