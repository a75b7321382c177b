package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
)

// eventually asks again and again until the answer is yes. What it waits for
// happens in other processes, which cannot tell us.
func eventually(t *testing.T, what string, most time.Duration, ask func() bool) {
	t.Helper()
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !ask() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("waited %v in vain: %s", most, what)
		}
	}
}

// desk is an MCP client of a serving program.
type desk struct {
	t *testing.T
	*client.Client
}

func connectDesk(t *testing.T, base string) desk {
	t.Helper()
	c, err := client.NewStreamableHttpClient(base + "/mcp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	hello := mcp.InitializeRequest{}
	hello.Params.ClientInfo = mcp.Implementation{Name: "desk", Version: "1"}
	if _, err := c.Initialize(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	return desk{t, c}
}

// tools counts the listed tools by mount; the families' are under "".
func (d desk) tools() map[string]int {
	d.t.Helper()
	list, err := d.ListTools(d.t.Context(), mcp.ListToolsRequest{})
	if err != nil {
		d.t.Fatal(err)
	}
	counts := map[string]int{}
	for _, tool := range list.Tools {
		mount, _, mounted := strings.Cut(tool.Name, "__")
		if !mounted {
			mount = ""
		}
		counts[mount]++
	}
	return counts
}

// call gives the text of a result, and whether it is an error.
func (d desk) call(tool string, arguments json.RawMessage) (string, bool) {
	d.t.Helper()
	request := mcp.CallToolRequest{}
	request.Params.Name, request.Params.Arguments = tool, arguments
	result, err := d.CallTool(d.t.Context(), request)
	if err != nil {
		d.t.Fatalf("%s: %v", tool, err)
	}
	var text strings.Builder
	for _, content := range result.Content {
		if piece, ok := content.(mcp.TextContent); ok {
			text.WriteString(piece.Text)
		}
	}
	return text.String(), result.IsError
}
