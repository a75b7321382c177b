package hubspot

import (
	"math/big"
	"strings"

	"drawbridge/tools/money"
)

// HubSpot keeps sums as decimal numbers in a currency's main unit.

// decimals is how many of them a currency has; two if it is not a known one.
func decimals(currency string) int {
	if n, err := money.Exponent(currency); err == nil {
		return n
	}
	return 2
}

// minor reads a sum, to the nearest minor unit. What is no number is nothing.
func minor(text, currency string) int64 {
	_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if len(text) > 40 || len(exponent) > 3 || strings.ContainsAny(text, "/_xXpP") {
		return 0 // a large exponent would be written out
	}
	sum, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals(currency))), nil)
	sum.Mul(sum, new(big.Rat).SetInt(scale))
	rounded, ok := new(big.Int).SetString(sum.FloatString(0), 10)
	if !ok || !rounded.IsInt64() {
		return 0
	}
	return rounded.Int64()
}

// major writes a sum.
func major(sum int64, currency string) string {
	n := decimals(currency)
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	return new(big.Rat).SetFrac(big.NewInt(sum), scale).FloatString(n)
}
