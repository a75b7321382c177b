package builtin

import (
	"context"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

// linkBase begins the address of every link. Nothing answers there: the domain is
// reserved for examples (RFC 2606, section 3).
const linkBase = "https://sandbox.example.com/pay/"

// CreateLink makes a payment link.
func (b *Backend) CreateLink(ctx context.Context, request payment.LinkRequest) (payment.Link, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolCreatePaymentLink, func(tx sqldb.Tx) (payment.Link, error) {
		id, err := newID("plink_")
		if err != nil {
			return payment.Link{}, err
		}
		link := payment.Link{
			ID:          id,
			URL:         linkBase + id,
			Amount:      request.Amount.Shown(),
			Description: request.Description,
			Reference:   request.Reference,
			Reusable:    request.Reusable,
			CreatedAt:   b.moment(),
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO payment_links
			(id, url, amount_minor, currency, description, reference, reusable, created_at, idempotency_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			link.ID, link.URL, link.Amount.AmountMinor, link.Amount.Currency, link.Description, link.Reference, link.Reusable, millis(link.CreatedAt), orNull(tools.Key(ctx)))
		return link, err
	})
}
