package builtin

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

const selectSubscriptions = `SELECT s.id, s.status, s.plan, s.amount_minor, s.currency, s.billing_interval, s.period_end,
	s.cancel_at_period_end, s.canceled_at, s.cancel_reason, s.created_at, c.reference, c.name, c.email
	FROM payment_subscriptions s JOIN payment_customers c ON c.reference = s.customer_ref`

// runOut is the condition that a cancellation at the period's end has come
// about. No job writes that down: it follows from the columns and the clock.
const runOut = "(s.cancel_at_period_end = 1 AND s.period_end <= ?)"

// subscriptionAt reads subscriptions as they stand at a time.
func subscriptionAt(now time.Time) func(scanner) (payment.Subscription, error) {
	return func(row scanner) (payment.Subscription, error) {
		var s payment.Subscription
		var minor, end, created int64
		var canceled sql.NullInt64
		var currency string
		err := row.Scan(&s.ID, &s.Status, &s.Plan, &minor, &currency, &s.Interval, &end,
			&s.CancelAtPeriodEnd, &canceled, &s.CancelReason, &created, &s.Customer.Reference, &s.Customer.Name, &s.Customer.Email)
		s.Amount, s.PeriodEnd, s.CanceledAt, s.CreatedAt = shown(minor, currency), moment(end), nullMoment(canceled), moment(created)
		if s.CancelAtPeriodEnd && !s.PeriodEnd.After(now) {
			s.Status = payment.SubscriptionCanceled
		}
		return s, err
	}
}

// ListSubscriptions lists subscriptions, newest first.
func (b *Backend) ListSubscriptions(ctx context.Context, query payment.SubscriptionQuery) (payment.List[payment.Subscription], error) {
	pager, err := newPager("sub", "s", query.Page)
	if err != nil {
		return payment.List[payment.Subscription]{}, err
	}
	now := b.moment()
	pager.customer(query.Customer)
	switch query.Status {
	case "":
	case payment.SubscriptionCanceled:
		pager.where("(s.status = 'canceled' OR "+runOut+")", millis(now))
	default:
		pager.where("s.status = ? AND NOT "+runOut, query.Status, millis(now))
	}
	return fetch(ctx, b.db.Read(), pager, selectSubscriptions, subscriptionAt(now), func(s payment.Subscription) position {
		return position{At: millis(s.CreatedAt), ID: s.ID}
	})
}

// CancelSubscription ends a subscription, now or when its period is over.
func (b *Backend) CancelSubscription(ctx context.Context, request payment.CancelRequest) (payment.Subscription, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolCancelSubscription, func(tx sqldb.Tx) (payment.Subscription, error) {
		return b.cancel(ctx, tx, request)
	})
}

func (b *Backend) cancel(ctx context.Context, tx sqldb.Tx, request payment.CancelRequest) (payment.Subscription, error) {
	now := b.moment()
	s, err := subscriptionAt(now)(tx.QueryRowContext(ctx, selectSubscriptions+` WHERE s.id = ?`, request.SubscriptionID))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return payment.Subscription{}, payment.NoSuchSubscription(request.SubscriptionID)
	case err != nil:
		return payment.Subscription{}, err
	}
	if err := payment.CheckCancel(s, request.When); err != nil {
		return payment.Subscription{}, err
	}
	s.CanceledAt, s.CancelReason = now, request.Reason
	s.CancelAtPeriodEnd = request.When == payment.CancelPeriodEnd
	if request.When == payment.CancelNow {
		s.Status = payment.SubscriptionCanceled
	}
	_, err = tx.ExecContext(ctx, `UPDATE payment_subscriptions SET status = ?, cancel_at_period_end = ?, canceled_at = ?, cancel_reason = ? WHERE id = ?`,
		s.Status, s.CancelAtPeriodEnd, millis(s.CanceledAt), s.CancelReason, s.ID)
	return s, err
}
