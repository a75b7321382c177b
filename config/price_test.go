package config

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPriceIsExact(t *testing.T) {
	for text, want := range map[string]Price{
		"0": 0, "10": 10_000_000, "1.25": 1_250_000, "0.125": 125_000, "0.000001": 1, "1.250000": 1_250_000, "9999999.999999": 9_999_999_999_999,
	} {
		if got, err := ParsePrice(text); err != nil || got != want {
			t.Errorf("ParsePrice(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestPriceRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{"", " 1", "-1", "+1", "1e3", ".5", "1.", "1,5", "1.25 USD", "$1", "0.0000001", "10000000", "0x10", "١"} {
		if got, err := ParsePrice(text); err == nil {
			t.Errorf("ParsePrice(%q) = %d, want an error", text, got)
		}
	}
}

func TestPriceReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Price(rapid.Int64Range(0, 9_999_999_999_999).Draw(t, "price"))
		if got, err := ParsePrice(want.String()); err != nil || got != want {
			t.Errorf("%d is written %q and read as %d, %v", want, want, got, err)
		}
	})
	for want, p := range map[string]Price{"0": 0, "10": 10_000_000, "0.125": 125_000, "100": 100_000_000} {
		if got := p.String(); got != want {
			t.Errorf("%d is written %q, want %q", p, got, want)
		}
	}
}
