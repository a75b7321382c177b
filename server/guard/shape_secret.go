package guard

import (
	"encoding/base64"
	"strings"
)

// secretForm is a kind of key or token: a prefix that its issuer gives to all of them, and
// what follows.
type secretForm struct {
	prefix      string
	least, most int // characters behind the prefix; most 0 is any number
	of          *[256]bool
	random      bool // they look random: the prefix alone would be too common
}

var (
	alnum    = charset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
	upper    = charset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	hexes    = charset("0123456789abcdef")
	urlish   = charset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
	withDots = charset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-.")
	base     = charset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/=_-.~")
)

func charset(text string) *[256]bool {
	set := &[256]bool{}
	for i := range len(text) {
		set[text[i]] = true
	}
	return set
}

// secretForms are as their issuers document them. What is public by design (publishable
// keys, ids of accounts) is not among them.
var secretForms = byFirstByte([]secretForm{
	{"sk_live_", 16, 0, alnum, false}, {"sk_test_", 16, 0, alnum, false}, {"rk_live_", 16, 0, alnum, false}, {"rk_test_", 16, 0, alnum, false}, // Stripe
	{"whsec_", 16, 0, base, false}, {"whsk_", 16, 0, base, false}, // signing secrets of webhooks
	{"sk-", 20, 0, urlish, true}, // OpenAI, Anthropic and others after them
	{"ghp_", 36, 0, alnum, false}, {"gho_", 36, 0, alnum, false}, {"ghu_", 36, 0, alnum, false}, {"ghs_", 36, 0, alnum, false}, {"ghr_", 36, 0, alnum, false},
	{"github_pat_", 40, 0, urlish, false},
	{"glpat-", 20, 0, urlish, false},
	{"xoxb-", 20, 0, urlish, true}, {"xoxp-", 20, 0, urlish, true}, {"xoxa-", 20, 0, urlish, true}, {"xoxr-", 20, 0, urlish, true}, {"xoxs-", 20, 0, urlish, true},
	{"xapp-", 20, 0, urlish, true},                                 // Slack
	{"AKIA", 16, 16, upper, false}, {"ASIA", 16, 16, upper, false}, // AWS
	{"AIza", 35, 35, urlish, false}, {"ya29.", 20, 0, urlish, false}, {"GOCSPX-", 20, 0, urlish, false}, // Google
	{"SG.", 40, 0, withDots, true},                                                                             // SendGrid
	{"SK", 32, 32, hexes, false},                                                                               // Twilio
	{"key-", 32, 32, hexes, false},                                                                             // Mailgun
	{"pat-na1-", 32, 0, urlish, false}, {"pat-na2-", 32, 0, urlish, false}, {"pat-eu1-", 32, 0, urlish, false}, // HubSpot
	{"shpat_", 32, 0, alnum, false}, {"shpca_", 32, 0, alnum, false}, {"shppa_", 32, 0, alnum, false}, {"shpss_", 32, 0, alnum, false}, // Shopify
	{"npm_", 36, 0, alnum, false}, {"pypi-", 40, 0, urlish, false}, {"hf_", 30, 0, alnum, false},
	{"dop_v1_", 64, 64, hexes, false}, {"doo_v1_", 64, 64, hexes, false}, {"dor_v1_", 64, 64, hexes, false}, // DigitalOcean
	{"sq0atp-", 20, 0, urlish, false}, {"sq0csp-", 20, 0, urlish, false}, // Square
	{"lin_api_", 30, 0, alnum, false}, {"ntn_", 40, 0, alnum, false}, {"dapi", 32, 32, hexes, false},
})

func byFirstByte(forms []secretForm) (table [256][]secretForm) {
	for _, form := range forms {
		table[form.prefix[0]] = append(table[form.prefix[0]], form)
	}
	return table
}

// secretAt gives the secret that the word, or the dash, at i begins: end is 0 if none does.
func secretAt(text string, i int) (begin, end int) {
	for _, form := range secretForms[text[i]] {
		if end := form.end(text, i); end > 0 {
			return i, end
		}
	}
	switch text[i] {
	case '-':
		return i, privateKeyEnd(text, i)
	case 'e':
		return i, jwtEnd(text, i)
	case 'B', 'b':
		return credentialsAt(text, i)
	}
	return 0, 0
}

func (f secretForm) end(text string, i int) int {
	if !strings.HasPrefix(text[i:], f.prefix) {
		return 0
	}
	begin := i + len(f.prefix)
	end := run(text, begin, f.of)
	switch n := end - begin; {
	case n < f.least, f.most > 0 && n > f.most, !endsThere(text, end), f.random && !looksRandom(text[begin:end]):
		return 0
	}
	return end
}

// run is where the characters of a set, from i on, end. What ends a sentence is no part.
func run(text string, i int, of *[256]bool) int {
	begin := i
	for i < len(text) && of[text[i]] {
		i++
	}
	for i > begin && text[i-1] == '.' {
		i--
	}
	return i
}

// looksRandom tells a key from words that are joined by dashes.
func looksRandom(text string) bool {
	digits, capitals, longest, length := 0, 0, 0, 0
	for i := range len(text) {
		c := text[i]
		switch {
		case isDigit(c):
			digits++
		case isCapital(c):
			capitals++
		}
		if length++; !alnum[c] {
			length = 0
		}
		longest = max(longest, length)
	}
	return digits > 1 && (capitals > 1 || longest >= 24)
}

// jwtEnd is that of a JSON Web Token (RFC 7519): the header and the claims begin with {",
// encoded.
func jwtEnd(text string, i int) int {
	if !strings.HasPrefix(text[i:], "eyJ") {
		return 0
	}
	header := run(text, i, urlish)
	if header-i < 10 || !strings.HasPrefix(text[header:], ".eyJ") {
		return 0
	}
	claims := run(text, header+1, urlish)
	if claims >= len(text) || text[claims] != '.' {
		return 0
	}
	return run(text, claims+1, urlish)
}

// privateKeyEnd is that of a private key in PEM (RFC 7468). One that is cut off ends with
// the text.
func privateKeyEnd(text string, i int) int {
	const begin, kind = "-----BEGIN ", "PRIVATE KEY-----"
	rest, ok := strings.CutPrefix(text[i:], begin)
	if !ok {
		return 0
	}
	label := strings.Index(rest, kind)
	if label < 0 || label > 32 || strings.ContainsAny(rest[:label], "-\n") {
		return 0
	}
	body := i + len(begin) + label + len(kind)
	close := strings.Index(text[body:], "-----END ")
	if close < 0 {
		return len(text)
	}
	end := strings.Index(text[body+close:], kind)
	if end < 0 {
		return len(text)
	}
	return body + close + end + len(kind)
}

// credentialsAt are those of an Authorization header (RFC 6750, RFC 7617): the scheme
// stays, so that one can see what was there.
func credentialsAt(text string, i int) (begin, end int) {
	scheme, _, _ := strings.Cut(text[i:min(len(text), i+8)], " ")
	begin = i + len(scheme) + 1
	if begin >= len(text) {
		return 0, 0
	}
	end = run(text, begin, base)
	token := text[begin:end]
	switch {
	case strings.EqualFold(scheme, "bearer") && len(token) >= 20 && strings.ContainsAny(token, "0123456789"):
		return begin, end
	case strings.EqualFold(scheme, "basic") && len(token) >= 8:
		if plain, err := base64.StdEncoding.DecodeString(token); err == nil && strings.Contains(string(plain), ":") {
			return begin, end
		}
	}
	return 0, 0
}
