package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReadinessSaysWhichToolsAreMissing: one bad tool harms nothing but itself, and
// those who may call tools learn why it is missing.
func TestReadinessSaysWhichToolsAreMissing(t *testing.T) {
	bad := httptest.NewServer(&rawServer{got: map[string]json.RawMessage{}, tools: []json.RawMessage{
		json.RawMessage(`{"name":"good","inputSchema":{"type":"object"}}`),
		json.RawMessage(`{"name":"twice","description":"one"}`), json.RawMessage(`{"name":"twice","description":"two"}`),
		json.RawMessage(`{"name":"never","inputSchema":{"type":"object","properties":{"a":false},"required":["a"]}}`),
		json.RawMessage(`"no tool"`),
	}})
	t.Cleanup(bad.Close)
	folder := t.TempDir()
	file := filepath.Join(folder, "drawbridge.yaml")
	settings := fmt.Sprintf("store: {url: \"sqlite://%s\"}\nserver: {listen: 127.0.0.1:0, keys: [{name: desk, key: 0123456789abcdef, tools: [\"*\"]}]}\n"+
		"log: {format: json}\ntools: {mcp: [{name: odd, url: %q}, {name: gone, url: \"http://127.0.0.1:1/mcp\"}]}\n", filepath.Join(folder, "drawbridge.db"), bad.URL)
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	program := serve(t, file)
	ask := func(key string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, program.base+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("status %d, %v", response.StatusCode, err)
		}
		return string(body)
	}
	eventually(t, "the servers to settle", 30*time.Second, func() bool {
		body := ask("")
		return strings.Contains(body, `"gone":{"state":"waiting"`) && strings.Contains(body, `"odd":{"state":"ready","tools":2,"held":0,"left_out":2}`)
	})
	for _, secret := range []string{"twice", "never", "127.0.0.1:1", `"dead"`} {
		if body := ask(""); strings.Contains(body, secret) {
			t.Errorf("anybody is told of %q: %s", secret, body)
		}
	}
	body := ask("0123456789abcdef")
	for _, want := range []string{`{"tool":"twice","why":"the server lists it more than once`, `"odd__never":"`, `"unoffered_tools":1`, `"last_error":"`} {
		if !strings.Contains(body, want) {
			t.Errorf("want %s in %s", want, body)
		}
	}
	program.stop(t)
}
