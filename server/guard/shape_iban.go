package guard

// ibanLengths are how many characters an IBAN of a country has (the registry of ISO
// 13616, kept by SWIFT).
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28,
	"CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
	"GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32,
	"LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18,
	"NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19,
	"SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}

// ibanEnd is where the IBAN that begins at i ends, 0 if there is none. It is written in
// capitals, in one or with a blank behind each four characters.
func ibanEnd(text string, i int) int {
	if len(text)-i < 15 || !isCapital(text[i+1]) || !isDigit(text[i+2]) || !isDigit(text[i+3]) {
		return 0
	}
	want, known := ibanLengths[text[i:i+2]]
	if !known {
		return 0
	}
	var room [33]byte
	account := room[:0]
	spaced := len(text) > i+4 && text[i+4] == ' '
	at := i
	for ; at < len(text) && len(account) < want; at++ {
		c := text[at]
		if spaced && len(account) > 0 && len(account)%4 == 0 && c == ' ' && text[at-1] != ' ' {
			continue
		}
		if !isDigit(c) && !isCapital(c) {
			return 0
		}
		account = append(account, c)
	}
	if len(account) < want || !endsThere(text, at) || !passesMod97(account) {
		return 0
	}
	return at
}

func isCapital(c byte) bool { return c >= 'A' && c <= 'Z' }

// passesMod97 is the check of ISO 7064, MOD 97-10: the first four characters go behind
// the others, letters count from 10, and what remains of 97 is 1.
func passesMod97(account []byte) bool {
	rest := 0
	for i := range account {
		c := account[(i+4)%len(account)]
		if isDigit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}
