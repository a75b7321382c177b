package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/bridge/openaitest"
)

// drive is an MCP server with one tool, which returns a PDF.
func drive(t *testing.T, pdf string) (url string) {
	t.Helper()
	s := server.NewMCPServer("drive", "1", server.WithToolCapabilities(true))
	s.AddTool(mcp.NewTool("read", mcp.WithDescription("Reads a document.")), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewEmbeddedResource(mcp.BlobResourceContents{URI: "drive:///offer.pdf", MIMEType: "application/pdf", Blob: pdf})}}, nil
	})
	web := httptest.NewServer(server.NewStreamableHTTPServer(s))
	t.Cleanup(web.Close)
	return web.URL + "/mcp"
}

// TestSettingSaysWhoIsSentDocuments is the way of two documents to a model: one that a
// tool returned, one that a client sent. All models of an agent have to take the first.
func TestSettingSaysWhoIsSentDocuments(t *testing.T) {
	pdf := base64.StdEncoding.EncodeToString([]byte("%PDF-1.7 an offer %%EOF"))
	url := drive(t, pdf)
	for name, c := range map[string]struct {
		model, spare string
		tools, sent  bool // whether the document of the tool, and that of the client, reach the model
	}{
		"files: true":                     {", files: true", ", files: true", true, true},
		"nothing set":                     {"", "", false, true},
		"files: false":                    {", files: false", "", false, false},
		"files: true, but not the spare":  {", files: true", ", files: false", false, false},
		"files: true, nothing of a spare": {", files: true", "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			fake := openaitest.New(t)
			fake.Func(func(q openaitest.Request) openaitest.Reply {
				if q.Turn() == 1 && q.Last().Text == "Read it." {
					return openaitest.Call("drive__read", `{}`)
				}
				return openaitest.Say("Read.")
			})
			file, _ := liveFile(t, fmt.Sprintf(`server: {listen: 127.0.0.1:0}
model: {base_url: %[1]q, name: main%[2]s}
models: {spare: {base_url: %[1]q%[3]s}}
agents: {desk: {tools: ["*"], fallback: [spare]}}
tools: {mcp: [{name: drive, url: %[4]q, effects: {read: read}}]}
`, fake.URL(), c.model, c.spare, url))
			program := serve(t, file)
			answered(t, program.base, "Read it.")
			asked := fake.Requests()
			last := asked[len(asked)-1]
			if result, returned := last.Result("drive__read"); !returned || strings.Contains(string(last.Body), pdf) != c.tools || strings.Contains(result, "cannot be shown") == c.tools {
				t.Errorf("the tool's reaches the model: want %v; the result says %q", c.tools, result)
			}
			status, _, body := sendAs(t, http.MethodPost, program.base+"/v1/chat/completions", "",
				`{"model":"desk","messages":[{"role":"user","content":[{"type":"text","text":"And this?"},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,`+pdf+`"}}]}]}`)
			reached := fake.Requests()[len(asked):]
			switch {
			case c.sent && (status != http.StatusOK || len(reached) != 1 || !strings.Contains(string(reached[0].Body), pdf)):
				t.Errorf("the client's does not reach the model: %d %s", status, body)
			case !c.sent && (status != http.StatusBadRequest || len(reached) != 0 || !strings.Contains(body, `"param":"messages[0].content[1]"`)):
				t.Errorf("the client's is not refused: %d %s", status, body)
			}
			program.stop(t)
		})
	}
}
