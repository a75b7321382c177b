package mcpserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
	"drawbridge/server/mcpserver"
)

// modernRequest is a request of protocol 2026-07-28 and the headers that it has to have.
func modernRequest(method, name, params string) (body string, headers []string) {
	if params != "" {
		params += ","
	}
	body = fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":%q,"params":{%s"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`, method, params)
	headers = []string{mcp.HeaderProtocolVersion, "2026-07-28", mcp.HeaderMethod, method}
	if name != "" {
		headers = append(headers, mcp.HeaderName, name)
	}
	return body, headers
}

// TestModernRequestsAreHeldToTheirRules: what MCP 2026-07-28 says a server must refuse, and how.
func TestModernRequestsAreHeldToTheirRules(t *testing.T) {
	const note = `"name":"note_read","arguments":{"text":"x"}`
	f := newFixture(t, mcpserver.Options{})
	session := f.openSession(t)
	for _, test := range []struct {
		name, method, tool, params string
		change                     func(body string, headers []string) (string, []string)
		status, code               int
		says                       string
	}{
		{name: "a call", method: "tools/call", tool: "note_read", params: note, status: 200, says: `"resultType":"complete"`},
		{name: "a list", method: "tools/list", status: 200, says: `"resultType":"complete"`},
		{name: "discovery", method: "server/discover", status: 200, says: `"supportedVersions":["2026-07-28"`},
		{name: "an older session's id", method: "tools/list", status: 200, says: `"cacheScope":"private"`, change: with(server.HeaderKeySessionID, session)},
		{name: "no handshake", method: "initialize", status: 404, code: -32601},
		{name: "no ping", method: "ping", status: 404, code: -32601},
		{name: "no level", method: "logging/setLevel", params: `"level":"info"`, status: 404, code: -32601},
		{name: "unknown method", method: "no/such", status: 404, code: -32601},
		{name: "unknown version", method: "tools/list", status: 400, code: -32022, says: `"supported":[`, change: func(body string, headers []string) (string, []string) {
			headers[1] = "2027-01-01"
			return strings.Replace(body, "2026-07-28", "2027-01-01", 1), headers
		}},
		{name: "version in the header only", method: "tools/list", status: 400, change: func(body string, headers []string) (string, []string) {
			return `{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}`, headers
		}, code: -32602},
		{name: "two versions", method: "tools/list", status: 400, code: -32020, change: with(mcp.HeaderProtocolVersion, "2027-01-01")},
		{name: "another method", method: "tools/list", status: 400, code: -32020, change: with(mcp.HeaderMethod, "tools/call")},
		{name: "no method", method: "tools/list", status: 400, code: -32020, change: with(mcp.HeaderMethod, "")},
		{name: "another name", method: "tools/call", tool: "note_add", params: note, status: 400, code: -32020},
		{name: "no name", method: "tools/call", params: note, status: 400, code: -32020},
		{name: "no capabilities", method: "tools/list", status: 400, code: -32602, change: func(body string, headers []string) (string, []string) {
			return strings.Replace(body, `,"io.modelcontextprotocol/clientCapabilities":{}`, "", 1), headers
		}},
		{name: "resumption", method: "tools/list", status: 400, code: -32020, change: with(mcp.HeaderLastEventID, "1")},
		{name: "an answer", method: "tools/list", status: 400, code: -32600, change: func(_ string, headers []string) (string, []string) {
			return `{"jsonrpc":"2.0","id":7,"result":{"action":"accept"}}`, headers
		}},
		{name: "several at once", method: "tools/list", status: 400, code: -32700, change: func(body string, headers []string) (string, []string) { return "[" + body + "]", headers }},
		{name: "a cursor that is none", method: "tools/list", params: `"cursor":"not base64!"`, status: 400, code: -32602},
		{name: "a cursor for prompts that is none", method: "prompts/list", params: `"cursor":"not base64!"`, status: 400, code: -32602},
		{name: "a cursor for templates that is none", method: "resources/templates/list", params: `"cursor":"not base64!"`, status: 400, code: -32602},
	} {
		body, headers := modernRequest(test.method, test.tool, test.params)
		if test.change != nil {
			body, headers = test.change(body, headers)
		}
		a := f.send(t, http.MethodPost, "/mcp", body, headers...)
		var e struct{ Error struct{ Code int } }
		_ = json.Unmarshal([]byte(a.body), &e)
		if a.status != test.status || e.Error.Code != test.code || !strings.Contains(a.body, test.says) {
			t.Errorf("%s: %d %.300s", test.name, a.status, a.body)
		}
		if id := a.header.Get(server.HeaderKeySessionID); id != "" {
			t.Errorf("%s: it was given a session", test.name)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if a := f.send(t, method, "/mcp", "", mcp.HeaderProtocolVersion, "2026-07-28"); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != http.MethodPost {
			t.Errorf("%s: %+v", method, a)
		}
	}
}

func with(header, value string) func(string, []string) (string, []string) {
	return func(body string, headers []string) (string, []string) { return body, append(headers, header, value) }
}

// TestOlderRequestsAreHeldToTheirRules: the same of MCP 2025-11-25.
func TestOlderRequestsAreHeldToTheirRules(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	session := f.openSession(t)
	for _, test := range []struct {
		name, body   string
		headers      []string
		status, code int
		says         string
	}{
		{name: "ping", body: `{"jsonrpc":"2.0","id":7,"method":"ping"}`, status: 200, says: `"result":{}`},
		{name: "level", body: `{"jsonrpc":"2.0","id":7,"method":"logging/setLevel","params":{"level":"debug"}}`, status: 200, says: `"result":{}`},
		{name: "level that is none", body: `{"jsonrpc":"2.0","id":7,"method":"logging/setLevel","params":{"level":"loud"}}`, status: 200, code: -32602},
		{name: "unknown method", body: `{"jsonrpc":"2.0","id":7,"method":"no/such"}`, status: 200, code: -32601},
		{name: "notification", body: `{"jsonrpc":"2.0","method":"notifications/initialized"}`, status: 202},
		{name: "version that nobody knows", body: listTools, headers: []string{mcp.HeaderProtocolVersion, "1999-01-01"}, status: 400},
		{name: "older version", body: listTools, headers: []string{mcp.HeaderProtocolVersion, "2025-03-26"}, status: 200, says: `"tools":[`},
		{name: "a cursor that is none", body: `{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"cursor":"not base64!"}}`, status: 200, code: -32602},
		{name: "no JSON", body: `{`, status: 400, code: -32700},
		{name: "wrong content", body: listTools, headers: []string{"Content-Type", "text/plain"}, status: 400},
	} {
		a := f.send(t, http.MethodPost, "/mcp", test.body, append(test.headers, server.HeaderKeySessionID, session)...)
		var e struct{ Error struct{ Code int } }
		_ = json.Unmarshal([]byte(a.body), &e)
		if a.status != test.status || e.Error.Code != test.code || !strings.Contains(a.body, test.says) {
			t.Errorf("%s: %d %.300s", test.name, a.status, a.body)
		}
	}
}

// TestEveryDoorAnswersAPing: of an older client; since 2026-07-28 there is none.
func TestEveryDoorAnswersAPing(t *testing.T) {
	for _, d := range doors {
		if d.name == "streamable HTTP" || d.name == "in process" {
			continue // these clients speak 2026-07-28 and send none
		}
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{})
			connect := d.connect
			if d.name == "stdio" {
				connect = func(t *testing.T, f *fixture, p auth.Principal) session {
					return connectStdioAs(t, f, p, mcp.LATEST_LEGACY_PROTOCOL_VERSION)
				}
			}
			s := connect(t, f, desk)
			//lint:ignore SA1019 older clients do
			if err := s.Ping(s.ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStreamsAreNotCollectedByProxies: each kind of stream says so.
func TestStreamsAreNotCollectedByProxies(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	session := f.openSession(t)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	listen, headers := modernRequest("subscriptions/listen", "", `"notifications":{"toolsListChanged":true}`)
	for name, r := range map[string]struct {
		method, path, body string
		headers            []string
	}{
		"SSE":          {http.MethodGet, "/sse", "", nil},
		"a session's":  {http.MethodGet, "/mcp", "", []string{server.HeaderKeySessionID, session}},
		"subscription": {http.MethodPost, "/mcp", listen, append(headers, "Content-Type", "application/json")},
	} {
		request, err := http.NewRequestWithContext(ctx, r.method, f.web.URL+r.path, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+deskKey)
		request.Header.Set("Accept", "text/event-stream, application/json")
		for i := 0; i < len(r.headers); i += 2 {
			request.Header.Set(r.headers[i], r.headers[i+1])
		}
		response, err := f.web.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if kind, said := response.Header.Get("Content-Type"), response.Header.Get("X-Accel-Buffering"); kind != "text/event-stream" || said != "no" {
			t.Errorf("%s: %d, content type %q, X-Accel-Buffering %q", name, response.StatusCode, kind, said)
		}
		_ = response.Body.Close()
	}
}
