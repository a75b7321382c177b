package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"drawbridge/config"
)

// legacyCalls is a client of protocol 2025-11-25 with a session: it sends what it is told.
func legacyCalls(t *testing.T, client *http.Client, base string, headers ...string) func(method, params string) replied {
	t.Helper()
	headers = append([]string{"Accept", "application/json, text/event-stream"}, headers...)
	hello := request(t, client, http.MethodPost, base+"/mcp", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`, headers...)
	session := hello.Header.Get("Mcp-Session-Id")
	if session == "" {
		t.Fatalf("%d %s", hello.StatusCode, hello.body)
	}
	return func(method, params string) replied {
		return request(t, client, http.MethodPost, base+"/mcp", fmt.Sprintf(`{"jsonrpc":"2.0","id":2,"method":%q,"params":%s}`, method, params),
			append([]string{"Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-11-25"}, headers...)...)
	}
}

// TestTokenWithoutAToolsScopeIsChallenged: 403 with what to get (RFC 6750, section 3.1; RFC
// 9728; MCP, authorization), in both eras, with and without notifications before the answer,
// and one row of the audit each.
func TestTokenWithoutAToolsScopeIsChallenged(t *testing.T) {
	p := newIDP(t)
	cfg := func(c *config.Config) {
		c.Server.PublicURL = "https://bridge.example.com"
		c.Auth.JWT[0].Scopes["crm:write"] = config.Scope{Tools: []string{"crm_*"}}
		c.Auth.JWT[0].Scopes["all"] = config.Scope{Tools: []string{"crm_*", "email_*"}, Effects: []string{"read", "write", "message"}, Agents: []string{"*"}}
	}
	a, base := p.servedApp(t, cfg)
	token := p.token(t, "first", nil) // crm:read, and a scope of somebody else
	auth := []string{"Authorization", "Bearer " + token}
	want := func(scopes string) string {
		return `Bearer error="insufficient_scope", resource_metadata="https://bridge.example.com/.well-known/oauth-protected-resource/mcp", scope="` + scopes + `"`
	}
	const create = `{"name":"crm_create_task","arguments":{"title":"call Ada back"}}`
	old := legacyCalls(t, http.DefaultClient, base, auth...)
	loud := legacyCalls(t, http.DefaultClient, base, auth...)
	if got := loud("logging/setLevel", `{"level":"debug"}`); got.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	modern := func(tool string) replied {
		got, _ := mcpRequest(t, http.DefaultClient, base, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":{}}`, tool), auth...)
		return got
	}
	for name, c := range map[string]struct {
		got    replied
		scopes string
	}{
		"2026-07-28":                    {modern("crm_create_task"), "crm:read crm:write"},
		"another effect":                {modern("email_send"), "crm:read mail:send"},
		"another tool":                  {modern("email_create_draft"), "all crm:read"},
		"2025-11-25":                    {old("tools/call", create), "crm:read crm:write"},
		"with a message in front of it": {loud("tools/call", create), "crm:read crm:write"},
	} {
		if has := c.got.Header.Get("WWW-Authenticate"); c.got.StatusCode != http.StatusForbidden || has != want(c.scopes) {
			t.Errorf("%s: %d, WWW-Authenticate: %s\nwant %s", name, c.got.StatusCode, has, want(c.scopes))
		}
		if !strings.Contains(c.got.body, `"isError":true`) || !strings.Contains(c.got.body, c.scopes) {
			t.Errorf("%s: the answer is %s", name, c.got.body)
		}
	}
	if n := rows(t, a.store, `SELECT COUNT(*) FROM audit WHERE principal = 'jwt:corp/alice' AND door = 'http' AND tool = 'crm_create_task' AND decision = 'refused'`); n != 3 {
		t.Errorf("%d refusals on record, want 3", n)
	}
	if n := rows(t, a.store, `SELECT COUNT(*) FROM audit`); n != 5 {
		t.Errorf("%d rows, want 5", n)
	}
	// The scopes that it was told are enough.
	more := p.token(t, "first", func(c jwt.MapClaims) { c["scope"] = "crm:read crm:write" })
	if got := legacyCalls(t, http.DefaultClient, base, "Authorization", "Bearer "+more)("tools/call", create); got.StatusCode != http.StatusOK || strings.Contains(got.body, `"isError":true`) {
		t.Errorf("with more scopes: %d %s", got.StatusCode, got.body)
	}
}

// TestNobodyLearnsOfToolsThatNoScopeOpens: they are as those that there are not; and whoever
// has no token is answered as ever.
func TestNobodyLearnsOfToolsThatNoScopeOpens(t *testing.T) {
	p := newIDP(t)
	_, base := p.servedApp(t, func(c *config.Config) {
		c.Server.Keys = []config.Key{{Name: "desk", Key: "desk-key-0123456789", Tools: []string{"crm_get_*"}}}
		// Another issuer's scopes are nothing to this one's tokens.
		other := c.Auth.JWT[0]
		other.Name, other.Issuer, other.Scopes = "other", "https://other.example.com", map[string]config.Scope{"pay": {Tools: []string{"payment_*"}, Effects: config.AllEffects()}}
		c.Auth.JWT = append(c.Auth.JWT, other)
	})
	answer := func(tool string, headers ...string) string {
		got, _ := mcpRequest(t, http.DefaultClient, base, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":{}}`, tool), headers...)
		return fmt.Sprint(got.StatusCode, got.Header.Get("WWW-Authenticate"), strings.ReplaceAll(got.body, tool, "TOOL"))
	}
	alice, desk := []string{"Authorization", "Bearer " + p.token(t, "first", nil)}, []string{"X-API-Key", "desk-key-0123456789"}
	for name, c := range map[string]struct {
		tool    string
		headers []string
	}{"a token": {"payment_create_refund", alice}, "a key": {"crm_create_task", desk}} {
		hidden, none := answer(c.tool, c.headers...), answer("no_such_tool", c.headers...)
		if hidden != none || !strings.HasPrefix(hidden, "200") || !strings.Contains(hidden, "there is no tool") {
			t.Errorf("%s: a tool that it never sees: %s\none that there is not: %s", name, hidden, none)
		}
	}
}

// TestTokenWithoutAResourcesScopeIsChallenged: to read one is to call a tool.
func TestTokenWithoutAResourcesScopeIsChallenged(t *testing.T) {
	p := newIDP(t)
	_, base := p.servedApp(t, nil)
	mail := p.token(t, "first", func(c jwt.MapClaims) { c["scope"] = "mail:send" })
	got := legacyCalls(t, http.DefaultClient, base, "Authorization", "Bearer "+mail)("resources/read", `{"uri":"drawbridge://customers/cus_1"}`)
	if has := got.Header.Get("WWW-Authenticate"); got.StatusCode != http.StatusForbidden || !strings.HasSuffix(has, `scope="crm:read mail:send"`) {
		t.Errorf("%d %s\n%s", got.StatusCode, has, got.body)
	}
}
