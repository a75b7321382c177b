package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/sqldb"
)

// Schedule keeps a message until at, composed and dated for that time: releasing
// it is a change of state and nothing more.
func (b *Backend) Schedule(ctx context.Context, m email.Mail, at time.Time) (email.Receipt, error) {
	receipt, err := b.once(ctx, email.ToolSchedule, func(tx sqldb.Tx) (email.Receipt, error) {
		if err := email.CheckDue(at, b.now()); err != nil {
			return email.Receipt{}, err
		}
		r, err := b.begin(ctx, tx, m)
		if err != nil {
			return email.Receipt{}, err
		}
		r.status, r.scheduled = email.Scheduled, at
		if err := r.compose(email.MessageID(tools.Key(ctx), b.from), at); err != nil {
			return email.Receipt{}, err
		}
		return r.receipt(), r.insert(ctx, tx)
	})
	b.wake(err)
	return receipt, err
}

// CancelScheduled ends a scheduled message.
func (b *Backend) CancelScheduled(ctx context.Context, id string) (email.Receipt, error) {
	receipt, err := b.once(ctx, email.ToolCancelScheduled, func(tx sqldb.Tx) (email.Receipt, error) {
		r, err := load(ctx, tx, id)
		if err != nil {
			return email.Receipt{}, err
		}
		if r.status != email.Scheduled {
			return email.Receipt{}, email.WrongStatus(id, r.status, email.Scheduled)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE email_messages SET status = 'cancelled' WHERE id = ? AND status = 'scheduled'`, id); err != nil {
			return email.Receipt{}, fmt.Errorf("cancelling message %s: %w", id, err)
		}
		r.status = email.Cancelled
		return r.receipt(), nil
	})
	b.wake(err)
	return receipt, err
}

// Release sends the scheduled messages that are due at now and reports how many
// there were. Each leaves the state scheduled in the same transaction, so that
// none is released twice, by however many callers.
func (b *Backend) Release(ctx context.Context, now time.Time) (n int, err error) {
	err = b.db.Write(ctx, func(tx sqldb.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE email_messages SET status = 'sent', sent_at = ? WHERE status = 'scheduled' AND scheduled_for <= ?`,
			now.UnixMilli(), now.UnixMilli())
		if err != nil {
			return fmt.Errorf("releasing scheduled messages: %w", err)
		}
		released, err := result.RowsAffected()
		n = int(released)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// NextDue is when the earliest scheduled message is due; false if there is none.
// Whoever calls Release sets a timer on it, and asks again after a Wake.
func (b *Backend) NextDue(ctx context.Context) (time.Time, bool, error) {
	var earliest sql.NullInt64
	err := b.db.Read().QueryRowContext(ctx, `SELECT scheduled_for FROM email_messages WHERE status = 'scheduled' ORDER BY scheduled_for LIMIT 1`).Scan(&earliest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, fmt.Errorf("reading when the next message is due: %w", err)
	}
	return fromMillis(earliest), earliest.Valid, nil
}

// Wake receives when NextDue may have changed by a call on this Backend. Several
// changes may come as one.
func (b *Backend) Wake() <-chan struct{} { return b.woken }

func (b *Backend) wake(err error) {
	if err != nil {
		return
	}
	select {
	case b.woken <- struct{}{}:
	default: // one is already waiting to be received
	}
}
