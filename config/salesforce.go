package config

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Salesforce is an organization at Salesforce, and how it is asked.
type Salesforce struct {
	// URL is its My Domain address, such as https://acme.my.salesforce.com.
	URL string `yaml:"url"`
	// ClientID is the consumer key of the connected app. With ClientSecret we are the user
	// that the app runs as (client credentials); with PrivateKey, in PEM, we sign in as
	// Username (JWT bearer), by an assertion for Audience.
	ClientID     string `yaml:"client_id"`
	ClientSecret Secret `yaml:"client_secret"`
	PrivateKey   Secret `yaml:"private_key"`
	Username     string `yaml:"username"`
	Audience     string `yaml:"audience"` // "" for Salesforce's, of a sandbox where URL is one
	// Currency is the organization's (ISO 4217). Multicurrency: records have one each, and
	// products are shown at their price in Currency.
	Currency      string `yaml:"currency"`
	Multicurrency bool   `yaml:"multicurrency"`
	// ExternalID names, by object, the custom field that keeps the key of the call which
	// made a record: a text of 255, unique, an external id.
	ExternalID map[string]string `yaml:"external_id"`
	// Fields names custom fields, by what they are for.
	Fields map[string]string `yaml:"fields"`
	// Values are those of picklists, by kind and by what they stand for: of several the first
	// is written.
	Values map[string]map[string][]string `yaml:"values"`
	// RequestsPerSecond is how many requests this node makes at most; 0 is 20.
	RequestsPerSecond int `yaml:"requests_per_second"`
	// Reserve is how much of the API requests of 24 hours is left to other programs, in
	// percent; 5 if not set.
	Reserve *int `yaml:"reserve"`
}

// ReservePercent is Reserve, or what holds without it.
func (s Salesforce) ReservePercent() int {
	if s.Reserve == nil {
		return 5
	}
	return *s.Reserve
}

const maxSalesforcePace = 500

// SalesforceObjects are those whose external id can keep a call's key, SalesforceFields what
// custom fields can be for, and SalesforceValues the picklists that can be told.
var (
	SalesforceObjects = []string{"Contact", "Case", "Opportunity", "Task"}
	SalesforceFields  = []string{
		"customer_stage", "customer_external_id", "ticket_assignee", "task_assignee", "task_due_at", "task_outcome", "interaction_at", "interaction_sentiment",
		"deal_owner", "deal_close_by", "order_placed_at", "order_amount", "order_note", "order_delayed", "order_expected_at", "order_flagged", "order_review_reason",
		"product_sku", "product_stock", "product_reorder_at",
	}
	SalesforceValues = map[string][]string{
		"customer_stage":        {"lead", "customer", "former"},
		"ticket_status":         {"open", "pending", "resolved", "closed"},
		"ticket_priority":       {"low", "normal", "high", "urgent"},
		"task_status":           {"open", "done"},
		"interaction_kind":      {"call", "email", "meeting", "note", "review"},
		"interaction_sentiment": {"positive", "neutral", "negative"},
		"deal_stage":            {"lead", "qualified", "proposal", "negotiation", "won", "lost"},
		"order_status":          {"pending", "paid", "shipped", "delivered", "cancelled", "refunded"},
	}
)

func (k *checker) checkSalesforce(at string, s Salesforce) {
	k.checkSalesforceURL(at+".url", s.URL)
	if s.Audience != "" {
		k.checkSalesforceURL(at+".audience", s.Audience)
	}
	k.checkSalesforceLogin(at, s)
	if !currencyForm.MatchString(s.Currency) {
		k.refuse(at+".currency", "%s is no ISO 4217 code of three capital letters; want the organization's currency, such as EUR", k.show(at+".currency", s.Currency))
	}
	k.within(at+".requests_per_second", s.RequestsPerSecond, 0, maxSalesforcePace)
	k.within(at+".reserve", s.ReservePercent(), 0, 90)
	k.checkFieldNames(at+".external_id", s.ExternalID, SalesforceObjects)
	k.checkFieldNames(at+".fields", s.Fields, SalesforceFields)
	for _, kind := range slices.Sorted(maps.Keys(s.Values)) {
		path := child(at+".values", kind)
		known := SalesforceValues[kind]
		if known == nil {
			k.oneOf(path, kind, slices.Sorted(maps.Keys(SalesforceValues))...)
			continue
		}
		for _, value := range slices.Sorted(maps.Keys(s.Values[kind])) {
			k.oneOf(child(path, value), value, known...)
			for i, stored := range s.Values[kind][value] {
				if stored == "" || len(stored) > 255 {
					k.refuse(item(child(path, value), i), "want a value of the picklist, as its API name is")
				}
			}
		}
	}
}

