package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// postMCP sends one request to /mcp, in a session of its own; false if the server went
// away under it.
func postMCP(t *testing.T, base, body string) (answer string, ok bool) {
	t.Helper()
	const hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`
	_, session, ok := sendMCP(t, base, "", hello)
	if !ok || session == "" {
		t.Fatalf("no session at %s", base)
	}
	answer, _, ok = sendMCP(t, base, session, body)
	return answer, ok
}

func sendMCP(t *testing.T, base, session, body string) (answer, next string, ok bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/mcp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		req.Header.Set("Mcp-Session-Id", session)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", false
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	text := string(raw)
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		_, data, _ := strings.Cut(text, "data: ")
		text, _, _ = strings.Cut(data, "\n\n")
	}
	return text, res.Header.Get("Mcp-Session-Id"), err == nil && text != ""
}
