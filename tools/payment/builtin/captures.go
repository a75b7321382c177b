package builtin

import (
	"context"

	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

// CapturePayment takes the whole of what a payment holds, or a part, which is then all
// that the payment was for.
func (b *Backend) CapturePayment(ctx context.Context, request payment.CaptureRequest) (payment.Charge, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolCapturePayment, func(tx sqldb.Tx) (payment.Charge, error) {
		charge, err := chargeByID(ctx, tx, request.PaymentID)
		if err != nil {
			return payment.Charge{}, err
		}
		amount, err := payment.CheckCapture(charge, request)
		if err != nil {
			return payment.Charge{}, err
		}
		_, err = tx.ExecContext(ctx, `UPDATE payment_charges SET status = 'succeeded', authorized = 0, amount_minor = ?, settles_at = ? WHERE id = ?`,
			amount.AmountMinor, millis(b.now().Add(settleAfter)), charge.ID)
		if err != nil {
			return payment.Charge{}, err
		}
		return chargeByID(ctx, tx, charge.ID)
	})
}

// CancelPayment gives up a payment that has taken no money.
func (b *Backend) CancelPayment(ctx context.Context, request payment.CancelPaymentRequest) (payment.Charge, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolCancelPayment, func(tx sqldb.Tx) (payment.Charge, error) {
		charge, err := chargeByID(ctx, tx, request.PaymentID)
		if err != nil {
			return payment.Charge{}, err
		}
		if err := payment.CheckCancelPayment(charge); err != nil {
			return payment.Charge{}, err
		}
		_, err = tx.ExecContext(ctx, `UPDATE payment_charges SET status = 'failed', authorized = 0, failure_reason = ?, canceled_at = ? WHERE id = ?`,
			request.Reason, millis(b.now()), charge.ID)
		if err != nil {
			return payment.Charge{}, err
		}
		return chargeByID(ctx, tx, charge.ID)
	})
}
