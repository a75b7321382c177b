package config

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMoneyIsReadInTheCurrencysMinorUnit(t *testing.T) {
	for text, want := range map[string]Money{
		"25.00 EUR":                {2500, "EUR"},
		"25 EUR":                   {2500, "EUR"},
		"25.5 EUR":                 {2550, "EUR"},
		"EUR 25.05":                {2505, "EUR"},
		"0.01 USD":                 {1, "USD"},
		"JPY 500":                  {500, "JPY"},
		"500 KRW":                  {500, "KRW"},
		"1000 ISK":                 {1000, "ISK"},
		"1.234 KWD":                {1234, "KWD"},
		"BHD 1.2":                  {1200, "BHD"},
		"92233720368547758.07 USD": {math.MaxInt64, "USD"},
	} {
		if got, err := ParseMoney(text); err != nil || got != want {
			t.Errorf("ParseMoney(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestMoneyIsNeverRounded(t *testing.T) {
	for text, want := range map[string]string{
		"25.001 EUR": "EUR has 2 decimals",
		"25.000 EUR": "EUR has 2 decimals",
		"500.0 JPY":  "JPY has 0 decimals",
		"1.2345 TND": "TND has 3 decimals",
	} {
		if got, err := ParseMoney(text); err == nil || err.Error() != want {
			t.Errorf("ParseMoney(%q) = %v, %v; want error %q", text, got, err, want)
		}
	}
}

func TestMoneyRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{
		"", "25", "EUR", "25EUR", "25 eur", "25 EURO", "25 E", "-25 EUR", "+25 EUR", "1,000 EUR", "1_000 EUR", "25. EUR", ".5 EUR",
		"€25", "EUR 25 EUR", "25  EUR", " 25 EUR", "25 EUR\n", "1e3 EUR", "92233720368547758.08 USD", strings.Repeat("9", 40) + " EUR",
	} {
		if got, err := ParseMoney(text); err == nil {
			t.Errorf("ParseMoney(%q) = %v, want an error", text, got)
		}
	}
}

func TestMoneyReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Money{
			AmountMinor: rapid.Int64Range(0, math.MaxInt64).Draw(t, "minor"),
			Currency:    rapid.SampledFrom([]string{"EUR", "JPY", "KWD", "CLP", "OMR"}).Draw(t, "currency"),
		}
		var got Money
		text, _ := m.MarshalText()
		if err := got.UnmarshalText(text); err != nil || got != m {
			t.Fatalf("%q became %v, %v", text, got, err)
		}
	})
	if got := (Money{5, "EUR"}).String(); got != "0.05 EUR" {
		t.Errorf("got %q, want 0.05 EUR", got)
	}
}

func TestMoneyIsCountedInMillionths(t *testing.T) {
	for text, want := range map[string]int64{
		"2.50 USD": 2_500_000, "0.01 EUR": 10_000, "500 JPY": 500_000_000, "1.234 KWD": 1_234_000, "10000000 USD": 10_000_000_000_000,
	} {
		m, err := ParseMoney(text)
		if got := m.Micros(); err != nil || got != want {
			t.Errorf("%q comes to %d, %v; want %d", text, got, err, want)
		}
	}
}
