package mcpserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/guard"
	"drawbridge/server/mcpserver"
)

const (
	initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	listTools  = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
	addNote    = `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"note_add","arguments":{"text":"x"}}}`
)

// answer is what came back over plain HTTP.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request as no client library would.
func (f *fixture) send(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.web.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return f.sendRequest(t, r, headers...)
}

func (f *fixture) sendRequest(t *testing.T, r *http.Request, headers ...string) answer {
	t.Helper()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+deskKey)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := f.web.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// openSession initializes and gives the session's id.
func (f *fixture) openSession(t *testing.T, headers ...string) string {
	t.Helper()
	a := f.send(t, http.MethodPost, "/mcp", initialize, headers...)
	if a.status != http.StatusOK || a.header.Get(server.HeaderKeySessionID) == "" {
		t.Fatalf("initializing: %+v", a)
	}
	return a.header.Get(server.HeaderKeySessionID)
}

func TestPageFromElsewhereIsRefused(t *testing.T) {
	f := newFixture(t, mcpserver.Options{Hosts: []string{"bridge.example.com"}})
	own := strings.TrimPrefix(f.web.URL, "http://")
	for _, test := range []struct {
		name, host, origin string
		status             int
	}{
		{"no page", own, "", 200},
		{"page on this machine", own, "http://localhost:3000", 200},
		{"page on this machine by address", own, "http://[::1]:3000", 200},
		{"foreign page", own, "https://evil.example.com", 403},
		{"page that looks like one of ours", own, "http://localhost.evil.example.com", 403},
		{"page without an origin", own, "null", 403},
		{"rebound name", "evil.example.com", "http://evil.example.com", 403},
		{"rebound name, no page", "evil.example.com:80", "", 403},
		{"behind a proxy", "bridge.example.com", "https://bridge.example.com", 200},
		{"behind a proxy, foreign page", "bridge.example.com", "https://evil.example.com", 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/mcp", "/message"} {
				headers := []string{"Host", test.host}
				if test.origin != "" {
					headers = append(headers, "Origin", test.origin)
				}
				a := f.send(t, http.MethodPost, path, initialize, headers...)
				want := test.status
				if want == 200 && path == "/message" {
					want = 404 // let through, but there is no such stream
				}
				if a.status != want {
					t.Errorf("%s: status %d, want %d: %s", path, a.status, want, a.body)
				}
				if granted := a.header.Get("Access-Control-Allow-Origin"); granted != "" {
					t.Errorf("%s may be read by pages from %s", path, granted)
				}
			}
		})
	}
}

func TestBodyAboveTheLimitIsRefused(t *testing.T) {
	f := newFixture(t, mcpserver.Options{BodyLimit: 2000})
	session := f.openSession(t)
	for _, test := range []struct {
		size   int
		status int
	}{{1000, 200}, {2000, 200}, {2001, 413}, {100_000, 413}} {
		exact := addNote + strings.Repeat(" ", test.size-len(addNote))
		for _, chunked := range []bool{false, true} {
			var reader io.Reader = strings.NewReader(exact)
			if chunked {
				reader = io.MultiReader(reader) // hides its length
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.web.URL+"/mcp", reader)
			if err != nil {
				t.Fatal(err)
			}
			a := f.sendRequest(t, r, server.HeaderKeySessionID, session)
			if a.status != test.status {
				t.Errorf("%d bytes, chunked %v: status %d, want %d", test.size, chunked, a.status, test.status)
			}
			if test.status == 413 && !isJSONRPCError(a.body, "more than 2000 bytes") {
				t.Errorf("body %s", a.body)
			}
		}
	}
}

// TestMessageEndpointHasTheSameLimit: it is a door of its own in mcp-go.
func TestMessageEndpointHasTheSameLimit(t *testing.T) {
	f := newFixture(t, mcpserver.Options{BodyLimit: 2000})
	_, endpoint := openStream(t, f, deskKey)
	for size, status := range map[int]int{1000: 202, 2000: 202, 2001: 413, 100_000: 413} {
		f.post(t, endpoint, listTools+strings.Repeat(" ", size-len(listTools)), deskKey, status)
	}
}

func TestDefaultLimitHoldsWithoutOptions(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	session := f.openSession(t)
	for size, status := range map[int]int{4 << 20: 200, 4<<20 + 1: 413} {
		a := f.send(t, http.MethodPost, "/mcp", listTools+strings.Repeat(" ", size-len(listTools)), server.HeaderKeySessionID, session)
		if a.status != status {
			t.Errorf("%d bytes: status %d, want %d", size, a.status, status)
		}
	}
}

