package money

import (
	"math/big"
	"strconv"
	"strings"

	"drawbridge/tools"
)

// MaxAmountMinor bounds one amount that a tool accepts, in minor units. Twelve
// digits are more than any card takes, add up without overflow, and survive a
// JSON reader that keeps numbers as floating point.
const MaxAmountMinor = 999_999_999_999

// Money is a sum in the minor units of its currency. Two are the same sum when
// they are ==.
type Money struct {
	AmountMinor int64  `json:"amount_minor" jsonschema:"The sum in minor units of the currency: 1250 is EUR 12.50, JPY 1250 and KWD 1.250." example:"1250"`
	Currency    string `json:"currency" jsonschema:"ISO 4217 currency code." pattern:"^[A-Z]{3}$" example:"EUR"`
}

// Amount is money as a record shows it. Make one with [Money.Shown].
type Amount struct {
	Money
	Display string `json:"display" jsonschema:"The sum as a person reads it. Quote this; do not work it out from amount_minor." example:"EUR 12.50"`
}

// Shown gives m with the text a person reads.
func (m Money) Shown() Amount { return Amount{Money: m, Display: m.String()} }

// String is the code and the decimal sum: "EUR 12.50", "JPY 1250", "KWD 1.250".
func (m Money) String() string {
	exponent, err := Exponent(m.Currency)
	if err != nil {
		// Guessing two decimals could be wrong a hundredfold.
		return strconv.FormatInt(m.AmountMinor, 10) + " minor units of " + strconv.Quote(m.Currency)
	}
	digits, negative := strings.CutPrefix(strconv.FormatInt(m.AmountMinor, 10), "-")
	if missing := exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if exponent > 0 {
		point := len(digits) - exponent
		digits = digits[:point] + "." + digits[point:]
	}
	if negative {
		digits = "-" + digits
	}
	return m.Currency + " " + digits
}

// Plus adds two sums of one currency. Another currency, or a sum that does not
// fit, is Invalid.
func (m Money) Plus(other Money) (Money, error) {
	if m.Currency != other.Currency {
		return Money{}, tools.Errorf(tools.Invalid, "currency: %s and %s cannot be added; use one currency.", m, other)
	}
	return m.with(new(big.Int).Add(big.NewInt(m.AmountMinor), big.NewInt(other.AmountMinor)))
}

// Times multiplies a sum. A product that does not fit is Invalid.
func (m Money) Times(n int64) (Money, error) {
	return m.with(new(big.Int).Mul(big.NewInt(m.AmountMinor), big.NewInt(n)))
}

func (m Money) with(minor *big.Int) (Money, error) {
	if !minor.IsInt64() {
		return Money{}, tools.Errorf(tools.Invalid, "the sum in %s is too large to count.", m.Currency)
	}
	return Money{AmountMinor: minor.Int64(), Currency: m.Currency}, nil
}

// Parse reads a decimal sum with its currency on either side: "12.50 EUR",
// "EUR 12.50". It is exact: nothing is rounded, and a sum with more decimals
// than the currency has, with grouping marks or an exponent, or too large to
// count in minor units, is Invalid.
func Parse(text string) (Money, error) {
	parts := strings.Fields(text)
	if len(parts) != 2 {
		return Money{}, notMoney(text)
	}
	number, code := parts[0], parts[1]
	if _, known := exponents[number]; known {
		number, code = code, number
	}
	exponent, err := Exponent(code)
	if err != nil {
		return Money{}, err
	}
	digits, negative := strings.CutPrefix(number, "-")
	whole, fraction, dotted := strings.Cut(digits, ".")
	switch {
	case !isDigits(whole) || dotted && !isDigits(fraction):
		return Money{}, notMoney(text)
	case len(fraction) > exponent:
		return Money{}, tools.Errorf(tools.Invalid, "%q: %s has %d decimals, not %d.", text, code, exponent, len(fraction))
	}
	if negative {
		whole = "-" + whole
	}
	minor, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", exponent-len(fraction)), 10, 64)
	if err != nil {
		return Money{}, tools.Errorf(tools.Invalid, "%q: the sum is too large to count.", text)
	}
	return Money{AmountMinor: minor, Currency: code}, nil
}

func notMoney(text string) error {
	return tools.Errorf(tools.Invalid, `%q is not a sum of money; write it like "12.50 EUR", with a point for the decimals and no grouping.`, text)
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
