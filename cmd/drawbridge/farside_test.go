package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// farSide is somebody else's system: an MCP server in the test's own process, which
// outlives the program, and counts what took effect there.
//
//	look         reads: how often a thing was put
//	put          puts a thing, each time it is called
//	put_once     puts a thing, once a key
//	put_checked  as put; the settings say how look tells whether it did
type farSide struct {
	url string

	mu     sync.Mutex
	made   []string       // the calls that arrived, by tool
	from   string         // where the newest came from, by "node" of the address
	puts   map[string]int // what took effect, by key
	things map[string]int // the same, by thing
	// cancelled is told of each call that is cancelled: its tool.
	cancelled chan string
	asked     map[string]string // tools, by the ids of their calls
	// before and behind, if set, are called around the effect of each call, without the
	// lock. They report whether the call, or its answer, gets through.
	before, behind func() bool
}

// farSettings mount a far side as "far".
const farSettings = `tools:
  mcp:
    - name: far
      url: %s
      effects: {look: read}
      unknown:
        put_once: {do: retry}
        put_checked: {do: check, tool: look, arguments: {id: arguments.id}, found: result.count > 0, after: 0s}
`

func newFarSide(t testing.TB) *farSide {
	f := &farSide{puts: map[string]int{}, things: map[string]int{}, asked: map[string]string{}, cancelled: make(chan string, 100)}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	f.url = s.URL + "/mcp"
	return f
}

// settings mount it.
func (f *farSide) settings() string { return fmt.Sprintf(farSettings, f.url) }

type farRequest struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name      string `json:"name"`
		Arguments struct {
			ID string `json:"id"`
		} `json:"arguments"`
		Meta struct {
			Key string `json:"drawbridge/idempotency-key"`
		} `json:"_meta"`
		ProtocolVersion string          `json:"protocolVersion"`
		RequestID       json.RawMessage `json:"requestId"`
	} `json:"params"`
}

func (f *farSide) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	var q farRequest
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &q); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var result any
	switch q.Method {
	case "initialize":
		result = map[string]any{"protocolVersion": q.Params.ProtocolVersion, "capabilities": map[string]any{"tools": map[string]any{}}, "serverInfo": map[string]any{"name": "far", "version": "1"}}
	case "ping":
		result = map[string]any{}
	case "tools/list":
		var list []any
		for _, name := range []string{"look", "put", "put_once", "put_checked"} {
			list = append(list, map[string]any{"name": name, "description": "Works on a thing.",
				"inputSchema": json.RawMessage(`{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}`)})
		}
		result = map[string]any{"tools": list}
	case "notifications/cancelled":
		f.mu.Lock()
		tool := f.asked[string(q.Params.RequestID)]
		f.mu.Unlock()
		select {
		case f.cancelled <- tool:
		default: // a test that breaks a hundred calls off does not ask
		}
		w.WriteHeader(http.StatusAccepted)
		return
	case "tools/call":
		f.mu.Lock()
		f.asked[string(q.ID)], f.from = q.Params.Name, r.URL.Query().Get("node")
		f.mu.Unlock()
		answer, through := f.call(q.Params.Name, q.Params.Arguments.ID, q.Params.Meta.Key)
		if !through {
			hangUp(w)
			return
		}
		result = map[string]any{"content": []any{map[string]any{"type": "text", "text": answer}}, "structuredContent": json.RawMessage(answer)}
	default:
		w.WriteHeader(http.StatusAccepted) // a notification
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": q.ID, "result": result})
}

// caller is the node that the newest call came from.
func (f *farSide) caller() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.from
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func (f *farSide) call(tool, id, key string) (answer string, through bool) {
	f.mu.Lock()
	f.made = append(f.made, tool)
	before, behind := f.before, f.behind
	f.mu.Unlock()
	if before != nil && !before() {
		return "", false
	}
	answer = f.effect(tool, id, key)
	return answer, behind == nil || behind()
}

func (f *farSide) effect(tool, id, key string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if tool != "look" && (tool != "put_once" || f.puts[key] == 0) {
		f.puts[key]++
		f.things[id]++
	}
	return fmt.Sprintf(`{"count":%d}`, f.things[id])
}

// around sets what is called around effects from now on.
func (f *farSide) around(before, behind func() bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.behind = before, behind
}

// took is what took effect: how often in all, and under one key at most.
func (f *farSide) took() (all, most, calls int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, times := range f.puts {
		all += times
		most = max(most, times)
	}
	for _, tool := range f.made {
		if tool != "look" {
			calls++
		}
	}
	return all, most, calls
}

// awaitMount waits until a server that serves has the tools of a mount: its agents are
// not offered any until then.
func awaitMount(t *testing.T, server *program, mount string) {
	t.Helper()
	eventually(t, "the tools of "+mount, time.Minute, func() bool {
		response, err := http.Get(server.base + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		return err == nil && strings.Contains(string(body), fmt.Sprintf("%q:{\"state\":\"ready\"", mount))
	})
}
