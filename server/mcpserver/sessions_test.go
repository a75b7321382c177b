package mcpserver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/tools"
)

func TestIdleSessionIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		catalog := tools.NewCatalog()
		s := New(catalog, guard.New(catalog, guardtest.NewLedger(), guard.Options{}), Options{SessionTTL: time.Minute})
		defer func() { _ = s.Close(t.Context()) }()
		send := func(body, session string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set(server.HeaderKeySessionID, session)
			w := httptest.NewRecorder()
			s.HTTP().ServeHTTP(w, r)
			return w
		}
		id := send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`, "").Header().Get(server.HeaderKeySessionID)
		for range 5 {
			time.Sleep(40 * time.Second) // of the bubble's clock; each request counts as use
			if w := send(`{"jsonrpc":"2.0","id":2,"method":"ping"}`, id); w.Code != http.StatusOK {
				t.Fatalf("used session: status %d", w.Code)
			}
		}
		time.Sleep(2 * time.Minute)
		if w := send(`{"jsonrpc":"2.0","id":2,"method":"ping"}`, id); w.Code != http.StatusNotFound {
			t.Errorf("idle session: status %d", w.Code)
		}
		if n := s.sessions.count(); n != 0 {
			t.Errorf("%d sessions are remembered", n)
		}
	})
}
