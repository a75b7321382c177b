package mcpserver_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/mcpserver"
)

// BenchmarkCall compares a call over streamable HTTP through authentication, the
// edge and the guard (with a ledger in memory) with the same tool on a server of
// mcp-go alone.
func BenchmarkCall(b *testing.B) {
	bare := server.NewMCPServer("bare", "1", server.WithToolCapabilities(false))
	echo := mcp.NewTool("note_read", mcp.WithDescription("Reads."), mcp.WithString("text", mcp.Required()), mcp.WithOutputSchema[saved]())
	bare.AddTool(echo, mcp.NewStructuredToolHandler(func(_ context.Context, _ mcp.CallToolRequest, in note) (saved, error) {
		return saved{ID: "n1", Text: in.Text}, nil
	}))
	b.Run("bare", func(b *testing.B) {
		web := httptest.NewServer(server.NewStreamableHTTPServer(bare))
		defer web.Close()
		benchmarkCalls(b, web.URL+"/mcp", "note_read")
	})
	for _, test := range []struct{ name, tool string }{{"read", "note_read"}, {"write", "note_add"}} {
		b.Run("guarded/"+test.name, func(b *testing.B) {
			f := newFixture(b, mcpserver.Options{})
			benchmarkCalls(b, f.web.URL+"/mcp", test.tool)
		})
	}
}

func benchmarkCalls(b *testing.B, url, tool string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	post := func(session, body string) (http.Header, []byte, error) {
		r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			return nil, nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+deskKey)
		r.Header.Set(server.HeaderKeySessionID, session)
		response, err := client.Do(r)
		if err != nil {
			return nil, nil, err
		}
		defer func() { _ = response.Body.Close() }()
		answer, err := io.ReadAll(response.Body)
		return response.Header, answer, err
	}
	header, _, err := post("", initialize)
	if err != nil {
		b.Fatal(err)
	}
	session := header.Get(server.HeaderKeySessionID)
	params, _ := json.Marshal(map[string]any{"name": tool, "arguments": map[string]any{"text": strings.Repeat("hello ", 20)}})
	call := `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":` + string(params) + `}`
	if _, answer, _ := post(session, call); !strings.Contains(string(answer), `"structuredContent":{"id":"n1"`) {
		b.Fatalf("got %s", answer)
	}
	b.ReportAllocs()
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, _, err := post(session, call); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
