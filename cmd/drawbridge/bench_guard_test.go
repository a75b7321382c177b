package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/config"
	"drawbridge/server/mcpserver"
	"drawbridge/store/state"
	"drawbridge/tools"
)

// BenchmarkGuard measures what the guard adds to a tools/call over streamable HTTP, its
// audit row and all, in time and in processor time: the same server twice, of which one calls
// the tool's function straight. That answers as the guard's handler does, in text and
// structure. The clients are MCP clients as programs have them (mcp-go's), and, to see what
// is left where nothing but bytes goes back and forth, bare connections that send one
// prepared request.
//
// The two take turns, and begin by turns; a turn of the guarded one ends when its rows are in
// the audit. The cost is the median of the turns': what else the machine does in between then
// meets both.
func BenchmarkGuard(b *testing.B) {
	kinds := []struct {
		name string
		open func(b *testing.B, address string, clients int) (call func(n int))
	}{{"mcp", openCallers}, {"bytes", func(b *testing.B, address string, clients int) func(int) {
		return openSenders(b, address, searchMugs, clients)
	}}}
	for _, kind := range kinds {
		for _, clients := range []int{16, 64} {
			b.Run(fmt.Sprintf("by=%s/clients=%d", kind.name, clients), func(b *testing.B) {
				a, address := benchApp(b, func(*config.Config) {}, true)
				guarded, bare := kind.open(b, address, clients), kind.open(b, unguarded(b), clients)
				settle := a.store.Engine.(state.Spooler).Settle
				turns := max(1, b.N/1000)
				var with, without spent
				var costs []float64
				b.ResetTimer()
				for turn := range turns {
					n := (turn+1)*b.N/turns - turn*b.N/turns
					sides := []func() spent{
						func() spent { return spending(func() { guarded(n); settle(b.Context()) }) },
						func() spent { return spending(func() { bare(n) }) },
					}
					var took [2]spent
					for i := range sides {
						side := (turn + i) % 2
						took[side] = sides[side]()
					}
					with, without = with.plus(took[0]), without.plus(took[1])
					costs = append(costs, took[0].wall.Seconds()/took[1].wall.Seconds())
				}
				slices.Sort(costs)
				b.ReportMetric(costs[len(costs)/2], "cost")
				reportGuard(b, with, without)
			})
		}
	}
}

func reportGuard(b *testing.B, with, without spent) {
	calls := float64(b.N)
	b.ReportMetric(calls/with.wall.Seconds(), "calls/s")
	b.ReportMetric(calls/without.wall.Seconds(), "unguarded/s")
	b.ReportMetric(float64(with.cpu.Microseconds())/calls, "cpu-us/call")
	b.ReportMetric(float64(without.cpu.Microseconds())/calls, "unguarded-cpu-us/call")
	b.ReportMetric(0, "ns/op")
}

// openCallers gives what makes n calls by MCP clients that have introduced themselves.
func openCallers(b *testing.B, address string, clients int) (call func(n int)) {
	b.Helper()
	over := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	b.Cleanup(over.CloseIdleConnections)
	var request mcp.CallToolRequest
	request.Params.Name, request.Params.Arguments = "crm_search_products", map[string]any{"q": "mug"}
	callers := make([]*client.Client, clients)
	for i := range callers {
		c := openClient(b, "http://"+address+"/mcp", over)
		b.Cleanup(func() { _ = c.Close() })
		callers[i] = c
	}
	return func(n int) {
		var next atomic.Int64
		var all sync.WaitGroup
		for _, c := range callers {
			all.Go(func() {
				for next.Add(1) <= int64(n) {
					if result, err := c.CallTool(b.Context(), request); err != nil || result.IsError {
						b.Error(result, err)
						return
					}
				}
			})
		}
		all.Wait()
	}
}

func openClient(b *testing.B, url string, over *http.Client) *client.Client {
	b.Helper()
	c, err := client.NewStreamableHttpClient(url, transport.WithHTTPBasicClient(over))
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	var hello mcp.InitializeRequest
	hello.Params.ProtocolVersion, hello.Params.ClientInfo = "2025-11-25", mcp.Implementation{Name: "bench", Version: "1"}
	if _, err := c.Initialize(b.Context(), hello); err != nil {
		b.Fatal(err)
	}
	return c
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
