package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"drawbridge/config"
)

// client gives a client's certificate for a common name, as changed.
func (a *authority) client(t *testing.T, name string, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	key := newPrivateKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if change != nil {
		change(template)
	}
	leaf := a.sign(t, template, a.certificate, key)
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// secured is a server that speaks TLS, asks for certificates of clients, and takes one key
// besides.
type secured struct {
	*app
	base    string
	own     *authority // of its own certificate
	clients *authority // of its clients'
	senders *authority // of a webhook's senders
	roots   string     // the file with its clients' authority
}

func newSecured(t *testing.T, more func(*config.Config)) *secured {
	t.Helper()
	s := &secured{own: newAuthority(t), clients: newAuthority(t), senders: newAuthority(t)}
	cert := s.own.issue(t, "bridge.example.com", x509.ExtKeyUsageServerAuth)
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	s.roots = pemFile(t, "clients.pem", "CERTIFICATE", s.clients.certificate.Raw)
	cfg := temporary(t, config.Default())
	cfg.Server.TLS = &config.TLS{Certificate: pemFile(t, "cert.pem", "CERTIFICATE", cert.Certificate[0]), Key: pemFile(t, "key.pem", "PRIVATE KEY", der), ClientCA: s.roots}
	cfg.Server.Keys = []config.Key{{Name: "desk", Key: "desk-key-0123456789", Tools: []string{"payment_get_*"}, Agents: []string{"*"}}}
	cfg.Auth.Certificates = []config.Certificate{
		{Name: "erp", CN: []string{"erp.example.com"}, Tools: []string{"crm_*"}, Effects: []string{"read"}, Agents: []string{"*"}},
		{Name: "worker", URI: []string{"spiffe://example.com/worker"}, Tools: []string{"email_send"}, Effects: []string{"message"}},
	}
	hook := hookOf(config.Webhook{Scheme: "token", Secrets: []config.WebhookSecret{{Secret: shopSecret}}, Agent: config.AssistantName, Prompt: "Look."})
	hook.ClientCA = pemFile(t, "senders.pem", "CERTIFICATE", s.senders.certificate.Raw)
	cfg.Webhooks = map[string]config.Webhook{"shop": hook}
	if more != nil {
		more(cfg)
	}
	s.app, s.base = served(t, cfg)
	return s
}

// as is a client that shows a certificate, nil for none.
func (s *secured) as(t *testing.T, shown *tls.Certificate) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.own.certificate)
	if shown == nil {
		shown = &tls.Certificate{}
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// mcpRequest asks as a client of protocol 2026-07-28 does, and gives the answer.
func mcpRequest(t *testing.T, client *http.Client, base, method, params string, headers ...string) (replied, json.RawMessage) {
	t.Helper()
	named := ""
	if method == "tools/call" {
		var p struct{ Name string }
		if err := json.Unmarshal([]byte(params), &p); err != nil {
			t.Fatal(err)
		}
		headers, named = append(headers, "Mcp-Name", p.Name), strings.TrimSuffix(strings.TrimPrefix(params, "{"), "}")+","
	}
	got := request(t, client, http.MethodPost, base+"/mcp", fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`, method, named),
		append([]string{"Accept", "application/json, text/event-stream", "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method}, headers...)...)
	text := got.body
	if i := strings.Index(text, "data: "); i >= 0 {
		text = text[i+6:]
	}
	var answer struct{ Result, Error json.RawMessage }
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&answer); err != nil {
		return got, nil
	}
	return got, answer.Result
}

// listed are the names of the tools that a client is shown.
func listed(t *testing.T, client *http.Client, base string, headers ...string) []string {
	t.Helper()
	got, result := mcpRequest(t, client, base, "tools/list", "{}", headers...)
	var list struct{ Tools []struct{ Name string } }
	if err := json.Unmarshal(result, &list); err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("%d %s (%v)", got.StatusCode, got.body, err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	return names
}

func spiffe(path string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Subject.CommonName, c.URIs = "", []*url.URL{{Scheme: "spiffe", Host: "example.com", Path: path}}
	}
}

// TestClientCertificateOpensWhatItsEntrySays: at each door, as a key does, and it is on
// record by its name.
func TestClientCertificateOpensWhatItsEntrySays(t *testing.T) {
	s := newSecured(t, nil)
	erp, worker := s.as(t, s.clients.client(t, "erp.example.com", nil)), s.as(t, s.clients.client(t, "", spiffe("/worker")))
	names := listed(t, erp, s.base)
	if !slices.Contains(names, "crm_get_customer") || slices.ContainsFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, "crm_") || strings.HasPrefix(name, "crm_create")
	}) {
		t.Errorf("erp is shown %v", names)
	}
	if names := listed(t, worker, s.base); !slices.Equal(names, []string{"email_send"}) {
		t.Errorf("worker is shown %v", names)
	}
	for tool, decision := range map[string]string{"crm_list_tasks": "allowed", "crm_create_task": "refused", "email_send": "refused"} {
		if got, _ := mcpRequest(t, erp, s.base, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":{}}`, tool)); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", tool, got.StatusCode, got.body)
		}
		if n := rows(t, s.store, fmt.Sprintf(`SELECT COUNT(*) FROM audit WHERE principal = 'cert:erp' AND door = 'http' AND tool = '%s' AND decision = '%s'`, tool, decision)); n != 1 {
			t.Errorf("%s: %d rows of cert:erp that say %s, want one", tool, n, decision)
		}
	}
	if got := request(t, erp, http.MethodGet, s.base+"/v1/models", ""); got.StatusCode != http.StatusOK || !strings.Contains(got.body, config.AssistantName) {
		t.Errorf("erp and the agents: %d %s", got.StatusCode, got.body)
	}
	if got := request(t, worker, http.MethodGet, s.base+"/v1/models", ""); got.StatusCode != http.StatusOK || strings.Contains(got.body, config.AssistantName) {
		t.Errorf("worker, who may talk to nobody: %d %s", got.StatusCode, got.body)
	}
	// Its run is its own.
	got := request(t, erp, http.MethodPost, s.base+"/v1/runs", `{"agent":"assistant","prompt":"Look around."}`)
	var run struct{ ID string }
	if err := json.Unmarshal([]byte(got.body), &run); err != nil || got.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	if r, err := s.store.Run(t.Context(), run.ID); err != nil || r.Owner != "cert:erp" {
		t.Errorf("the run is that of %q (%v)", r.Owner, err)
	}
	if got := request(t, worker, http.MethodGet, s.base+"/v1/runs/"+run.ID, ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("another sees it: %d %s", got.StatusCode, got.body)
	}
}

