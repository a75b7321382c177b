package builtin

import (
	"context"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

// TakePayment records a payment of a customer, who is made known if need be, and
// returns its id. Of the record it uses ExternalID, Status (pending, authorized,
// succeeded or failed), FailureReason, Amount, Customer, Description and CreatedAt (now if
// zero).
func (b *Backend) TakePayment(ctx context.Context, c payment.Charge) (id string, err error) {
	err = b.db.Write(ctx, func(tx sqldb.Tx) error {
		id, err = b.take(ctx, tx, c)
		return err
	})
	return id, err
}

func (b *Backend) take(ctx context.Context, tx sqldb.Tx, c payment.Charge) (string, error) {
	if err := b.meet(ctx, tx, c.Customer); err != nil {
		return "", err
	}
	id, err := newID("pay_")
	if err != nil {
		return "", err
	}
	created := b.or(c.CreatedAt)
	status, authorized := c.Status, 0
	if status == payment.ChargeAuthorized {
		status, authorized = payment.ChargePending, 1
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO payment_charges
		(id, external_id, customer_ref, amount_minor, currency, status, failure_reason, description, created_at, settles_at, authorized) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, orNull(c.ExternalID), c.Customer.Reference, c.Amount.AmountMinor, c.Amount.Currency, status, c.FailureReason, c.Description,
		millis(created), millis(created.Add(settleAfter)), authorized)
	return id, err
}

// PayInvoice pays an open invoice, as its customer would, and returns the id of
// the payment. One that is not open is a Conflict.
func (b *Backend) PayInvoice(ctx context.Context, invoiceID string) (id string, err error) {
	err = b.db.Write(ctx, func(tx sqldb.Tx) error {
		id, err = b.pay(ctx, tx, invoiceID)
		return err
	})
	return id, err
}

func (b *Backend) pay(ctx context.Context, tx sqldb.Tx, invoiceID string) (string, error) {
	invoice, err := invoiceByID(ctx, tx, invoiceID)
	if err != nil {
		return "", err
	}
	if invoice.Status != payment.InvoiceOpen {
		return "", tools.Errorf(tools.Conflict, "invoice_id: %s is %s; only an open invoice can be paid.", invoice.ID, invoice.Status)
	}
	id, err := b.take(ctx, tx, payment.Charge{
		Status:      payment.ChargeSucceeded,
		Amount:      invoice.Total,
		Customer:    invoice.Customer,
		Description: "Invoice " + invoice.Number,
	})
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, `UPDATE payment_invoices SET status = 'paid', payment_id = ? WHERE id = ?`, id, invoice.ID)
	return id, err
}

// Subscribe records a subscription of a customer, who is made known if need be,
// and returns its id. Of the record it uses all but ID and the cancellation;
// CreatedAt is now if zero.
func (b *Backend) Subscribe(ctx context.Context, s payment.Subscription) (id string, err error) {
	err = b.db.Write(ctx, func(tx sqldb.Tx) error {
		id, err = b.subscribe(ctx, tx, s)
		return err
	})
	return id, err
}

func (b *Backend) subscribe(ctx context.Context, tx sqldb.Tx, s payment.Subscription) (string, error) {
	if err := b.meet(ctx, tx, s.Customer); err != nil {
		return "", err
	}
	id, err := newID("sub_")
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO payment_subscriptions
		(id, customer_ref, status, plan, amount_minor, currency, billing_interval, period_end, cancel_at_period_end, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`,
		id, s.Customer.Reference, s.Status, s.Plan, s.Amount.AmountMinor, s.Amount.Currency, s.Interval, millis(s.PeriodEnd), millis(b.or(s.CreatedAt)))
	return id, err
}

// OpenDispute records that a customer asked their bank to take a payment back,
// and returns the dispute's id. Of the record it uses PaymentID (any reference of
// the payment), Reason, Status, RespondBy and CreatedAt (now if zero); the sum is
// what was not refunded of the payment.
func (b *Backend) OpenDispute(ctx context.Context, d payment.Dispute) (id string, err error) {
	err = b.db.Write(ctx, func(tx sqldb.Tx) error {
		id, err = b.dispute(ctx, tx, d)
		return err
	})
	return id, err
}

func (b *Backend) dispute(ctx context.Context, tx sqldb.Tx, d payment.Dispute) (string, error) {
	charge, err := chargeByID(ctx, tx, d.PaymentID)
	if err != nil {
		return "", err
	}
	id, err := newID("dsp_")
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO payment_disputes
		(id, payment_id, amount_minor, reason, status, respond_by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		id, charge.ID, charge.LeftToRefund.AmountMinor, d.Reason, d.Status, nullMillis(d.RespondBy), millis(b.or(d.CreatedAt)))
	return id, err
}

// meet makes a customer known. A known one is left as it is.
func (b *Backend) meet(ctx context.Context, tx sqldb.Tx, c payment.Customer) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO payment_customers (reference, name, email, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (reference) DO NOTHING`,
		c.Reference, c.Name, c.Email, millis(b.now()))
	return err
}

// or is a time, or now if it is zero.
func (b *Backend) or(at time.Time) time.Time {
	if at.IsZero() {
		return b.now()
	}
	return at
}
