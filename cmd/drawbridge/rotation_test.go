//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"drawbridge/tools/payment/stripe/stripefake"
)

// carrying is an API with one operation, and an issuer of tokens, that note the secrets they are shown.
type carrying struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newCarrying(t *testing.T) *carrying {
	c := &carrying{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, word, _ := r.BasicAuth()
		c.mu.Lock()
		c.seen = append(c.seen, fmt.Sprintf("%s %s %s %s", r.URL, word, r.Header.Get("Authorization"), r.Header.Get("X-Key")))
		c.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/token" {
			_, _ = io.WriteString(w, `{"access_token":"token-for-`+word+`","token_type":"Bearer","expires_in":3600}`)
			return
		}
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	t.Cleanup(c.Close)
	return c
}

// taken gives what was seen, and forgets it.
func (c *carrying) taken() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.seen = nil }()
	return strings.Join(c.seen, "\n")
}

const pingDocument = `{"openapi":"3.0.3","info":{"title":"x","version":"1"},"servers":[{"url":%q}],"paths":{"/ping":{"get":{"operationId":"ping","summary":"Pings.","responses":{"200":{"description":"ok"}}}}}}`

// TestCredentialsOfBackendsAndMountsAreRotatedWhileTheProgramServes: the next request after
// SIGHUP carries what the files say then, to each kind of system.
func TestCredentialsOfBackendsAndMountsAreRotatedWhileTheProgramServes(t *testing.T) {
	rest, far := newCarrying(t), newOverhearing(t)
	r := &rotation{t: t, folder: t.TempDir(), logged: make(chan string, 100)}
	near := filepath.Join(r.folder, "heard")
	account := stripefake.New(t, nil)
	box := newLockedBox(t)
	names := []string{"bearer", "basic", "key", "query", "oauth", "header", "far", "near", "imap"}
	rotate := func(word string) {
		for _, name := range names {
			r.put(name, word+"-"+name+"-0123456789")
		}
	}
	rotate("first")
	r.put("stripe", stripefake.Key)
	r.put("doc.json", fmt.Sprintf(pingDocument, rest.URL))
	r.put("drawbridge.yaml", fmt.Sprintf(`
store: {url: "sqlite://%[1]s/drawbridge.db"}
server: {listen: 127.0.0.1:0}
log: {format: json}
tools:
  payment: {backend: stripe, key: "${file:%[1]s/stripe}", base_url: %[2]s}
  email:
    backend: smtp
    smtp: {address: "127.0.0.1:1", tls: none, auth: none}
    imap: {address: %[8]q, tls: none, auth: login, username: desk, password: "${file:%[1]s/imap}"}
  mcp:
    - {name: far, url: %[3]s, headers: {Authorization: "Bearer ${file:%[1]s/far}"}, effects: {look: read}}
    - {name: near, command: [%[4]q], env: {%[5]s: %[6]s, SECRET: "${file:%[1]s/near}"}, effects: {look: read}}
  openapi:
    - {name: bearer, spec: %[1]s/doc.json, auth: {bearer: "${file:%[1]s/bearer}"}, headers: {X-Key: "${file:%[1]s/header}"}}
    - {name: basic, spec: %[1]s/doc.json, auth: {basic: {user: me, password: "${file:%[1]s/basic}"}}}
    - {name: key, spec: %[1]s/doc.json, auth: {api_key: {in: header, name: X-Key, value: "${file:%[1]s/key}"}}}
    - {name: query, spec: %[1]s/doc.json, auth: {api_key: {in: query, name: q, value: "${file:%[1]s/query}"}}}
    - {name: oauth, spec: %[1]s/doc.json, auth: {client_credentials: {token_url: "%[7]s/token", client_id: me, client_secret: "${file:%[1]s/oauth}"}}}
`, r.folder, account.URL, far.URL, os.Args[0], recordVariable, near, rest.URL, box.address))
	r.program = serveHeard(t, filepath.Join(r.folder, "drawbridge.yaml"), func(line string) {
		if strings.Contains(line, " anew") {
			r.logged <- line
		}
	})
	if err := poll(t.Context(), func() (bool, error) { // the servers and documents are read beside the start
		list, _ := postMCP(t, r.base, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		for _, tool := range []string{"bearer__ping", "basic__ping", "key__ping", "query__ping", "oauth__ping", "far__look", "near__look"} {
			if !strings.Contains(list, tool) {
				return false, nil
			}
		}
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
	var raw string // the newest answer
	call := func(tool string) {
		t.Helper()
		var ok bool
		raw, ok = postMCP(t, r.base, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":{}}}`, tool))
		if !ok || strings.Contains(raw, `"isError":true`) {
			t.Errorf("%s: %s", tool, raw)
		}
	}
	all := func(word, other string) {
		t.Helper()
		for _, name := range []string{"bearer", "basic", "key", "query", "oauth"} {
			call(name + "__ping")
			if seen := rest.taken(); !strings.Contains(seen, word+"-"+name) || strings.Contains(seen, other+"-") {
				t.Errorf("a call of %s carries %q, want the %s secret; answered %s", name, seen, word, raw)
			} else if name == "bearer" && !strings.Contains(seen, word+"-header") {
				t.Errorf("a call carries %q, want the %s header", seen, word)
			}
		}
		before := len(far.all())
		call("far__look")
		if seen := far.all()[before:]; !strings.Contains(seen, "Bearer "+word+"-far") || strings.Contains(lastOf(seen, "Authorization"), other) {
			t.Errorf("the server over HTTP gets %q, want the %s secret", seen, word)
		}
		call("email_search_messages")
		if seen := box.taken(); seen != `"desk" "`+word+`-imap-0123456789"` {
			t.Errorf("the mail server is shown %q, want the %s password", seen, word)
		}
		call("near__look")
		kept, err := os.ReadFile(near)
		if err != nil {
			t.Fatal(err)
		}
		at, called := strings.LastIndex(string(kept), "SECRET="), strings.LastIndex(string(kept), "tools/call")
		if !strings.HasPrefix(string(kept[at:]), "SECRET="+word+"-near") || called < at {
			t.Errorf("the program was last started with %.40q, and called before it: %t", kept[at:], called < at)
		}
	}
	all("first", "second")
	call("payment_get_balance")
	if got := lastKey(account); got != "Bearer "+stripefake.Key {
		t.Errorf("Stripe is shown %q", got)
	}

	rotate("second")
	r.put("stripe", stripefake.NextKey)
	if lines := r.reload(); len(lines) != 1 || !strings.Contains(lines[0], `"changed":10`) {
		t.Errorf("logged %q", lines)
	}
	all("second", "first")
	call("payment_get_balance")
	if got := lastKey(account); got != "Bearer "+stripefake.NextKey {
		t.Errorf("Stripe is shown %q", got)
	}

	// What cannot be read leaves each where it is.
	for _, name := range append(names, "stripe") {
		if err := os.Remove(filepath.Join(r.folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if lines := r.reload(); len(lines) != 11 || !strings.Contains(lines[10], `"changed":0`) {
		t.Errorf("logged %q", lines)
	}
	all("second", "first")
}

// lastOf is the text from the last place of a word.
func lastOf(text, word string) string { return text[max(0, strings.LastIndex(text, word)):] }

func lastKey(account *stripefake.Server) string {
	requests := account.Requests()
	if len(requests) == 0 {
		return ""
	}
	return requests[len(requests)-1].Header.Get("Authorization")
}
