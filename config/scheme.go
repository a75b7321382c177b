package config

import (
	"slices"
	"strings"
)

// schemeRule is what a signature scheme asks of the settings. The schemes themselves
// are in server/webhook; a test of the whole program holds the two lists together.
type schemeRule struct {
	name string
	// settings are those of some schemes only that this one has.
	settings []string
	// stamped: deliveries sign the time.
	stamped bool
	// url: deliveries sign the address they are sent to.
	url bool
	// unsigned: there are no secrets.
	unsigned bool
	// answers: its protocol prescribes what a sender hears.
	answers bool
	// read gives the bytes of key in a secret, or what is wrong with its text. Nil: the
	// text is the key.
	read func(text string) (size int, problem string)
	// least is the smallest key, in bytes, and good the smallest without a warning.
	least, good int
}

// The schemes that are mentioned elsewhere.
const (
	standard   = "standard"
	custom     = "hmac"
	tokens     = "token"
	meta       = "meta"
	hubspot    = "hubspot"
	salesforce = "salesforce"
	unsafeNone = "unsafe_none"
	openAI     = "openai"
	imapScheme = "imap" // mail that is fetched, and no delivery
)

const (
	// minSecret is the shortest key that signs, in bytes: 128 bits, if random.
	minSecret = 16
	// goodSecret is what Standard Webhooks asks of whoever generates one
	// (specification, "Signature scheme": 24 to 64 bytes). Senders in the wild
	// give out shorter ones, so it is only recommended.
	goodSecret = 24
	// minPathToken is 128 bits, in characters of base64 (ING-31).
	minPathToken = 22
)

var schemeRules = []schemeRule{
	{name: standard, stamped: true, read: readStandard, least: minSecret, good: goodSecret},
	{name: openAI, settings: []string{"fetch"}, stamped: true, read: readStandard, least: minSecret, good: goodSecret},
	{name: "stripe", stamped: true, least: minSecret},
	{name: "github", least: minSecret},
	{name: "slack", stamped: true, least: minSecret},
	{name: "shopify", least: minSecret},
	{name: hubspot, stamped: true, url: true, settings: []string{"versions"}, least: minSecret},
	{name: "twilio", url: true, answers: true, least: minSecret},
	{name: "sendgrid", stamped: true, read: readSPKI},
	{name: "x", least: minSecret},
	{name: meta, settings: []string{"verify_token"}, least: minSecret},
	{name: salesforce, answers: true, settings: []string{"organization", "client_ca", "client_names"}, read: readPathToken, least: minPathToken},
	{name: custom, least: minSecret,
		settings: []string{"header", "encoding", "prefix", "id_header", "timestamp_header", "timestamp_unit", "hash", "signed", "secret_encoding"}},
	{name: tokens, settings: []string{"header", "prefix", "id_header", "client_ca", "client_names"}, least: minSecret},
	{name: imapScheme, unsigned: true, settings: []string{"folder", "poll"}},
	{name: unsafeNone, unsigned: true, settings: []string{"id_header", "unsafe_no_verification"}},
}

func schemeNames() []string {
	var names []string
	for _, rule := range schemeRules {
		names = append(names, rule.name)
	}
	return names
}

// rule is what holds for the source's scheme; false if there is no such scheme.
func (w Webhook) rule() (schemeRule, bool) {
	for _, rule := range schemeRules {
		if rule.name == w.Scheme {
			return rule.of(w), true
		}
	}
	return schemeRule{}, false
}

// of is the rule as the source's own settings make it.
func (r schemeRule) of(w Webhook) schemeRule {
	switch r.name {
	case custom:
		r.stamped = w.TimestampHeader != ""
		r.url = strings.Contains(w.Signed, "{url}")
		r.read = readEncoded(w.SecretEncoding)
	case hubspot:
		r.stamped = len(w.Versions) == 0 || slices.Contains(w.Versions, "v3")
		r.url = r.stamped || slices.Contains(w.Versions, "v2")
	}
	return r
}

// schemeSetting is a setting that belongs to some schemes only.
type schemeSetting struct {
	key string
	set bool
}

func (w Webhook) schemeSettings() []schemeSetting {
	return []schemeSetting{
		{"header", w.Header != ""}, {"encoding", w.Encoding != ""}, {"prefix", w.Prefix != ""},
		{"id_header", w.IDHeader != ""}, {"timestamp_header", w.TimestampHeader != ""},
		{"timestamp_unit", w.TimestampUnit != ""}, {"hash", w.Hash != ""}, {"signed", w.Signed != ""},
		{"secret_encoding", w.SecretEncoding != ""}, {"versions", len(w.Versions) > 0},
		{"verify_token", w.VerifyToken != ""}, {"organization", w.Organization != ""},
		{"client_ca", w.ClientCA != ""}, {"client_names", len(w.ClientNames) > 0},
		{"folder", w.Folder != ""}, {"poll", w.Poll != 0},
		{"unsafe_no_verification", w.UnsafeNoVerification}, {"fetch", w.Fetch},
	}
}

// schemesWith names the schemes that have a setting: "only scheme hmac has".
func schemesWith(key string) string {
	var names []string
	for _, rule := range schemeRules {
		if slices.Contains(rule.settings, key) {
			names = append(names, rule.name)
		}
	}
	if len(names) == 1 {
		return "only scheme " + names[0] + " has"
	}
	return "only the schemes " + strings.Join(names, ", ") + " have"
}
