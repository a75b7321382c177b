package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge/openaitest"
	"drawbridge/config"
	"drawbridge/server/auth"
)

// recordVariable, when set, makes the test binary a mounted MCP server on stdio, which
// writes into that file whatever it gets: its environment, and each line.
const recordVariable = "DRAWBRIDGE_TEST_RECORDS_IN"

func beRecorder(file string) {
	record, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	note := func(text string) {
		if _, err := record.WriteString(text + "\n"); err != nil {
			panic(err)
		}
	}
	note(strings.Join(append(os.Environ(), os.Args...), "\n"))
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		note(lines.Text())
		if answer := recordersAnswer(lines.Bytes()); answer != nil {
			fmt.Println(string(answer))
		}
	}
	os.Exit(0)
}

// recordersAnswer is what a server with one tool, look, says to a message; nil to a
// notification.
func recordersAnswer(message []byte) []byte {
	var q farRequest
	if err := json.Unmarshal(message, &q); err != nil || len(q.ID) == 0 {
		return nil
	}
	answer := map[string]any{"jsonrpc": "2.0", "id": q.ID}
	switch q.Method {
	case "initialize":
		answer["result"] = map[string]any{"protocolVersion": q.Params.ProtocolVersion, "capabilities": map[string]any{"tools": map[string]any{}}, "serverInfo": map[string]any{"name": "recorder", "version": "1"}}
	case "ping":
		answer["result"] = map[string]any{}
	case "tools/list":
		answer["result"] = map[string]any{"tools": []any{map[string]any{"name": "look", "description": "Looks.", "inputSchema": json.RawMessage(`{"type":"object","properties":{}}`)}}}
	case "tools/call":
		answer["result"] = map[string]any{"content": []any{map[string]any{"type": "text", "text": "seen"}}}
	default:
		answer["error"] = map[string]any{"code": mcp.METHOD_NOT_FOUND, "message": "no such method"}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return text
}

// overhearing is a mounted MCP server over HTTP that keeps whatever it gets.
type overhearing struct {
	*httptest.Server
	mu  sync.Mutex
	got strings.Builder
}

func newOverhearing(t *testing.T) *overhearing {
	t.Helper()
	r := &overhearing{}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *overhearing) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	fmt.Fprintf(&r.got, "%s %s %s\n%s\n", q.Method, q.URL, q.Host, body)
	_ = q.Header.Write(&r.got)
	r.mu.Unlock()
	if q.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	answer := recordersAnswer(body)
	if answer == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}

func (r *overhearing) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got.String()
}

// behind is a server with two mounted servers and a model behind it, all of which keep what
// they get.
type behind struct {
	*secured
	t     *testing.T
	far   *overhearing // over HTTP
	near  string       // the file of the one on stdio
	model *openaitest.Server
}

// What it shows them of its own, as its settings say: of these each backend sees one.
const ownFar, ownNear, ownModel = "own-credential-of-far-01", "own-credential-of-near-1", "own-credential-of-model"

func newBehind(t *testing.T, more func(*config.Config)) *behind {
	t.Helper()
	b := &behind{t: t, far: newOverhearing(t), near: filepath.Join(t.TempDir(), "near.txt"), model: openaitest.New(t)}
	b.model.Func(func(q openaitest.Request) openaitest.Reply {
		if q.Turn() == 1 {
			return openaitest.Calls([]openaitest.ToolCall{{Name: "far__look", Arguments: "{}"}, {Name: "near__look", Arguments: "{}"}})
		}
		return openaitest.Say("Seen.")
	})
	b.secured = newSecured(t, func(c *config.Config) {
		far, near, desk := config.DefaultMCPServer(), config.DefaultMCPServer(), config.DefaultAgent()
		far.Name, far.URL, far.Headers = "far", b.far.URL+"/mcp", map[string]config.Secret{"Authorization": "Bearer " + ownFar}
		near.Name, near.Command, near.Env = "near", []string{os.Args[0]}, map[string]config.Secret{recordVariable: config.Secret(b.near), "OWN": ownNear}
		far.Effects, near.Effects = map[string]string{"look": "read"}, map[string]string{"look": "read"}
		desk.Tools = []string{"far__*", "near__*"}
		c.Tools.MCP, c.Agents = []config.MCPServer{far, near}, map[string]config.Agent{"desk": desk}
		c.Model.BaseURL, c.Model.APIKey, c.Model.Name = b.model.URL(), ownModel, "main"
		more(c)
	})
	b.mounts.start(t.Context())
	b.Work(t.Context())
	eventually(t, "the tools of both mounts", 5*time.Minute, func() bool {
		found := 0
		for _, tool := range b.catalog.All() {
			if tool.Name == "far__look" || tool.Name == "near__look" {
				found++
			}
		}
		return found == 2
	})
	return b
}

