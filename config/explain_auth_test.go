package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExplainSaysWhoseTokensAndCertificatesCount, and shows no query of an issuer's address,
// in which people put secrets.
func TestExplainSaysWhoseTokensAndCertificatesCount(t *testing.T) {
	c, err := Parse("drawbridge.yaml", []byte(`
server: {tls: {certificate: c.pem, key: k.pem, client_ca: roots.pem}}
auth:
  jwt:
    - name: corp
      issuer: https://id.example.com/
      audience: https://bridge.example.com/mcp
      jwks_url: https://id.example.com/keys?token=hunter2
      scopes: {"crm:write": {tools: ["crm_*"], effects: [read, write], agents: ["*"]}, "crm:read": {tools: ["crm_*"], effects: [read]}}
    - {name: batch, issuer: https://batch.example.com/, audience: b, jwks_file: keys.json, concurrent: 0, scopes: {mail: {agents: ["assistant"]}}}
  certificates:
    - {name: erp, cn: [erp.example.com, erp-2.example.com], fingerprint: [`+strings.Repeat("ab", 32)+`], tools: ["crm_*"], effects: [read], requests_per_minute: 6, dry_run: true}
    - {name: workers, uri: ["spiffe://example.com/worker"], tools: ["*"], agents: [], approve: true}
`), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := `
There are no API keys here; those made with ` + "`drawbridge keys create`" + ` are in the store.

Tokens (JWT)
  Of https://id.example.com/, for https://bridge.example.com/mcp, signed with a key of https://id.example.com/keys: jwt:corp/SUB, 600 requests a minute, 32 at a time each.
    scope crm:read: may call crm_* with effects read, and talk to nobody.
    scope crm:write: may call crm_* with effects read write, and talk to *.
  Of https://batch.example.com/, for b, signed with a key of keys.json: jwt:batch/SUB, 600 requests a minute each.
    scope mail: may call nothing, and talk to assistant.

Client certificates, signed by an authority of roots.pem; the first entry that fits counts, any other certificate is refused
  cn erp.example.com or erp-2.example.com, and fingerprint ` + strings.Repeat("ab", 32) + `: cert:erp, 6 requests a minute, 32 at a time.
    may call crm_* with effects read, and talk to *.
    In dry run: only its reads are made.
  uri spiffe://example.com/worker: cert:workers, 600 requests a minute, 32 at a time.
    may call * with effects read write, and talk to nobody.
`
	got := explain(c)
	if _, got, _ = strings.Cut(got, "\nThere are no API keys"); got == "" {
		t.Fatalf("it says:\n%s", explain(c))
	}
	got, _, _ = strings.Cut("\nThere are no API keys"+got, "\nA chat stream")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(explain(c), "The client certificates of workers may decide about approvals.") || strings.Contains(explain(c), "hunter2") {
		t.Errorf("it says:\n%s", explain(c))
	}
}
