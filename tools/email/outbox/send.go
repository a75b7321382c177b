package outbox

import (
	"context"
	"fmt"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/sqldb"
)

// Send keeps a message as sent.
func (b *Backend) Send(ctx context.Context, m email.Mail) (email.Receipt, error) {
	return b.once(ctx, email.ToolSend, func(tx sqldb.Tx) (email.Receipt, error) {
		return b.send(ctx, tx, m)
	})
}

func (b *Backend) send(ctx context.Context, tx sqldb.Tx, m email.Mail) (email.Receipt, error) {
	r, err := b.begin(ctx, tx, m)
	if err != nil {
		return email.Receipt{}, err
	}
	r.status, r.out = email.Sent, r.created
	if err := r.compose(email.MessageID(tools.Key(ctx), b.from), r.out); err != nil {
		return email.Receipt{}, err
	}
	return r.receipt(), r.insert(ctx, tx)
}

// CreateDraft keeps a message as a draft. It is composed when it is sent.
func (b *Backend) CreateDraft(ctx context.Context, m email.Mail) (email.Receipt, error) {
	return b.once(ctx, email.ToolCreateDraft, func(tx sqldb.Tx) (email.Receipt, error) {
		r, err := b.begin(ctx, tx, m)
		if err != nil {
			return email.Receipt{}, err
		}
		r.status = email.Draft
		return r.receipt(), r.insert(ctx, tx)
	})
}

// SendDraft turns a draft into a sent message.
func (b *Backend) SendDraft(ctx context.Context, id string) (email.Receipt, error) {
	return b.once(ctx, email.ToolSendDraft, func(tx sqldb.Tx) (email.Receipt, error) {
		r, err := load(ctx, tx, id)
		if err != nil {
			return email.Receipt{}, err
		}
		if r.status != email.Draft {
			return email.Receipt{}, email.WrongStatus(id, r.status, email.Draft)
		}
		r.status, r.out = email.Sent, b.clock()
		if err := r.compose(email.MessageID(tools.Key(ctx), r.stamp.From), r.out); err != nil {
			return email.Receipt{}, err
		}
		_, err = tx.ExecContext(ctx, `UPDATE email_messages SET status = 'sent', message_id = ?, raw = ?, sent_at = ? WHERE id = ? AND status = 'draft'`,
			r.stamp.MessageID, r.raw, r.out.UnixMilli(), id)
		if err != nil {
			return email.Receipt{}, fmt.Errorf("sending draft %s: %w", id, err)
		}
		return r.receipt(), nil
	})
}