// heard is all that each backend got.
func (b *behind) heard() map[string]string {
	b.t.Helper()
	near, err := os.ReadFile(b.near)
	if err != nil {
		b.t.Fatal(err)
	}
	var model strings.Builder
	for _, q := range b.model.Requests() {
		_ = q.Header.Write(&model)
		model.Write(q.Body)
	}
	return map[string]string{"far": b.far.all(), "near": string(near), "model": model.String()}
}

// calls are how many each mount got.
func (b *behind) calls() (far, near int) {
	heard := b.heard()
	return strings.Count(heard["far"], `"method":"tools/call"`), strings.Count(heard["near"], `"method":"tools/call"`)
}

// through has both mounts called through a door.
func (b *behind) through(door string, c *http.Client, headers []string) {
	t := b.t
	t.Helper()
	farBefore, nearBefore := b.calls()
	must := func(got replied, status int) replied {
		t.Helper()
		if got.StatusCode != status || strings.Contains(got.body, `"isError":true`) {
			t.Fatalf("%s: %d %s", door, got.StatusCode, got.body)
		}
		return got
	}
	switch door {
	case "mcp 2026-07-28":
		for _, tool := range []string{"far__look", "near__look"} {
			got, _ := mcpRequest(t, c, b.base, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":{}}`, tool), headers...)
			must(got, http.StatusOK)
		}
	case "mcp 2025-11-25":
		send := legacyCalls(t, c, b.base, headers...)
		for _, tool := range []string{"far__look", "near__look"} {
			must(send("tools/call", fmt.Sprintf(`{"name":%q,"arguments":{}}`, tool)), http.StatusOK)
		}
	case "sse":
		b.throughSSE(c, headers)
	case "chat":
		must(request(t, c, http.MethodPost, b.base+"/v1/chat/completions", `{"model":"desk","messages":[{"role":"user","content":"Look."}]}`, headers...), http.StatusOK)
	case "runs":
		var run struct{ ID string }
		got := must(request(t, c, http.MethodPost, b.base+"/v1/runs", `{"agent":"desk","prompt":"Look."}`, headers...), http.StatusAccepted)
		if err := json.Unmarshal([]byte(got.body), &run); err != nil {
			t.Fatal(err)
		}
		b.succeeds(run.ID)
	}
	if far, near := b.calls(); far != farBefore+1 || near != nearBefore+1 {
		t.Fatalf("through %s %d and %d calls came, want one each", door, far-farBefore, near-nearBefore)
	}
}

func (b *behind) succeeds(run string) {
	b.t.Helper()
	eventually(b.t, "run "+run+" has succeeded", 5*time.Minute, func() bool {
		return rows(b.t, b.store, fmt.Sprintf(`SELECT COUNT(*) FROM runs WHERE id = '%s' AND state = 'succeeded'`, run)) == 1
	})
}

func (b *behind) throughSSE(hc *http.Client, headers []string) {
	t := b.t
	t.Helper()
	named := map[string]string{}
	for i := 0; i < len(headers); i += 2 {
		named[headers[i]] = headers[i+1]
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	c, err := client.NewSSEMCPClient(b.base+"/sse", client.WithHTTPClient(hc), client.WithHeaders(named))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Initialize(ctx, mcp.InitializeRequest{}); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"far__look", "near__look"} {
		ask := mcp.CallToolRequest{}
		ask.Params.Name = tool
		if result, err := c.CallTool(ctx, ask); err != nil || result.IsError {
			t.Fatalf("%s: %v (%v)", tool, result, err)
		}
	}
}

// TestNoCredentialOfACallerReachesABackend: whatever somebody shows, at whichever door, is
// for us (MCP, authorization, access token privilege restriction: no token is passed on).
func TestNoCredentialOfACallerReachesABackend(t *testing.T) {
	const deskKey, webhookToken, cookie = "desk-key-of-a-caller-0123", "webhook-token-of-a-sender-01", "cookie-of-a-callers-browser"
	t.Setenv("DESK_KEY", deskKey) // where the settings have it from
	p, everything := newIDP(t), []string{"far__*", "near__*"}
	b := newBehind(t, func(c *config.Config) {
		c.Server.Keys = []config.Key{{Name: "desk", Key: deskKey, Tools: everything, Agents: []string{"*"}}}
		c.Auth.JWT = []config.Issuer{{Name: "corp", Issuer: p.URL, Audience: bridgeAudience, JWKSURL: p.URL + "/jwks", Scopes: map[string]config.Scope{"crm:read": {Tools: everything, Agents: []string{"*"}}}}}
		c.Auth.Certificates = []config.Certificate{{Name: "erp", CN: []string{"common-name-of-a-caller"}, Tools: everything, Agents: []string{"*"}}}
		hook := hookOf(config.Webhook{Scheme: "token", Secrets: []config.WebhookSecret{{Secret: webhookToken}}, Agent: "desk", Prompt: "Look."})
		c.Webhooks = map[string]config.Webhook{"shop": hook}
	})
	made := auth.NewSecret()
	if err := b.store.MakeKey(t.Context(), auth.MadeKey{Name: "made", Hash: auth.HashOf(made), Prefix: auth.Shown(made), Created: time.Now(), Grants: auth.Grants{Tools: everything, Agents: []string{"*"}}}); err != nil {
		t.Fatal(err)
	}
	if err := b.loadKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	certificate, token := b.clients.client(t, "common-name-of-a-caller", nil), p.token(t, "first", nil)
	plain := b.as(t, nil)
	for name, c := range map[string]struct {
		client  *http.Client
		headers []string
	}{
		"a key":                 {plain, []string{"Authorization", "Bearer " + deskKey}},
		"a key, plainly":        {plain, []string{"X-API-Key", deskKey}},
		"a made key":            {plain, []string{"Authorization", "Bearer " + made}},
		"a token":               {plain, []string{"Authorization", "Bearer " + token}},
		"a certificate":         {b.as(t, certificate), nil},
		"a token, and that too": {b.as(t, certificate), []string{"Authorization", "Bearer " + token}},
	} {
		for _, door := range []string{"mcp 2026-07-28", "mcp 2025-11-25", "sse", "chat", "runs"} {
			t.Logf("%s through %s", name, door)
			b.through(door, c.client, append([]string{"Cookie", "session=" + cookie}, c.headers...))
		}
	}
	got := request(t, plain, http.MethodPost, b.base+"/webhooks/shop", `{"n":1}`, "Authorization", "Bearer "+webhookToken)
	if got.StatusCode != http.StatusOK {
		t.Fatalf("the webhook: %d %s", got.StatusCode, got.body)
	}
	eventually(t, "the webhook's run has succeeded", 5*time.Minute, func() bool {
		return rows(t, b.store, `SELECT COUNT(*) FROM runs WHERE source = 'shop' AND state = 'succeeded'`) == 1
	})

	secrets := map[string]string{"the key": deskKey, "the made key": made, "the webhook's token": webhookToken, "the cookie": cookie,
		"the certificate": base64.StdEncoding.EncodeToString(certificate.Certificate[0])[:64], "the certificate's name": "common-name-of-a-caller"}
	for i, part := range strings.Split(token, ".")[1:] {
		secrets[fmt.Sprintf("part %d of the token", i+2)] = part
	}
	heard := b.heard()
	for backend, own := range map[string]string{"far": ownFar, "near": ownNear, "model": ownModel} {
		if !strings.Contains(heard[backend], own) {
			t.Errorf("%s did not record what it is shown:\n%s", backend, heard[backend])
		}
		for what, secret := range secrets {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret))} {
				if strings.Contains(heard[backend], form) {
					t.Errorf("%s saw %s", backend, what)
				}
			}
		}
		for other, theirs := range map[string]string{"far": ownFar, "near": ownNear, "model": ownModel} {
			if other != backend && strings.Contains(heard[backend], theirs) {
				t.Errorf("%s saw what is shown to %s", backend, other)
			}
		}
	}
}
