package config

import (
	"strings"
	"testing"
)

func TestExplainSaysHowAPIsAreMountedAndNoSecret(t *testing.T) {
	env := map[string]string{"KEY": "hush-hush-hush", "URL_KEY": "very-secret-part"}
	c, err := Parse("drawbridge.yaml", []byte(`tools:
  openapi:
    - {name: shop, spec: "https://shop.example.com/${URL_KEY}/openapi.json?key=${KEY}", base_url: "https://api.example.com/v1", auth: {bearer: "${KEY}"},
       include: ["tag:orders"], exclude: ["DELETE *"], idempotency_header: Idempotency-Key}
    - {name: billing, spec: ./billing.yaml, fixed: {tenant: "${KEY}"}, auth: {api_key: {in: query, name: key, value: "${KEY}"}}, trust: [results]}
    - {name: plain, spec: "http://plain.example.com/x.yaml", base_url: "http://plain.example.com"}
`), lookupIn(env))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	c.Explain(&out)
	for _, want := range []string{
		"REST APIs", "shop__     tag:orders but DELETE *  https://shop.example.com/…", "https://api.example.com/v1  a bearer token", "under Idempotency-Key  nothing",
		"where the document says     a key in the query  never", "changes (a file), results",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
	for _, secret := range env {
		if strings.Contains(out.String(), secret) {
			t.Errorf("it shows %q:\n%s", secret, out.String())
		}
	}
	var warned []string
	for _, w := range c.Warnings() {
		warned = append(warned, w.Path)
	}
	if got := strings.Join(warned, " "); got != "tools.openapi[2].spec tools.openapi[2].base_url" {
		t.Errorf("warned of %q", got)
	}
}
