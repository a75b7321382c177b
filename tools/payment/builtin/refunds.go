package builtin

import (
	"context"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

const selectRefunds = `SELECT r.id, r.payment_id, r.amount_minor, p.currency, r.reason, r.note, r.status, r.created_at
	FROM payment_refunds r JOIN payment_charges p ON p.id = r.payment_id`

func scanRefund(row scanner) (payment.Refund, error) {
	var r payment.Refund
	var minor, created int64
	var currency string
	err := row.Scan(&r.ID, &r.PaymentID, &minor, &currency, &r.Reason, &r.Note, &r.Status, &created)
	r.Amount, r.CreatedAt = shown(minor, currency), moment(created)
	return r, err
}

// CreateRefund gives back the whole of what is left, or a part.
func (b *Backend) CreateRefund(ctx context.Context, request payment.RefundRequest) (payment.Refunded, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolCreateRefund, func(tx sqldb.Tx) (payment.Refunded, error) {
		return b.refund(ctx, tx, request)
	})
}

func (b *Backend) refund(ctx context.Context, tx sqldb.Tx, request payment.RefundRequest) (payment.Refunded, error) {
	charge, err := chargeByID(ctx, tx, request.PaymentID)
	if err != nil {
		return payment.Refunded{}, err
	}
	amount, err := payment.CheckRefund(charge, request)
	if err != nil {
		return payment.Refunded{}, err
	}
	refund := payment.Refund{
		PaymentID: charge.ID,
		Amount:    amount.Shown(),
		Reason:    request.Reason,
		Note:      request.Note,
		Status:    payment.RefundSucceeded,
		CreatedAt: b.moment(),
	}
	if refund.ID, err = newID("ref_"); err != nil {
		return payment.Refunded{}, err
	}
	if err := insertRefund(ctx, tx, refund); err != nil {
		return payment.Refunded{}, err
	}
	charge.Settle(charge.Refunded.AmountMinor + amount.AmountMinor)
	return payment.Refunded{Refund: refund, PaymentStatus: charge.Status, LeftToRefund: charge.LeftToRefund}, nil
}

// insertRefund stores a refund and counts it on its payment. The addition is the
// database's, and its constraint holds even where two transactions read the same
// payment before either wrote.
func insertRefund(ctx context.Context, tx sqldb.Tx, r payment.Refund) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO payment_refunds
		(id, payment_id, amount_minor, reason, note, status, created_at, idempotency_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.PaymentID, r.Amount.AmountMinor, r.Reason, r.Note, r.Status, millis(r.CreatedAt), orNull(tools.Key(ctx)))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE payment_charges SET refunded_minor = refunded_minor + ? WHERE id = ?`,
		r.Amount.AmountMinor, r.PaymentID)
	return err
}
