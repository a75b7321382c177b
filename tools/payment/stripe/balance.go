package stripe

import (
	"cmp"
	"context"
	"slices"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools/payment"
)

// GetBalance tells what the account holds, one balance a currency.
func (b *Backend) GetBalance(ctx context.Context, currency string) ([]payment.Balance, error) {
	found, err := read(ctx, b, func(ctx context.Context) (*stripe.Balance, error) { return b.api.V1Balance.Retrieve(ctx, nil) })
	if err != nil {
		return nil, err
	}
	type sums struct{ available, pending payment.Money }
	held := map[string]sums{}
	for _, part := range found.Available {
		m := money(part.Amount, part.Currency)
		held[m.Currency] = sums{available: m, pending: payment.Money{Currency: m.Currency}}
	}
	for _, part := range found.Pending {
		m := money(part.Amount, part.Currency)
		s, known := held[m.Currency]
		if !known {
			s.available.Currency = m.Currency
		}
		s.pending = m
		held[m.Currency] = s
	}
	balances := []payment.Balance{}
	for code, s := range held {
		if currency == "" || code == currency {
			balances = append(balances, payment.Balance{Currency: code, Available: s.available.Shown(), Pending: s.pending.Shown()})
		}
	}
	slices.SortFunc(balances, func(a, b payment.Balance) int { return cmp.Compare(a.Currency, b.Currency) })
	return balances, nil
}
