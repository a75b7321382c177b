package mcpmount_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// script is an HTTP server that answers by method, spoken raw.
type script struct {
	mu    sync.Mutex
	seen  []http.Header
	on    map[string]func(w http.ResponseWriter, id, params json.RawMessage)
	posts atomic.Int32
}

func newScript() *script {
	s := &script{on: map[string]func(http.ResponseWriter, json.RawMessage, json.RawMessage){}}
	s.on["initialize"] = func(w http.ResponseWriter, id, _ json.RawMessage) {
		w.Header().Set("Mcp-Session-Id", fmt.Sprint("session-", s.posts.Load()))
		reply(w, id, `{"protocolVersion":"2025-06-18","serverInfo":{"name":"script"}}`)
	}
	s.on["notifications/initialized"] = func(w http.ResponseWriter, _, _ json.RawMessage) { w.WriteHeader(http.StatusAccepted) }
	s.on["tools/list"] = func(w http.ResponseWriter, id, _ json.RawMessage) {
		reply(w, id, `{"tools":[{"name":"act"},{"name":"look"}]}`)
	}
	return s
}

func reply(w http.ResponseWriter, id json.RawMessage, result string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, id, result)
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	var m wireMessage
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &m)
	s.posts.Add(1)
	s.mu.Lock()
	s.seen = append(s.seen, r.Header)
	handle := s.on[m.Method]
	s.mu.Unlock()
	if handle == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	handle(w, m.ID, m.Params)
}

func (s *script) calls(answer func(w http.ResponseWriter, id json.RawMessage)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on["tools/call"] = func(w http.ResponseWriter, id, _ json.RawMessage) { answer(w, id) }
}
