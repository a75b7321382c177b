package builtin

import (
	"context"
	"time"

	"drawbridge/tools/payment"
)

// settleAfter is how long a payment is pending before its money is available.
const settleAfter = 48 * time.Hour

// GetBalance works the balance out of the payments: what each brought in, less
// what was refunded and what disputes took back. Until a payment settles, all of
// that counts as pending.
func (b *Backend) GetBalance(ctx context.Context, currency string) ([]payment.Balance, error) {
	const query = `SELECT currency,
		SUM(CASE WHEN settles_at <= ? THEN net ELSE 0 END),
		SUM(CASE WHEN settles_at <= ? THEN 0 ELSE net END)
		FROM (SELECT p.currency AS currency, p.settles_at AS settles_at, p.amount_minor - p.refunded_minor - COALESCE((
			SELECT SUM(d.amount_minor) FROM payment_disputes d WHERE d.payment_id = p.id AND d.status <> 'won'), 0) AS net
			FROM payment_charges p WHERE p.status = 'succeeded' AND (? = '' OR p.currency = ?)) AS nets
		GROUP BY currency ORDER BY currency`
	now := millis(b.now())
	return gather(ctx, b.db.Read(), func(row scanner) (payment.Balance, error) {
		var balance payment.Balance
		var available, pending int64
		err := row.Scan(&balance.Currency, &available, &pending)
		balance.Available, balance.Pending = shown(available, balance.Currency), shown(pending, balance.Currency)
		return balance, err
	}, query, now, now, currency, currency)
}
