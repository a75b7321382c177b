package bridge

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// listServer is a server in process that counts how often its tools are listed.
func listServer(t *testing.T) (*server.MCPServer, *Session, *atomic.Int64) {
	t.Helper()
	lists := &atomic.Int64{}
	hooks := &server.Hooks{}
	hooks.AddAfterListTools(func(context.Context, any, *mcp.ListToolsRequest, *mcp.ListToolsResult) { lists.Add(1) })
	s := server.NewMCPServer("tools", "1", server.WithToolCapabilities(true), server.WithHooks(hooks))
	addTool(s, "first")
	session, err := Connect(t.Context(), transport.NewInProcessTransport(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return s, session, lists
}

func addTool(s *server.MCPServer, name string) {
	s.AddTool(mcp.NewTool(name), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText("done"), nil
	})
}

func offered(t *testing.T, s *Session) []string {
	t.Helper()
	f, err := s.functions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f.names()
}

func TestListIsReadOnceAndKept(t *testing.T) {
	_, session, lists := listServer(t)
	for range 5 {
		if got := offered(t, session); !slices.Contains(got, "first") {
			t.Fatalf("offered %v", got)
		}
	}
	if n := lists.Load(); n != 1 {
		t.Errorf("the tools were listed %d times, want once", n)
	}
}

func TestListIsReadAgainWhenTheServerSaysItChanged(t *testing.T) {
	s, session, _ := listServer(t)
	offered(t, session)
	told := make(chan struct{}, 1)
	session.client.OnNotification(func(n mcp.JSONRPCNotification) { // runs after the session's own
		if n.Method == mcp.MethodNotificationToolsListChanged {
			told <- struct{}{}
		}
	})
	addTool(s, "second")
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Fatal("the server said nothing")
	}
	if got := offered(t, session); !slices.Contains(got, "second") {
		t.Errorf("offered %v, want the new tool as well", got)
	}
}
