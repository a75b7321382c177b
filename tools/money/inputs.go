package money

import (
	"strings"

	"drawbridge/tools"
)

// Sum checks an amount that a call names, in minor units.
func Sum(field string, minor int64) error {
	switch {
	case minor < 1:
		return tools.Errorf(tools.Invalid, "%s: %d is not a positive number of minor units.", field, minor)
	case minor > MaxAmountMinor:
		return tools.Errorf(tools.Invalid, "%s: %d is above the most one call may name, %d minor units.", field, minor, MaxAmountMinor)
	}
	return nil
}

// Part reads amount_minor and currency of inputs that may leave them out: 0 is then all
// there is, and "" whatever currency that is in.
func Part(amountMinor *int64, currency string) (minor int64, code string, err error) {
	if amountMinor != nil {
		if err := Sum("amount_minor", *amountMinor); err != nil {
			return 0, "", err
		}
		minor = *amountMinor
	}
	if currency != "" {
		code, err = Code(currency)
	}
	return minor, code, err
}

// Decimal reads a decimal sum in a currency, as vendors write it: "12.5", "12.50" and, of
// a currency without decimals, "1250.0". It is exact: a decimal that the currency does not
// have has to be 0.
func Decimal(number, code string) (Money, error) {
	exponent, err := Exponent(code)
	if err != nil {
		return Money{}, err
	}
	if whole, fraction, dotted := strings.Cut(number, "."); dotted {
		if fraction == "" {
			return Money{}, notMoney(number + " " + code)
		}
		for len(fraction) > exponent && strings.HasSuffix(fraction, "0") {
			fraction = strings.TrimSuffix(fraction, "0")
		}
		number = whole
		if fraction != "" {
			number += "." + fraction
		}
	}
	return Parse(number + " " + code)
}

// Decimal is the sum without its code: "12.50", "1250" of the yen. A currency that is not
// known is the programmer's mistake: it panics.
func (m Money) Decimal() string {
	if _, err := Exponent(m.Currency); err != nil {
		panic("money: " + err.Error())
	}
	_, number, _ := strings.Cut(m.String(), " ")
	return number
}
