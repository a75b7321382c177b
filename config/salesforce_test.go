package config

import (
	"strings"
	"testing"
)

func TestSalesforceIsExplainedWithoutItsSecret(t *testing.T) {
	key := strings.ReplaceAll(standInRSA(), "\n", `\n`)
	for settings, want := range map[string]string{
		"url: https://acme.my.salesforce.com, client_secret: hunter2-hunter2":                                                                      "https://acme.my.salesforce.com, as the connected app's user; a call whose answer is lost waits for a person",
		"url: https://acme--dev.sandbox.my.salesforce.com, client_secret: hunter2-hunter2":                                                         "a sandbox, as the connected app's user",
		"url: https://acme.my.salesforce.com, private_key: \"" + key + "\", username: desk@example.com, external_id: {Task: Key__c, Case: Key__c}": "as desk@example.com; what calls make has their key: Case, Task",
		"url: 'http://127.0.0.1:8080', client_secret: hunter2-hunter2, reserve: 0, values: {deal_stage: {lost: [Dead, Lost]}}":                     "http://127.0.0.1:8080",
	} {
		text := "tools: {crm: {backend: salesforce, salesforce: {client_id: 3MVG9, currency: EUR, " + settings + "}}}"
		c, err := Parse("x.yaml", []byte(text), lookupIn(nil))
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		c.Explain(&out)
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), "PRIVATE") {
			t.Errorf("%s is explained as\n%s\nwant %q in it, and no secret", text, out.String(), want)
		}
	}
}

func TestKeyForSalesforceThatIsNotReadIsOneOfNobody(t *testing.T) {
	from := Sources{Lookup: lookupIn(nil), Read: func(string, string, string) (Value, error) {
		return Value{Value: "0123456789abcdef", StandIn: true}, nil
	}}
	text := "tools: {crm: {backend: salesforce, salesforce: {url: https://acme.my.salesforce.com, client_id: 3MVG9, currency: EUR, username: a@example.com, private_key: \"${file:/run/secrets/sf}\"}}}"
	c, err := ParseFrom("x.yaml", []byte(text), from)
	if err != nil {
		t.Fatal(err)
	}
	if !rsaKey(c.Tools.CRM.Salesforce.PrivateKey.Reveal()) {
		t.Error("the program cannot be wired with what stands in for the key")
	}
}