// TestRefusedCertificateIsToldWhy: the handshake goes through, and the answer can be read.
func TestRefusedCertificateIsToldWhy(t *testing.T) {
	s := newSecured(t, nil)
	stranger := newAuthority(t)
	for name, c := range map[string]struct {
		shown *tls.Certificate
		says  string
	}{
		"none":               {nil, "or connect with a client certificate"},
		"a stranger's":       {stranger.client(t, "erp.example.com", nil), "no authority that counts here has signed it"},
		"a webhook's":        {s.senders.client(t, "erp.example.com", nil), "no authority that counts here has signed it"},
		"expired":            {s.clients.client(t, "erp.example.com", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), `\"CN=erp.example.com\" has expired on `},
		"not yet":            {s.clients.client(t, "erp.example.com", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), "does not count before"},
		"a server's":         {s.clients.client(t, "erp.example.com", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), "not for clients"},
		"listed nowhere":     {s.clients.client(t, "other.example.com", nil), `\"CN=other.example.com\" is known here by none of its names`},
		"another kind's":     {s.clients.client(t, "spiffe://example.com/worker", nil), "none of its names"},
		"below what is said": {s.clients.client(t, "", spiffe("/worker/1")), "none of its names"},
	} {
		for _, path := range []string{"/mcp", "/sse", "/message", "/v1/models", "/v1/runs"} {
			got := request(t, s.as(t, c.shown), http.MethodGet, s.base+path, "")
			if got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, c.says) || !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s at %s: %d %s, want 401 and %q", name, path, got.StatusCode, got.body, c.says)
			}
			if wrong := strings.Contains(got.Header.Get("WWW-Authenticate"), "error="); wrong {
				t.Errorf("%s at %s: no token was shown, and %s", name, path, got.Header.Get("WWW-Authenticate"))
			}
		}
	}
	// Who needs none is not stopped for showing any.
	for _, path := range []string{"/healthz", wellKnown} {
		if got := request(t, s.as(t, stranger.client(t, "anybody", nil)), http.MethodGet, s.base+path, ""); got.StatusCode != http.StatusOK {
			t.Errorf("%s with a stranger's certificate: %d %s", path, got.StatusCode, got.body)
		}
	}
}

