package builtin

import (
	"context"
	"database/sql"

	"drawbridge/tools/payment"
)

const selectDisputes = `SELECT d.id, d.payment_id, COALESCE(p.external_id, ''), d.amount_minor, p.currency, d.reason, d.status,
	d.respond_by, d.created_at, c.reference, c.name, c.email
	FROM payment_disputes d JOIN payment_charges p ON p.id = d.payment_id JOIN payment_customers c ON c.reference = p.customer_ref`

func scanDispute(row scanner) (payment.Dispute, error) {
	var d payment.Dispute
	var minor, created int64
	var respond sql.NullInt64
	var currency string
	err := row.Scan(&d.ID, &d.PaymentID, &d.PaymentExternalID, &minor, &currency, &d.Reason, &d.Status,
		&respond, &created, &d.Customer.Reference, &d.Customer.Name, &d.Customer.Email)
	d.Amount, d.RespondBy, d.CreatedAt = shown(minor, currency), nullMoment(respond), moment(created)
	return d, err
}

// ListDisputes lists disputes, newest first.
func (b *Backend) ListDisputes(ctx context.Context, query payment.DisputeQuery) (payment.List[payment.Dispute], error) {
	pager, err := newPager("dsp", "d", query.Page)
	if err != nil {
		return payment.List[payment.Dispute]{}, err
	}
	if query.PaymentID != "" {
		charge, err := chargeByID(ctx, b.db.Read(), query.PaymentID)
		if err != nil {
			return payment.List[payment.Dispute]{}, err
		}
		pager.where("d.payment_id = ?", charge.ID)
	}
	if query.Status != "" {
		pager.where("d.status = ?", query.Status)
	}
	return fetch(ctx, b.db.Read(), pager, selectDisputes, scanDispute, func(d payment.Dispute) position {
		return position{At: millis(d.CreatedAt), ID: d.ID}
	})
}
