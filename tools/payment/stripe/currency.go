package stripe

import (
	"strings"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

// Stripe counts most currencies in their ISO minor units. These it counts in hundredths
// although they have none, and the Malagasy ariary in whole ones
// (docs.stripe.com/currencies, "Special cases" and "Zero-decimal currencies").
var (
	hundredths = map[string]bool{"ISK": true, "UGX": true}
	whole      = map[string]bool{"MGA": true}
)

// money reads a sum as Stripe writes it.
func money(amount int64, currency stripe.Currency) payment.Money {
	code := strings.ToUpper(string(currency))
	switch {
	case hundredths[code]:
		amount /= 100
	case whole[code]:
		amount *= 100
	}
	return payment.Money{AmountMinor: amount, Currency: code}
}

func shown(amount int64, currency stripe.Currency) payment.Amount {
	return money(amount, currency).Shown()
}

// units are a sum as Stripe wants it. field is where the sum came from.
func units(field string, m payment.Money) (int64, error) {
	switch exponent, _ := payment.Exponent(m.Currency); {
	case hundredths[m.Currency]:
		return m.AmountMinor * 100, nil
	case whole[m.Currency]:
		if m.AmountMinor%100 != 0 {
			return 0, tools.Errorf(tools.Invalid, "%s: %s is no whole number of %s, which is all that Stripe takes.", field, m, m.Currency)
		}
		return m.AmountMinor / 100, nil
	case exponent == 3 && m.AmountMinor%10 != 0:
		return 0, tools.Errorf(tools.Invalid, "%s: %s has three decimals, of which Stripe wants the last to be 0.", field, m)
	}
	return m.AmountMinor, nil
}

// code is a currency as Stripe writes it.
func code(currency string) *string { return stripe.String(strings.ToLower(currency)) }
