package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Price is an exact amount per million tokens, in millionths of the unit of
// model.currency. In a file it is a decimal number: 10, 1.25, 0.125.
type Price int64

const (
	priceDecimals = 6         // at most
	unit          = 1_000_000 // of the currency, in millionths
)

var (
	priceForm = regexp.MustCompile(`^(\d{1,7})(?:\.(\d{1,6}))?$`)
	errPrice  = errors.New("want a price per million tokens, a decimal number without a currency, such as 1.25")
)

// ParsePrice reads a price. Nothing is rounded: more than six decimals are refused.
// The error does not repeat text.
func ParsePrice(text string) (Price, error) {
	part := priceForm.FindStringSubmatch(text)
	if part == nil {
		return 0, errPrice
	}
	millionths, err := strconv.ParseInt(part[1]+part[2]+strings.Repeat("0", priceDecimals-len(part[2])), 10, 64)
	return Price(millionths), err
}

// String is p in the form that ParsePrice reads, as short as it can be.
func (p Price) String() string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%06d", p/unit, p%unit), "0"), ".")
}

// UnmarshalText is ParsePrice. An error leaves p as it was.
func (p *Price) UnmarshalText(text []byte) error { return keep(p, text, ParsePrice) }

// MarshalText is String.
func (p Price) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