func (k *checker) checkSalesforceURL(at, text string) {
	u := k.checkBaseURL(at, text)
	switch {
	case u == nil:
	case strings.Trim(u.Path, "/") != "" || u.User != nil || u.Fragment != "":
		k.refuse(at, "want an address without a path, such as https://acme.my.salesforce.com")
	case unencrypted(u):
		k.refuse(at, "want https: the credentials could be read on the way; http is for this machine alone")
	}
}

func (k *checker) checkSalesforceLogin(at string, s Salesforce) {
	if s.ClientID == "" {
		k.refuse(at+".client_id", "want the consumer key of the connected app that we sign in by")
	}
	switch {
	case s.ClientSecret == "" && s.PrivateKey == "":
		k.refuse(at+".client_secret", "want the connected app's, such as ${SALESFORCE_CLIENT_SECRET}; or a private_key and a username")
	case s.ClientSecret != "" && s.PrivateKey != "":
		k.refuse(at+".private_key", "there is a client_secret as well; sign in by one of them")
	case s.PrivateKey == "":
		for name, given := range map[string]string{"username": s.Username, "audience": s.Audience} {
			if given != "" {
				k.refuse(at+"."+name, "goes with a private_key only: with a client_secret we are the user that the connected app runs as")
			}
		}
		return
	case !rsaKey(s.PrivateKey.Reveal()):
		k.refuse(at+".private_key", "want an RSA private key in PEM, without a passphrase")
	}
	if s.PrivateKey != "" && s.Username == "" {
		k.refuse(at+".username", "want the user name at Salesforce that we sign in as")
	}
}

// fieldForm is the API name of a field. Names get into queries: nothing else may.
var fieldForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,79}$`)

func (k *checker) checkFieldNames(at string, fields map[string]string, known []string) {
	for _, of := range slices.Sorted(maps.Keys(fields)) {
		k.oneOf(child(at, of), of, known...)
		if !fieldForm.MatchString(fields[of]) {
			k.refuse(child(at, of), "%s is no API name of a field; want such as Drawbridge_Key__c", k.show(child(at, of), fields[of]))
		}
	}
}

// rsaKey reports whether a text is what the JWT bearer flow signs with.
func rsaKey(text string) bool {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return true
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	_, isRSA := key.(*rsa.PrivateKey)
	return err == nil && isRSA
}

// fitSalesforceKey gives a private key that was not read the form of one.
func (c *Config) fitSalesforceKey() {
	s := c.Tools.CRM.Salesforce
	if s == nil || !c.source.marks["tools.crm.salesforce.private_key"].standIn || rsaKey(s.PrivateKey.Reveal()) {
		return
	}
	if key := standInRSA(); key != "" {
		changed := *s
		changed.PrivateKey = Secret(key)
		c.Tools.CRM.Salesforce = &changed
	}
}

// standInRSA is a private key of nobody's.
var standInRSA = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
})

func (c *Config) explainSalesforce(s Salesforce) string {
	const at = "tools.crm.salesforce."
	where := c.publicPartAt(at+"url", s.URL)
	if u, err := url.Parse(s.URL); err == nil && strings.Contains(u.Hostname(), ".sandbox.") {
		where += ", a sandbox"
	}
	who := "as the connected app's user"
	if s.Username != "" {
		who = "as " + c.asWritten(at+"username", s.Username)
	}
	keys := "a call whose answer is lost waits for a person"
	if len(s.ExternalID) > 0 {
		keys = "what calls make has their key: " + strings.Join(slices.Sorted(maps.Keys(s.ExternalID)), ", ")
	}
	return fmt.Sprintf("%s, %s; %s", where, who, keys)
}
