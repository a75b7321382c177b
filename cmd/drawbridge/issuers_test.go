package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"drawbridge/config"
)

// idp is an identity provider: it signs tokens, and serves its keys.
type idp struct {
	*httptest.Server
	mu     sync.Mutex
	keys   map[string]*ecdsa.PrivateKey
	served []string // ids of keys
}

func newIDP(t *testing.T) *idp {
	t.Helper()
	p := &idp{keys: map[string]*ecdsa.PrivateKey{}}
	p.rotate(t, "first")
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(p.jwks()) }))
	t.Cleanup(p.Close)
	return p
}

// jwks are the public keys that count.
func (p *idp) jwks() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	var keys []map[string]string
	for _, id := range p.served {
		point, err := p.keys[id].PublicKey.Bytes() // 4, x, y
		if err != nil {
			panic(err)
		}
		coordinate := base64.RawURLEncoding.EncodeToString
		keys = append(keys, map[string]string{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id, "x": coordinate(point[1:33]), "y": coordinate(point[33:])})
	}
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err)
	}
	return text
}

// rotate has new tokens signed with another key; those of earlier ones are not served.
func (p *idp) rotate(t *testing.T, id string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[id], p.served = key, []string{id}
}

const bridgeAudience = "https://bridge.example.com/mcp"

// token is one for alice, as changed.
func (p *idp) token(t *testing.T, kid string, change func(jwt.MapClaims)) string {
	t.Helper()
	now := time.Now()
	claims := jwt.MapClaims{"iss": p.URL, "aud": bridgeAudience, "sub": "alice", "scope": "crm:read other", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	if change != nil {
		change(claims)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = kid
	p.mu.Lock()
	defer p.mu.Unlock()
	text, err := token.SignedString(p.keys[kid])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *idp) served1(t *testing.T, more func(*config.Config)) (base string) {
	t.Helper()
	_, base = p.servedApp(t, more)
	return base
}

// servedApp is a server that takes tokens of the provider.
func (p *idp) servedApp(t *testing.T, more func(*config.Config)) (*app, string) {
	t.Helper()
	cfg := temporary(t, config.Default())
	cfg.Auth.JWT = []config.Issuer{{Name: "corp", Issuer: p.URL, Audience: bridgeAudience, JWKSURL: p.URL + "/jwks", Scopes: map[string]config.Scope{
		"crm:read": {Tools: []string{"crm_*"}, Effects: []string{"read"}, Agents: []string{"*"}}, "mail:send": {Tools: []string{"email_send"}, Effects: []string{"message"}},
	}}}
	if more != nil {
		more(cfg)
	}
	return served(t, cfg)
}

func listTools(t *testing.T, base, token string) []string {
	t.Helper()
	got := request(t, http.DefaultClient, http.MethodPost, base+"/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
		"Authorization", "Bearer "+token, "Accept", "application/json, text/event-stream", "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/list")
	text := got.body
	if i := strings.Index(text, "data: "); i >= 0 {
		text = text[i+6:]
	}
	var answer struct {
		Result struct{ Tools []struct{ Name string } }
	}
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&answer); err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("%d %s (%v)", got.StatusCode, got.body, err)
	}
	var names []string
	for _, tool := range answer.Result.Tools {
		names = append(names, tool.Name)
	}
	return names
}

func TestTokenOpensWhatItsScopesDo(t *testing.T) {
	p := newIDP(t)
	base := p.served1(t, nil)
	names := listTools(t, base, p.token(t, "first", func(c jwt.MapClaims) { c["scope"] = "crm:read mail:send" }))
	if !slices.Contains(names, "crm_get_customer") || !slices.Contains(names, "email_send") {
		t.Errorf("lists %v", names)
	}
	// The effect of one scope does not count for the tools of another.
	for _, name := range names {
		if strings.HasPrefix(name, "crm_create") || strings.HasPrefix(name, "payment_") {
			t.Errorf("lists %s", name)
		}
	}
	if names := listTools(t, base, p.token(t, "first", func(c jwt.MapClaims) { delete(c, "scope"); c["scp"] = []string{"mail:send"} })); len(names) != 1 {
		t.Errorf("scp of mail:send lists %v", names)
	}
}

