package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"drawbridge/bridge/openai"
	"drawbridge/config"
)

// door starts an app with changed settings and gives the URL of its MCP endpoint.
func door(t *testing.T, change func(*config.Config)) string {
	t.Helper()
	cfg := temporary(t, config.Default())
	cfg.Server.Listen = "127.0.0.1:0"
	change(cfg)
	a, err := newApp(t.Context(), cfg, appOptions{Rehearse: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.Background()) })
	address, _, err := a.Listen(t.Context(), cfg.Server.Listen)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + address.String() + "/mcp"
}

// initialize posts the first message of a client, padded to a size.
func initialize(t *testing.T, url, host string, padding int) int {
	t.Helper()
	body := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"` +
		strings.Repeat("x", padding) + `","version":"1"}}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if host != "" {
		req.Host = host
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestMaxBodyBoundsRequestsToTheMCPDoor(t *testing.T) {
	for limit, want := range map[config.Size]int{config.KiB: http.StatusRequestEntityTooLarge, 10 * config.KiB: http.StatusOK} {
		url := door(t, func(c *config.Config) { c.Server.MaxBody = limit })
		if got := initialize(t, url, "", 2000); got != want {
			t.Errorf("2 kB with server.max_body %v: %d, want %d", limit, got, want)
		}
	}
}

func TestPublicURLNamesTheHostBehindAProxy(t *testing.T) {
	for public, want := range map[string]int{"": http.StatusForbidden, "https://bridge.example.com": http.StatusOK} {
		url := door(t, func(c *config.Config) { c.Server.PublicURL = public })
		if got := initialize(t, url, "bridge.example.com", 1); got != want {
			t.Errorf("Host: bridge.example.com with server.public_url %q: %d, want %d", public, got, want)
		}
		if got := initialize(t, url, "", 1); got != http.StatusOK {
			t.Errorf("our own address with server.public_url %q: %d", public, got)
		}
	}
}

// Nobody gets in without a key, as soon as
// there are keys.
func TestKeysAreNeededOnceThereAreAny(t *testing.T) {
	url := door(t, func(c *config.Config) {
		c.Server.Keys = []config.Key{{Name: "desk", Key: "desk-key-0123456789", Tools: []string{"crm_*"}}}
	})
	if got := initialize(t, url, "", 1); got != http.StatusUnauthorized {
		t.Errorf("without a key: %d, want 401", got)
	}
}

func TestPatienceOfNothingIsNone(t *testing.T) {
	asked := 0
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer down.Close()
	cfg := config.Default()
	cfg.Model.BaseURL, cfg.Model.Patience = down.URL, 0
	choice, err := chooseModel(t.Context(), cfg, egressOf(cfg.Egress), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := choice.models.Complete(t.Context(), openai.Request{Messages: []openai.Message{{Role: openai.User, Content: "hi"}}}); err == nil || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}