func TestRefusedHostIsToldWhichSettingAdmitsIt(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	a := f.send(t, http.MethodPost, "/mcp", initialize, "Host", "bridge.example.com")
	if a.status != http.StatusForbidden || !isJSONRPCError(a.body, "server.public_url") {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func isJSONRPCError(body, says string) bool {
	var e mcp.JSONRPCError
	return json.Unmarshal([]byte(body), &e) == nil && e.JSONRPC == "2.0" && strings.Contains(e.Error.Message, says)
}

func TestSessionServesItsOwnerUntilItEnds(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	id := f.openSession(t)
	own := []string{server.HeaderKeySessionID, id}
	foreign := append([]string{"Authorization", "Bearer " + shopKey}, own...)
	unknown := []string{server.HeaderKeySessionID, "session-nobody-opened"}
	for _, test := range []struct {
		name, method string
		headers      []string
		status       int
	}{
		{"own", http.MethodPost, own, 200},
		{"foreign", http.MethodPost, foreign, 404},
		{"unknown", http.MethodPost, unknown, 404},
		{"missing", http.MethodPost, nil, 400},
		{"stream of a foreign one", http.MethodGet, foreign, 404},
		{"stream of an unknown one", http.MethodGet, unknown, 404},
		{"stream without one", http.MethodGet, nil, 400},
		{"ending a foreign one", http.MethodDelete, foreign, 404},
		{"ending it", http.MethodDelete, own, 200},
		{"after its end", http.MethodPost, own, 404},
		{"stream after its end", http.MethodGet, own, 404},
	} {
		if a := f.send(t, test.method, "/mcp", listTools, test.headers...); a.status != test.status {
			t.Errorf("%s: status %d, want %d: %s", test.name, a.status, test.status, a.body)
		}
	}
}

func TestWithoutAuthenticationNothingIsListedAndCallsAreRefused(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	a := f.send(t, http.MethodPost, "/open/mcp", initialize)
	session := a.header.Get(server.HeaderKeySessionID)
	if a := f.send(t, http.MethodPost, "/open/mcp", listTools, server.HeaderKeySessionID, session); !strings.Contains(a.body, `"tools":[]`) {
		t.Errorf("list: %s", a.body)
	}
	if a := f.send(t, http.MethodPost, "/open/mcp", addNote, server.HeaderKeySessionID, session); !strings.Contains(a.body, `"isError":true`) {
		t.Errorf("call: %s", a.body)
	}
	if row := f.rows(t, 1)[0]; row.Principal != "nobody" || row.Decision != guard.Refused {
		t.Errorf("row %+v", row)
	}
}

func TestCallThatCannotBeReadIsAudited(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	session := f.openSession(t)
	a := f.send(t, http.MethodPost, "/mcp", `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":5}}`, server.HeaderKeySessionID, session)
	if !isJSONRPCError(a.body, "") {
		t.Errorf("got %s", a.body)
	}
	if row := f.rows(t, 1)[0]; row.Decision != guard.Refused || row.Principal != "key:desk" || row.Door != "http" {
		t.Errorf("row %+v", row)
	}
}

func TestStreamCannotBeReadByWebPages(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	for _, origin := range []string{"", "http://localhost:3000"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.web.URL+"/sse", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+deskKey)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		response, err := f.web.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if granted := response.Header.Get("Access-Control-Allow-Origin"); response.StatusCode != 200 || granted != "" {
			t.Errorf("origin %q: status %d, granted to %q", origin, response.StatusCode, granted)
		}
	}
}

// Protocol 2026-07-28 has no SSE transport, so it must not be offered there.
func TestStreamOffersNoProtocolItCannotSpeak(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	stream, endpoint := openStream(t, f, deskKey)
	f.post(t, endpoint, `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`, deskKey, 202)
	event := stream.next(t)
	if !strings.Contains(event, `"supportedVersions":["2025-11-25"`) || strings.Contains(event, `"supportedVersions":["2026`) {
		t.Errorf("got %s", event)
	}
}

func TestStreamTakesMessagesFromItsOwnerOnly(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	_, endpoint := openStream(t, f, deskKey)
	f.post(t, endpoint, listTools, shopKey, 404)
	f.post(t, "/message?sessionId=session-nobody-opened", listTools, deskKey, 404)
	f.post(t, "/message", listTools, deskKey, 404)
	f.post(t, endpoint, listTools, deskKey, 202)
}

func (f *fixture) post(t *testing.T, path, body, key string, status int) {
	t.Helper()
	if a := f.send(t, http.MethodPost, path, body, "Authorization", "Bearer "+key); a.status != status {
		t.Errorf("status %d, want %d: %s", a.status, status, a.body)
	}
}

// eventStream reads server-sent events.
type eventStream struct{ data chan string }

func openStream(t *testing.T, f *fixture, key string) (*eventStream, string) {
	t.Helper()
	return openStreamUntil(t.Context(), t, f, key)
}

func openStreamUntil(ctx context.Context, t *testing.T, f *fixture, key string) (*eventStream, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.web.URL+"/sse", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := f.web.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	stream := &eventStream{data: make(chan string, 100)}
	go stream.read(response.Body)
	return stream, stream.next(t)
}

func (s *eventStream) read(body io.Reader) {
	defer close(s.data)
	var buffer bytes.Buffer
	chunk := make([]byte, 4096)
	for {
		n, err := body.Read(chunk)
		buffer.Write(chunk[:n])
		for {
			event, rest, found := strings.Cut(buffer.String(), "\n\n")
			if !found {
				event, rest, found = strings.Cut(buffer.String(), "\r\n\r\n")
			}
			if !found {
				break
			}
			buffer.Reset()
			buffer.WriteString(rest)
			if _, data, ok := strings.Cut(event, "data: "); ok {
				s.data <- data
			}
		}
		if err != nil {
			return
		}
	}
}

// next is the data of the next event, "" after the last one.
func (s *eventStream) next(t *testing.T) string {
	t.Helper()
	select {
	case data := <-s.data:
		return data
	case <-time.After(time.Minute):
		t.Fatal("no event came")
		return ""
	}
}

func TestMessageWithoutASessionIsABadRequest(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	for _, body := range []string{listTools, addNote, `{"jsonrpc":"2.0","id":"a","method":"ping"}`, `{"jsonrpc":"2.0","method":"notifications/initialized"}`} {
		a := f.send(t, http.MethodPost, "/mcp", body)
		if a.status != http.StatusBadRequest || !isJSONRPCError(a.body, "initialize first") {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
		if strings.Contains(body, `"id":"a"`) && !strings.Contains(a.body, `"id":"a"`) {
			t.Errorf("the answer names another request: %s", a.body)
		}
	}
	if rows := f.ledger.Rows(); len(rows) != 0 {
		t.Errorf("a call came through: %+v", rows)
	}
}
