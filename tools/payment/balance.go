package payment

import (
	"context"

	"drawbridge/tools/money"
)

// Balance is what the account holds in one currency.
type Balance struct {
	Currency  string `json:"currency" jsonschema:"ISO 4217 code." example:"EUR"`
	Available Amount `json:"available" jsonschema:"What can be paid out now. Below zero if more was taken back than came in."`
	Pending   Amount `json:"pending" jsonschema:"What was paid and has not settled yet."`
}

// GetBalanceInput is the input of payment_get_balance.
type GetBalanceInput struct {
	Currency string `json:"currency,omitempty" jsonschema:"Only this currency: ISO 4217 code. Leave out for all." minLength:"3" maxLength:"3" example:"EUR"`
}

// GetBalanceOutput is one balance a currency.
type GetBalanceOutput struct {
	Balances []Balance `json:"balances" jsonschema:"One balance a currency, sorted by its code. Sums of different currencies cannot be added."`
}

// GetBalance tells what the account holds.
func (p *Payment) GetBalance(ctx context.Context, in GetBalanceInput) (GetBalanceOutput, error) {
	currency := ""
	if in.Currency != "" {
		var err error
		if currency, err = money.Code(in.Currency); err != nil {
			return GetBalanceOutput{}, err
		}
	}
	balances, err := p.driver.GetBalance(ctx, currency)
	if err != nil {
		return GetBalanceOutput{}, readError(ToolGetBalance, err)
	}
	return GetBalanceOutput{Balances: balances}, nil
}
