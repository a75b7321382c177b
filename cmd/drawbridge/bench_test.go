package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpbare "github.com/mark3labs/mcp-go/server"

	"drawbridge/config"
)

// The benchmarks behind the figures in the README. Where a figure is a ratio, both
// sides are measured in the same run, by the same client: on a shared machine only
// ratios mean anything.

const benchSecret = "whsec_bench_0123456789abcdef"

// benchApp is an app on a store of its own, listening, without workers unless asked.
func benchApp(b *testing.B, change func(*config.Config), work bool) (*app, string) {
	b.Helper()
	cfg := temporary(b, config.Default())
	cfg.Server.Listen = "127.0.0.1:0"
	change(cfg)
	a, err := newApp(b.Context(), cfg, appOptions{})
	if err != nil {
		b.Fatal(err)
	}
	if err := a.backends.seed(b.Context()); err != nil {
		b.Fatal(err)
	}
	address, _, err := a.Listen(b.Context(), cfg.Server.Listen)
	if err != nil {
		b.Fatal(err)
	}
	go tendMemory(b.Context()) // as serve has it
	if work {
		a.Work(b.Context())
	}
	b.Cleanup(func() { _ = a.Stop(context.Background()) })
	return a, address.String()
}

func benchWebhook(agent string) map[string]config.Webhook {
	hook := config.DefaultWebhook()
	hook.Scheme, hook.Agent, hook.Secrets = "stripe", agent, []config.WebhookSecret{{Secret: benchSecret}}
	hook.Prompt = "Payment {{ .event.data.object.id }} of customer {{ .event.data.object.customer }} succeeded."
	hook.Rate = 1_000_000 // the disk is what is measured
	return map[string]config.Webhook{"stripe": hook}
}

func exchange(conn net.Conn, answers *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	res, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s: %s", res.Status, body)
	}
	return nil
}

// searchMugs is a call over streamable HTTP.
const searchMugs = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"crm_search_products","arguments":{"q":"mug"}}}`

// BenchmarkCall measures tools/call over streamable HTTP, through the guard with its
// audit row on disk, against a bare mcp-go server with the same tool function.
func BenchmarkCall(b *testing.B) {
	for _, clients := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			a, guarded := benchApp(b, func(*config.Config) {}, false)
			tool, _ := a.catalog.Lookup("crm_search_products")
			plain := mcpbare.NewMCPServer("bare", "1")
			plain.AddTool(mcp.NewToolWithRawSchema(tool.Name, tool.Description, tool.Input), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				out, err := tool.Call(ctx, r.Params.RawArguments)
				if err != nil {
					return nil, err
				}
				return mcp.NewToolResultStructured(out, string(out)), nil // text and structure, as ours answers
			})
			bare := httptest.NewServer(mcpbare.NewStreamableHTTPServer(plain))
			b.Cleanup(bare.Close)
			ours := sendCalls(b, guarded, searchMugs, b.N, clients)
			theirs := sendCalls(b, strings.TrimPrefix(bare.URL, "http://"), searchMugs, b.N, clients)
			b.ReportMetric(float64(b.N)/ours.Seconds(), "calls/s")
			b.ReportMetric(float64(b.N)/theirs.Seconds(), "bare/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
		})
	}
}

// sendCalls opens a session per client and makes n calls over them, and gives what these took.
func sendCalls(b *testing.B, address, body string, n, clients int) time.Duration {
	b.Helper()
	call := openSenders(b, address, body, clients)
	start := time.Now()
	call(n)
	return time.Since(start)
}

// openSenders gives what makes n calls by clients that send one prepared request, each over a
// session and a connection of its own.
func openSenders(b *testing.B, address, body string, clients int) (call func(n int)) {
	b.Helper()
	conns, requests := make([]net.Conn, clients), make([][]byte, clients)
	for i := range clients {
		requests[i] = fmt.Appendf(nil, "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMcp-Session-Id: %s\r\nContent-Length: %d\r\n\r\n%s",
			address, openSession(b, address), len(body), body)
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		conns[i] = conn
	}
	return func(n int) {
		var next atomic.Int64
		var all sync.WaitGroup
		for i, conn := range conns {
			all.Go(func() {
				answers := bufio.NewReader(conn)
				for next.Add(1) <= int64(n) {
					if err := exchange(conn, answers, requests[i]); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	}
}

func openSession(b *testing.B, address string) string {
	b.Helper()
	hello := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+address+"/mcp", strings.NewReader(hello))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	_ = res.Body.Close()
	return res.Header.Get("Mcp-Session-Id")
}

// BenchmarkStart measures from the start of the process to the first tools/list
// over stdio, on a store that exists, and the memory of an idle server.
func BenchmarkStart(b *testing.B) {
	folder := b.TempDir()
	binary, file := filepath.Join(folder, "drawbridge"), filepath.Join(folder, "drawbridge.yaml")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	text := fmt.Sprintf("store: {url: \"sqlite://%s\"}\nserver: {listen: 127.0.0.1:0}\nlog: {format: json}\n", filepath.Join(folder, "d.db"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	firstList(b, binary, file) // makes the store
	b.ResetTimer()
	for range b.N {
		firstList(b, binary, file)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/start")
	b.ReportMetric(idleMemory(b, binary, file), "idle-MiB")
}

func firstList(b *testing.B, binary, file string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), binary, "mcp", "-c", file)
	cmd.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"b","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/list"}
`)
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, []byte("crm_get_customer")) {
		b.Fatalf("%v: %.200s", err, out)
	}
}

// idleMemory is the resident memory of a server with nothing to do, in MiB.
func idleMemory(b *testing.B, binary, file string) float64 {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), binary, "serve", "-c", file)
	cmd.Env = append(os.Environ(), "OPENAI_API_KEY=")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.Contains(lines.Text(), `"serving"`) {
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
	var kib float64
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}
