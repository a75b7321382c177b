package config

import (
	"strings"
	"testing"
)

func TestExplanationSaysWhatTheHubSpotAccountCannotKeep(t *testing.T) {
	c, err := Parse("drawbridge.yaml", []byte(`
tools:
  crm:
    backend: hubspot
    hubspot: {token: pat-eu1-0123456789, currency: EUR, base_url: "http://127.0.0.1:8080", properties: {customer_external_id: shop_id, order_delayed: delayed}}
`), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	c.Explain(&out)
	const want = "a HubSpot account in EUR; no idempotency keys: a write whose answer is lost waits for a person; " +
		"no property for customer_note, order_expected_at, order_review_reason, product_stock, product_reorder_at; at http://127.0.0.1:8080"
	if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "pat-eu1") {
		t.Errorf("the explanation says:\n%s", out.String())
	}
}

func TestHubSpotTokenThatIsNotReadIsTakenForOne(t *testing.T) {
	from := Sources{Lookup: lookupIn(nil), Read: func(string, string, string) (Value, error) {
		return Value{Value: "?", StandIn: true}, nil
	}}
	if _, err := ParseFrom("drawbridge.yaml", []byte("tools:\n  crm: {backend: hubspot, hubspot: {token: \"${file:/run/secrets/hubspot}\", currency: EUR}}"), from); err != nil {
		t.Error(err)
	}
}
