package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/config"
	"drawbridge/server/mcpserver"
	"drawbridge/tools"
)

// BenchmarkGuard measures what the guard adds to a tools/call over streamable HTTP, its
// audit row and all, in time and in processor time: the same server twice, in turns, of which one calls the tool's
// function straight. That answers as the guard's handler does, in text and structure.
func BenchmarkGuard(b *testing.B) {
	for _, clients := range []int{16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			_, guarded := benchApp(b, func(*config.Config) {}, true)
			bare := unguarded(b)
			body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"crm_search_products","arguments":{"q":"mug"}}}`
			const turns = 8
			var with, without spent
			b.ResetTimer()
			for range turns {
				with = with.plus(spending(func() { sendCalls(b, guarded, body, b.N/turns+1, clients) }))
				without = without.plus(spending(func() { sendCalls(b, bare, body, b.N/turns+1, clients) }))
			}
			calls := float64(turns * (b.N/turns + 1))
			b.ReportMetric(calls/with.wall.Seconds(), "calls/s")
			b.ReportMetric(calls/without.wall.Seconds(), "unguarded/s")
			b.ReportMetric(with.wall.Seconds()/without.wall.Seconds(), "cost")
			b.ReportMetric(float64(with.cpu.Microseconds())/calls, "cpu-us/call")
			b.ReportMetric(float64(without.cpu.Microseconds())/calls, "unguarded-cpu-us/call")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// unguarded serves as benchApp's app does, but for the handler of the one tool.
func unguarded(b *testing.B) string {
	b.Helper()
	cfg := temporary(b, config.Default())
	cfg.Server.Listen = "127.0.0.1:0"
	a, err := newApp(b.Context(), cfg, appOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Stop(context.Background()) })
	if err := a.backends.seed(b.Context()); err != nil {
		b.Fatal(err)
	}
	a.mcp = mcpserver.New(a.catalog, a.guard, mcpserver.Options{Version: version(), Instructions: instructions, Log: a.log,
		BodyLimit: int64(cfg.Server.MaxBody), Extend: func(s *server.MCPServer) { s.AddTool(straight(a.catalog)) }})
	if err := a.wireHTTP(b.Context(), appOptions{}); err != nil {
		b.Fatal(err)
	}
	address, _, err := a.Listen(b.Context(), cfg.Server.Listen)
	if err != nil {
		b.Fatal(err)
	}
	a.Work(b.Context())
	return address.String()
}

// straight is a tool without the guard.
func straight(catalog *tools.Catalog) (mcp.Tool, server.ToolHandlerFunc) {
	schema := []byte(`{"type":"object"}`)
	return mcp.NewToolWithRawSchema("crm_search_products", "", schema), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		tool, _ := catalog.Lookup("crm_search_products")
		out, err := tool.Call(ctx, r.Params.RawArguments)
		if err != nil {
			return nil, err
		}
		return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent(string(out))}, RawStructuredContent: out}, nil
	}
}
