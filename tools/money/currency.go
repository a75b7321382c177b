package money

import (
	"strings"

	"drawbridge/tools"
)

// exponents holds the number of decimals of every currency and fund that list
// one of ISO 4217 gives a minor unit; the metals, the test code and the other
// entries without one cannot be paid in. ANG and BGN have left the list since
// 2025 and stay here, because payments taken in them can still be refunded.
//
// golang.org/x/text/currency is no substitute: it follows CLDR, which says how
// many decimals are customary in print (none for the Iraqi dinar), not how many
// a bank counts (three).
var exponents = func() map[string]int {
	table := map[string]int{}
	for exponent, codes := range map[int]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
		2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD " +
			"CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP " +
			"GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT " +
			"LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN " +
			"NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB " +
			"SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS " +
			"UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
		3: "BHD IQD JOD KWD LYD OMR TND",
		4: "CLF UYW",
	} {
		for code := range strings.FieldsSeq(codes) {
			table[code] = exponent
		}
	}
	return table
}()

// Exponent is the number of decimals of a currency: 2 for EUR, 0 for JPY, 3 for
// KWD. A code that is not an upper-case ISO 4217 code is Invalid.
func Exponent(code string) (int, error) {
	exponent, known := exponents[code]
	if !known {
		return 0, tools.Errorf(tools.Invalid, "currency: %q is not an ISO 4217 currency code; write three letters such as EUR, USD or JPY.", code)
	}
	return exponent, nil
}

// Code reads a code as a model may write it: in any case.
func Code(text string) (string, error) {
	code := strings.ToUpper(strings.TrimSpace(text))
	_, err := Exponent(code)
	return code, err
}