func TestOnlyGoodTokensAreTaken(t *testing.T) {
	p, stranger := newIDP(t), newIDP(t)
	base := p.served1(t, nil)
	hmac, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": p.URL, "aud": bridgeAudience, "sub": "alice", "scope": "crm:read", "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte("guess"))
	if err != nil {
		t.Fatal(err)
	}
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": p.URL, "aud": bridgeAudience, "sub": "alice", "scope": "crm:read", "exp": time.Now().Add(time.Hour).Unix()}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	good := p.token(t, "first", nil)
	for name, c := range map[string]struct {
		token string
		want  int
		says  string
	}{
		"good":               {good, 200, ""},
		"expired":            {p.token(t, "first", func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Hour).Unix() }), 401, "expired"},
		"not yet":            {p.token(t, "first", func(c jwt.MapClaims) { c["nbf"] = time.Now().Add(time.Hour).Unix() }), 401, "not count yet"},
		"within the leeway":  {p.token(t, "first", func(c jwt.MapClaims) { c["nbf"] = time.Now().Add(10 * time.Second).Unix() }), 200, ""},
		"for ever":           {p.token(t, "first", func(c jwt.MapClaims) { delete(c, "exp") }), 401, "lacks"},
		"another audience":   {p.token(t, "first", func(c jwt.MapClaims) { c["aud"] = "https://other.example.com" }), 401, "audience"},
		"no audience":        {p.token(t, "first", func(c jwt.MapClaims) { delete(c, "aud") }), 401, "lacks"},
		"another issuer":     {stranger.token(t, "first", nil), 401, "issuer"},
		"a forged issuer":    {stranger.token(t, "first", func(c jwt.MapClaims) { c["iss"] = p.URL }), 401, "signature"},
		"nobody":             {p.token(t, "first", func(c jwt.MapClaims) { c["sub"] = "" }), 401, "nobody"},
		"a name with a line": {p.token(t, "first", func(c jwt.MapClaims) { c["sub"] = "a\nb" }), 401, "nobody"},
		"HMAC":               {hmac, 401, "signature"},
		"no algorithm":       {none, 401, "signature"},
		"changed":            {good[:len(good)-4] + "AAAA", 401, "signature"},
		"no scope":           {p.token(t, "first", func(c jwt.MapClaims) { c["scope"] = "other" }), 403, "scopes"},
	} {
		got := request(t, http.DefaultClient, http.MethodGet, base+"/v1/models", "", "Authorization", "Bearer "+c.token)
		if got.StatusCode != c.want || !strings.Contains(got.body, c.says) {
			t.Errorf("%s: %d %s, want %d %q", name, got.StatusCode, got.body, c.want, c.says)
		}
	}
}

// TestIssuersKeysAreFetchedAnewWhenATokenNamesAnother: once, for as long as somebody names
// keys that there are not.
func TestIssuersKeysAreFetchedAnewWhenATokenNamesAnother(t *testing.T) {
	p := newIDP(t)
	base := p.served1(t, nil)
	p.rotate(t, "second")
	if got := request(t, http.DefaultClient, http.MethodGet, base+"/v1/models", "", "Authorization", "Bearer "+p.token(t, "second", nil)); got.StatusCode != http.StatusOK {
		t.Errorf("a token of the new key: %d %s", got.StatusCode, got.body)
	}
	p.rotate(t, "third")
	if got := request(t, http.DefaultClient, http.MethodGet, base+"/v1/models", "", "Authorization", "Bearer "+p.token(t, "third", nil)); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("keys are fetched as often as somebody asks: %d %s", got.StatusCode, got.body)
	}
}

