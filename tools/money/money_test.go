package money_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/tools"
	"drawbridge/tools/money"
)

func TestMoneyShowsTheDecimalsOfItsCurrency(t *testing.T) {
	for _, test := range []struct {
		minor          int64
		currency, want string
	}{
		{1250, "EUR", "EUR 12.50"},
		{5, "EUR", "EUR 0.05"},
		{0, "EUR", "EUR 0.00"},
		{-5, "EUR", "EUR -0.05"},
		{1250, "JPY", "JPY 1250"},
		{0, "JPY", "JPY 0"},
		{1250, "KWD", "KWD 1.250"},
		{1, "TND", "TND 0.001"},
		{12500, "CLF", "CLF 1.2500"},
		{math.MaxInt64, "USD", "USD 92233720368547758.07"},
		{math.MinInt64, "USD", "USD -92233720368547758.08"},
		{1250, "ZZZ", `1250 minor units of "ZZZ"`},
	} {
		got := money.Money{AmountMinor: test.minor, Currency: test.currency}.Shown()
		if got.Display != test.want || got.AmountMinor != test.minor || got.Currency != test.currency {
			t.Errorf("%d %s shows as %+v, want %q", test.minor, test.currency, got, test.want)
		}
	}
}

func TestParseMoneyIsExact(t *testing.T) {
	for text, want := range map[string]money.Money{
		"12.50 EUR":                {AmountMinor: 1250, Currency: "EUR"},
		"EUR 12.50":                {AmountMinor: 1250, Currency: "EUR"},
		"  12.5   EUR ":            {AmountMinor: 1250, Currency: "EUR"},
		"12 EUR":                   {AmountMinor: 1200, Currency: "EUR"},
		"0.29 EUR":                 {AmountMinor: 29, Currency: "EUR"}, // 28.999... in floating point
		"-0.05 EUR":                {AmountMinor: -5, Currency: "EUR"},
		"007 JPY":                  {AmountMinor: 7, Currency: "JPY"},
		"1250 JPY":                 {AmountMinor: 1250, Currency: "JPY"},
		"1.25 KWD":                 {AmountMinor: 1250, Currency: "KWD"},
		"92233720368547758.07 USD": {AmountMinor: math.MaxInt64, Currency: "USD"},
	} {
		got, err := money.Parse(text)
		if err != nil || got != want {
			t.Errorf("ParseMoney(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestParseMoneyRefusesWhatIsNotExact(t *testing.T) {
	for text, says := range map[string]string{
		"":                         "not a sum",
		"12.50":                    "not a sum",
		"EUR":                      "not a sum",
		"EUR EUR":                  "not a sum",
		"12.50 EUR please":         "not a sum",
		"1,250.00 EUR":             "not a sum",
		"12,50 EUR":                "not a sum",
		".5 EUR":                   "not a sum",
		"5. EUR":                   "not a sum",
		"1e3 EUR":                  "not a sum",
		"+5 EUR":                   "not a sum",
		"--5 EUR":                  "not a sum",
		"1.2.3 EUR":                "not a sum",
		"0x10 EUR":                 "not a sum",
		"1_000 EUR":                "not a sum",
		"١٢ EUR":                   "not a sum",
		"12.505 EUR":               "EUR has 2 decimals, not 3",
		"1.0 JPY":                  "JPY has 0 decimals, not 1",
		"1.2505 KWD":               "KWD has 3 decimals, not 4",
		"12.50 EURO":               "EURO",
		"12.50 eur":                "eur",
		"92233720368547758.08 USD": "too large",
	} {
		got, err := money.Parse(text)
		if tools.CodeOf(err) != tools.Invalid || !strings.Contains(err.Error(), says) {
			t.Errorf("ParseMoney(%q) = %+v, %v; want invalid, saying %q", text, got, err, says)
		}
	}
}

func anyMoney(t *rapid.T, label string) money.Money {
	return money.Money{
		AmountMinor: rapid.Int64().Draw(t, label),
		Currency:    rapid.SampledFrom([]string{"EUR", "JPY", "KWD", "CLF"}).Draw(t, label+" currency"),
	}
}

func TestParseMoneyReadsBackWhatMoneyShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMoney(t, "money")
		if got, err := money.Parse(m.String()); err != nil || got != m {
			t.Fatalf("%+v shows as %q and reads as %+v, %v", m, m, got, err)
		}
	})
}

func TestArithmeticIsExactOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, n := anyMoney(t, "a"), rapid.Int64().Draw(t, "n")
		b := money.Money{AmountMinor: n, Currency: a.Currency}
		x, y := big.NewInt(a.AmountMinor), big.NewInt(n)
		sum, err := a.Plus(b)
		exact(t, new(big.Int).Add(x, y), sum, err)
		product, err := a.Times(n)
		exact(t, new(big.Int).Mul(x, y), product, err)
	})
}

// exact fails unless the result is want, or want does not fit and was refused.
func exact(t *rapid.T, want *big.Int, got money.Money, err error) {
	if fits := want.IsInt64(); fits != (err == nil) || fits && got.AmountMinor != want.Int64() {
		t.Fatalf("got %+v, %v; want %s", got, err, want)
	}
}

func TestSumsOfTwoCurrenciesAreRefused(t *testing.T) {
	_, err := money.Money{AmountMinor: 1, Currency: "EUR"}.Plus(money.Money{AmountMinor: 1, Currency: "USD"})
	if tools.CodeOf(err) != tools.Invalid {
		t.Errorf("EUR and USD add up: %v", err)
	}
}

func TestCurrenciesHaveTheirISO4217Exponent(t *testing.T) {
	for exponent, codes := range map[int]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
		2: "EUR USD GBP CHF CNY INR BRL MGA MRU HUF TWD IDR COP ZWG XCG SLE VED",
		3: "BHD IQD JOD KWD LYD OMR TND",
		4: "CLF UYW",
	} {
		for code := range strings.FieldsSeq(codes) {
			if got, err := money.Exponent(code); err != nil || got != exponent {
				t.Errorf("Exponent(%s) = %d, %v; want %d", code, got, err, exponent)
			}
		}
	}
	// Metals, test and withdrawn codes, and what merely looks like a code.
	for code := range strings.FieldsSeq("XAU XTS XXX XDR DEM HRK ZWL eur EURO E €€€") {
		if _, err := money.Exponent(code); tools.CodeOf(err) != tools.Invalid {
			t.Errorf("Exponent(%s): %v, want invalid", code, err)
		}
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, seed := range []string{"12.50 EUR", "EUR 12.50", "-0.001 KWD", "1250 JPY", "9223372036854775808 JPY", "1e9 EUR", "EUR", " . "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := money.Parse(text)
		if err != nil {
			if tools.CodeOf(err) != tools.Invalid {
				t.Fatalf("ParseMoney(%q): %v, want invalid", text, err)
			}
			return
		}
		if again, err := money.Parse(m.String()); err != nil || again != m {
			t.Fatalf("ParseMoney(%q) = %s, which reads as %+v, %v", text, m, again, err)
		}
	})
}

func TestDecimalReadsWhatVendorsWrite(t *testing.T) {
	for _, test := range []struct {
		number, code string
		minor        int64
	}{
		{"12.5", "EUR", 1250}, {"12.50", "EUR", 1250}, {"12.5000", "EUR", 1250}, {"12", "EUR", 1200}, {"0.0", "EUR", 0}, {"-3.10", "EUR", -310},
		{"1250", "JPY", 1250}, {"1250.0", "JPY", 1250}, {"1.25", "KWD", 1250}, {"1.2500", "KWD", 1250},
	} {
		got, err := money.Decimal(test.number, test.code)
		if err != nil || got.AmountMinor != test.minor || got.Currency != test.code {
			t.Errorf("%s %s is %+v, %v", test.number, test.code, got, err)
		}
	}
	for _, number := range []string{"12.505", "1,50", "", ".", "1.", "1e3", "12 .5", "0x1"} {
		if got, err := money.Decimal(number, "EUR"); tools.CodeOf(err) != tools.Invalid {
			t.Errorf("%q is %v, %v", number, got, err)
		}
	}
	if got := (money.Money{AmountMinor: 5, Currency: "EUR"}).Decimal() + " " + (money.Money{AmountMinor: 1250, Currency: "JPY"}).Decimal(); got != "0.05 1250" {
		t.Errorf("written: %s", got)
	}
}
