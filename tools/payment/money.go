package payment

import "drawbridge/tools/money"

// Money and Amount are those of every family; see [money.Money].
type (
	Money  = money.Money
	Amount = money.Amount
)

// MaxAmountMinor bounds one amount that a tool accepts, in minor units.
const MaxAmountMinor = money.MaxAmountMinor

// Exponent is the number of decimals of a currency; see [money.Exponent].
func Exponent(code string) (int, error) { return money.Exponent(code) }

// ParseMoney reads a decimal sum with its currency; see [money.Parse].
func ParseMoney(text string) (Money, error) { return money.Parse(text) }
