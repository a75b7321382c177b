package mcpserver_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/guard"
	"drawbridge/server/mcpserver"
)

// A client of the newest era whose stream broke knows only one thing to do: to send the
// request again, under another id (MCP 2026-07-28).
func TestRequestThatIsSentAgainDoesNotTakeEffectTwice(t *testing.T) {
	for _, d := range doors {
		if d.name == "in process" {
			continue // of runs, which have keys
		}
		t.Run(d.name, func(t *testing.T) {
			f := guardedFixture(t, mcpserver.Options{Version: "1"}, guard.Options{RepeatWindow: 10 * time.Minute})
			begun, finish := make(chan struct{}), make(chan struct{})
			f.do = func(_ context.Context, in note) (saved, error) {
				close(begun)
				<-finish
				return saved{ID: "n1", Text: in.Text}, nil
			}
			s := d.connect(t, f, desk)
			lost, lose := context.WithCancel(s.ctx)
			gone := make(chan error, 1)
			go func() {
				_, err := s.CallTool(lost, request("note_send", map[string]any{"text": "hello"}, ""))
				gone <- err
			}()
			<-begun
			lose() // the connection breaks, or the client gives up: the answer is lost
			if err := <-gone; err == nil {
				t.Error("the answer was not lost")
			}
			answers := make(chan *mcp.CallToolResult, 1)
			go func() { answers <- s.callTool(t, "note_send", map[string]any{"text": "hello"}, "") }()
			close(finish)
			again := <-answers
			if again.IsError || again.Meta.GetMetaField(guard.MetaRepeated) != true || f.calls != 1 {
				t.Fatalf("got %+v, meta %+v after %d calls", again, again.Meta, f.calls)
			}
			if string(again.RawStructuredContent) != `{"id":"n1","text":"hello"}` {
				t.Errorf("structured content %s", again.RawStructuredContent)
			}
			if note, ok := again.Content[len(again.Content)-1].(mcp.TextContent); !ok || len(again.Content) != 2 || !strings.Contains(note.Text, "not made again") {
				t.Errorf("the model is not told: %+v", again.Content)
			}
			f.do = func(_ context.Context, in note) (saved, error) { return saved{ID: "n2", Text: in.Text}, nil }
			meant := s.callTool(t, "note_send", map[string]any{"text": "hello"}, "another")
			if string(meant.RawStructuredContent) != `{"id":"n2","text":"hello"}` || f.calls != 2 {
				t.Errorf("with a key of its own: %s after %d calls", meant.RawStructuredContent, f.calls)
			}
		})
	}
}
