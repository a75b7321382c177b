package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Money is an exact amount. In a file it is a number and a currency, in either
// order: "25.00 EUR", "JPY 500".
type Money struct {
	AmountMinor int64  // in the currency's smallest unit: cents, yen, fils
	Currency    string // ISO 4217, three capitals
}

// Currencies whose minor unit is not a hundredth (ISO 4217, table A.1, "minor
// unit").
const (
	noDecimals    = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	threeDecimals = "BHD IQD JOD KWD LYD OMR TND"
)

func decimals(currency string) int {
	switch {
	case strings.Contains(noDecimals, currency):
		return 0
	case strings.Contains(threeDecimals, currency):
		return 3
	}
	return 2
}

var errMoney = errors.New(`want an amount and a currency, such as "25.00 EUR" or "500 JPY"`)

var (
	amountFirst   = regexp.MustCompile(`^(\d+)(?:\.(\d+))? ([A-Z]{3})$`)
	currencyFirst = regexp.MustCompile(`^([A-Z]{3}) (\d+)(?:\.(\d+))?$`)
)

// ParseMoney reads an amount. More decimals than the currency has are refused, not
// rounded. The error says what was expected and does not repeat text.
func ParseMoney(text string) (Money, error) {
	var units, fraction, currency string
	if m := amountFirst.FindStringSubmatch(text); m != nil {
		units, fraction, currency = m[1], m[2], m[3]
	} else if m := currencyFirst.FindStringSubmatch(text); m != nil {
		currency, units, fraction = m[1], m[2], m[3]
	} else {
		return Money{}, errMoney
	}
	places := decimals(currency)
	if len(fraction) > places {
		return Money{}, fmt.Errorf("%s has %d decimals", currency, places)
	}
	minor, err := strconv.ParseInt(units+fraction+strings.Repeat("0", places-len(fraction)), 10, 64)
	if err != nil {
		return Money{}, errors.New("the amount is too large")
	}
	return Money{AmountMinor: minor, Currency: currency}, nil
}

// String is m in the form that ParseMoney reads, with all its decimals.
func (m Money) String() string {
	places := decimals(m.Currency)
	if places == 0 {
		return fmt.Sprintf("%d %s", m.AmountMinor, m.Currency)
	}
	digits := fmt.Sprintf("%0*d", places+1, m.AmountMinor)
	point := len(digits) - places
	return digits[:point] + "." + digits[point:] + " " + m.Currency
}

// Micros is m in millionths of the currency's unit. It counts for what Validate has
// let pass.
func (m Money) Micros() int64 {
	micros := m.AmountMinor * unit
	for range decimals(m.Currency) {
		micros /= 10
	}
	return micros
}

// UnmarshalText is ParseMoney. An error leaves m as it was.
func (m *Money) UnmarshalText(text []byte) error { return keep(m, text, ParseMoney) }

// MarshalText is String.
func (m Money) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