// TestKeyOrTokenBesideACertificateSaysWhoAsks, good or bad: nobody is taken for the
// certificate's holder unawares.
func TestKeyOrTokenBesideACertificateSaysWhoAsks(t *testing.T) {
	p := newIDP(t)
	s := newSecured(t, func(c *config.Config) {
		c.Auth.JWT = []config.Issuer{{Name: "corp", Issuer: p.URL, Audience: bridgeAudience, JWKSURL: p.URL + "/jwks", Scopes: map[string]config.Scope{"crm:read": {Tools: []string{"crm_list_tasks"}}}}}
	})
	shown := s.clients.client(t, "erp.example.com", nil)
	erp := s.as(t, shown)
	if names := listed(t, erp, s.base, "X-API-Key", "desk-key-0123456789"); len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return !strings.HasPrefix(name, "payment_get_") }) {
		t.Errorf("with desk's key erp is shown %v", names)
	}
	if names := listed(t, erp, s.base, "Authorization", "Bearer "+p.token(t, "first", nil)); !slices.Equal(names, []string{"crm_list_tasks"}) {
		t.Errorf("with alice's token erp is shown %v", names)
	}
	for what, key := range map[string]string{"an unknown key": "nobody-0123456789abc", "a bad token": "ey.a.b", "nothing": ""} {
		if got, _ := mcpRequest(t, erp, s.base, "tools/list", "{}", "Authorization", "Bearer "+key); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("with %s erp gets %d %s", what, got.StatusCode, got.body)
		}
	}
	// A token that is bound to a certificate (RFC 8705, section 3) is its holder's alone.
	sum := sha256.Sum256(shown.Certificate[0])
	bound := p.token(t, "first", func(c jwt.MapClaims) {
		c["cnf"] = map[string]string{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}
	})
	other := p.token(t, "first", func(c jwt.MapClaims) {
		c["cnf"] = map[string]string{"jkt": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}
	})
	for name, c := range map[string]struct {
		client *http.Client
		token  string
		want   int
	}{
		"its own":         {erp, bound, 200},
		"another":         {s.as(t, s.clients.client(t, "erp.example.com", nil)), bound, 401},
		"none":            {s.as(t, nil), bound, 401},
		"a key of others": {erp, other, 401},
	} {
		got, _ := mcpRequest(t, c.client, s.base, "tools/list", "{}", "Authorization", "Bearer "+c.token)
		if got.StatusCode != c.want || c.want == 401 && !strings.Contains(got.body, "bound to (cnf)") {
			t.Errorf("a bound token with %s: %d %s, want %d", name, got.StatusCode, got.body, c.want)
		}
	}
}

// replaceFile puts other content in a file's place at once, as whoever renews it should.
func replaceFile(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	// A file system may not tell two writes of one moment apart.
	at := time.Now().Add(time.Minute)
	if err := os.Chtimes(file+".new", at, at); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// TestChangedAuthoritiesCountWithoutARestart, those of clients and those of a webhook's
// senders, over connections that there are already too.
func TestChangedAuthoritiesCountWithoutARestart(t *testing.T) {
	s := newSecured(t, nil)
	next := newAuthority(t)
	old, new := s.as(t, s.clients.client(t, "erp.example.com", nil)), s.as(t, next.client(t, "erp.example.com", nil))
	sender, later := s.as(t, s.senders.client(t, "sender", nil)), s.as(t, next.client(t, "sender", nil))
	asks := func(client *http.Client) int {
		return request(t, client, http.MethodGet, s.base+"/v1/models", "").StatusCode
	}
	sends := func(client *http.Client, n int) int {
		return request(t, client, http.MethodPost, s.base+"/webhooks/shop", fmt.Sprintf(`{"n":%d}`, n), "Authorization", "Bearer "+shopSecret).StatusCode
	}
	if a, b, c, d := asks(old), asks(new), sends(sender, 1), sends(later, 2); a != 200 || b != 401 || c != 200 || d != 401 {
		t.Fatalf("at first: %d, %d, %d, %d", a, b, c, d)
	}
	replaceFile(t, s.roots, next.pem())
	replaceFile(t, s.cfg.Webhooks["shop"].ClientCA, next.pem())
	eventually(t, "the new authority counts", 5*time.Minute, func() bool { return asks(new) == 200 && sends(later, 3) == 200 })
	if a, c := asks(old), sends(sender, 4); a != 401 || c != 401 {
		t.Errorf("of the old authority: %d, %d, want 401", a, c)
	}
}

func TestUnreadableAuthoritiesOfClientsAreAConfigurationError(t *testing.T) {
	s := newSecured(t, nil)
	bad := settingsFile(t, fmt.Sprintf("server: {tls: {certificate: %q, key: %q, client_ca: nonesuch.pem}}\nauth: {certificates: [{name: erp, cn: [a], tools: [\"*\"]}]}\n", s.cfg.Server.TLS.Certificate, s.cfg.Server.TLS.Key))
	var out bytes.Buffer
	if code := execute(t.Context(), &console{in: strings.NewReader(""), out: &out, err: &out, lookup: noEnvironment}, []string{"check", "-c", bad}); code != exitWrong || !strings.Contains(out.String(), "server.tls.client_ca") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
}
