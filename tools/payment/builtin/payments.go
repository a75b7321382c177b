package builtin

import (
	"context"
	"database/sql"
	"errors"

	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

const selectCharges = `SELECT p.id, COALESCE(p.external_id, ''), p.status, p.failure_reason, p.amount_minor, p.currency,
	p.refunded_minor, p.description, p.created_at, c.reference, c.name, c.email,
	EXISTS (SELECT 1 FROM payment_disputes d WHERE d.payment_id = p.id AND d.status <> 'won'),
	p.authorized = 1, p.canceled_at IS NOT NULL
	FROM payment_charges p JOIN payment_customers c ON c.reference = p.customer_ref`

func scanCharge(row scanner) (payment.Charge, error) {
	var c payment.Charge
	var minor, refunded, created int64
	var currency string
	var authorized, canceled bool
	err := row.Scan(&c.ID, &c.ExternalID, &c.Status, &c.FailureReason, &minor, &currency,
		&refunded, &c.Description, &created, &c.Customer.Reference, &c.Customer.Name, &c.Customer.Email, &c.Disputed, &authorized, &canceled)
	switch {
	case authorized:
		c.Status = payment.ChargeAuthorized
	case canceled:
		c.Status = payment.ChargeCanceled
	}
	c.Amount, c.CreatedAt = shown(minor, currency), moment(created)
	c.Settle(refunded)
	return c, err
}

// chargeStates says how each state of a payment is told by its columns. One that is
// authorized is a pending one, and one that was canceled a failed one, so that programs
// of the version before know what to make of it.
var chargeStates = map[payment.ChargeStatus]string{
	payment.ChargePending:           "p.status = 'pending' AND p.authorized = 0",
	payment.ChargeFailed:            "p.status = 'failed' AND p.canceled_at IS NULL",
	payment.ChargeAuthorized:        "p.authorized = 1",
	payment.ChargeCanceled:          "p.canceled_at IS NOT NULL",
	payment.ChargeSucceeded:         "p.status = 'succeeded' AND p.refunded_minor = 0",
	payment.ChargePartiallyRefunded: "p.refunded_minor > 0 AND p.refunded_minor < p.amount_minor",
	payment.ChargeRefunded:          "p.refunded_minor = p.amount_minor",
}

// SearchPayments finds payments, newest first.
func (b *Backend) SearchPayments(ctx context.Context, query payment.PaymentQuery) (payment.List[payment.Charge], error) {
	pager, err := newPager("pay", "p", query.Page)
	if err != nil {
		return payment.List[payment.Charge]{}, err
	}
	pager.criteria(query.Criteria, "p.amount_minor")
	pager.text(query.Text, like("p.id"), like("p.external_id"), like("p.description"), like("c.name"), like("c.email"), like("c.reference"))
	if query.Status != "" {
		pager.where(chargeStates[query.Status])
	}
	return fetch(ctx, b.db.Read(), pager, selectCharges, scanCharge, func(c payment.Charge) position {
		return position{At: millis(c.CreatedAt), ID: c.ID}
	})
}

// GetPayment finds a payment by its id or the provider's reference.
func (b *Backend) GetPayment(ctx context.Context, id string) (payment.ChargeDetails, error) {
	charge, err := chargeByID(ctx, b.db.Read(), id)
	if err != nil {
		return payment.ChargeDetails{}, err
	}
	refunds, err := gather(ctx, b.db.Read(), scanRefund, selectRefunds+` WHERE r.payment_id = ? ORDER BY r.created_at, r.id`, charge.ID)
	if err != nil {
		return payment.ChargeDetails{}, err
	}
	// A refund may have come between the two queries: count those shown, so
	// that the sums and the list agree.
	var refunded int64
	for _, refund := range refunds {
		refunded += refund.Amount.AmountMinor
	}
	charge.Settle(refunded)
	return payment.ChargeDetails{Charge: charge, Refunds: refunds}, nil
}

func chargeByID(ctx context.Context, db sqldb.Querier, id string) (payment.Charge, error) {
	charge, err := scanCharge(db.QueryRowContext(ctx, selectCharges+` WHERE p.id = ? OR p.external_id = ?`, id, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = payment.NoSuchPayment(id)
	}
	return charge, err
}