// TestIssuersKeysInAFileAreReadAnewWhenItChanges, and a file without keys takes none away.
func TestIssuersKeysInAFileAreReadAnewWhenItChanges(t *testing.T) {
	p := newIDP(t)
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, p.jwks(), 0o600); err != nil {
		t.Fatal(err)
	}
	base := p.served1(t, func(c *config.Config) { c.Auth.JWT[0].JWKSURL, c.Auth.JWT[0].JWKSFile = "", file })
	asks := func(token string) int {
		return request(t, http.DefaultClient, http.MethodGet, base+"/v1/models", "", "Authorization", "Bearer "+token).StatusCode
	}
	first := p.token(t, "first", nil)
	p.rotate(t, "second")
	second := p.token(t, "second", nil)
	if a, b := asks(first), asks(second); a != http.StatusOK || b != http.StatusUnauthorized {
		t.Fatalf("at first: %d, %d", a, b)
	}
	replaceFile(t, file, p.jwks())
	eventually(t, "the new key counts", 5*time.Minute, func() bool { return asks(second) == http.StatusOK })
	if got := asks(first); got != http.StatusUnauthorized {
		t.Errorf("a token of the old key: %d", got)
	}
}

// TestFileWithoutKeysIsNoIssuersFile: at the start, and later.
func TestFileWithoutKeysIsNoIssuersFile(t *testing.T) {
	p := newIDP(t)
	for _, text := range []string{"", "{}", `{"keys":[]}`, `{"keys":[{"kty":"EC"`, `[]`} {
		file := filepath.Join(t.TempDir(), "keys.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keysIn(t.Context(), file); err == nil || !strings.Contains(err.Error(), "keys.json") {
			t.Errorf("%q: %v", text, err)
		}
		if err := os.WriteFile(file, p.jwks(), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keysIn(t.Context(), file); err != nil {
			t.Error(err)
		}
	}
}

// TestRefusalSaysWhereToGetAToken: RFC 9728, sections 3 and 5.1.
func TestRefusalSaysWhereToGetAToken(t *testing.T) {
	p := newIDP(t)
	base := p.served1(t, func(c *config.Config) { c.Server.PublicURL = "https://bridge.example.com" })
	const at = `resource_metadata="https://bridge.example.com/.well-known/oauth-protected-resource/mcp", scope="crm:read mail:send"`
	for name, c := range map[string]struct {
		path  string
		token string
		want  string
	}{
		"nothing":       {"/mcp", "", "Bearer " + at},
		"a bad token":   {"/mcp", "ey.a.b", `Bearer error="invalid_token", ` + at},
		"too little":    {"/mcp", p.token(t, "first", func(c jwt.MapClaims) { c["scope"] = "other" }), `Bearer error="insufficient_scope", ` + at},
		"no MCP at all": {"/v1/models", "", `Bearer scope="crm:read mail:send"`},
	} {
		var headers []string
		if c.token != "" {
			headers = []string{"Authorization", "Bearer " + c.token}
		}
		got := request(t, http.DefaultClient, http.MethodPost, base+c.path, "{}", headers...)
		if has := got.Header.Get("WWW-Authenticate"); has != c.want {
			t.Errorf("%s: %d, WWW-Authenticate: %s\nwant %s", name, got.StatusCode, has, c.want)
		}
	}
	for _, path := range []string{wellKnown, wellKnown + "/mcp"} {
		got := request(t, http.DefaultClient, http.MethodGet, base+path, "")
		var m struct {
			Resource    string   `json:"resource"`
			Authorities []string `json:"authorization_servers"`
			Scopes      []string `json:"scopes_supported"`
		}
		if err := json.Unmarshal([]byte(got.body), &m); err != nil || m.Resource != "https://bridge.example.com/mcp" || !slices.Equal(m.Authorities, []string{p.URL}) || len(m.Scopes) != 2 {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	_, plain := doors(t)
	if got := request(t, http.DefaultClient, http.MethodGet, plain+wellKnown, ""); strings.Contains(got.body, "authorization_servers") {
		t.Errorf("with keys alone: %s", got.body)
	}
}
