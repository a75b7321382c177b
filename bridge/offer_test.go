package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
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

// uneven are functions of all sizes, most of which a request has no room for, and a
// run with them.
func uneven() *run {
	var tools []Tool
	for i := range 200 {
		tools = append(tools, Tool{
			Name: fmt.Sprintf("shop_order_%03d", i), Description: "Finds an order. " + strings.Repeat(fmt.Sprintf("Detail %d. ", i), (i*37)%120),
			Input: json.RawMessage(`{"type":"object","properties":{"id":{"type":"string"}}}`), Effect: Read,
		})
	}
	brief := Brief{Prompt: "Find the order and its detail", Limits: selection.Limits{Tokens: 4000, Functions: 40}}
	return &run{functions: functionsOf(tools), history: &history{brief: brief}}
}

// turnOf is a turn that used one function and found others.
func turnOf(used string, found ...string) *turn {
	return &turn{calls: []*call{{asked: openai.Call{Name: used}}, {asked: openai.Call{Name: findToolsName}, result: &Result{Found: found}}}}
}

func TestUsingWhatIsOfferedDoesNotMoveTheOffer(t *testing.T) {
	r := uneven()
	first := r.offered().names
	if len(first) < 10 || len(first) > 100 {
		t.Fatalf("%d of 200 functions are offered: nothing is tested", len(first))
	}
	for _, name := range first {
		r.history.turns = append(r.history.turns, turnOf(name, first[2:6]...), turnOf("shop_order_unknown", "gone"))
		if now := r.offered().names; !slices.Equal(first, now) {
			t.Fatalf("using %s changed the offer from\n%v to\n%v", name, first, now)
		}
	}
}

func TestOfferFollowsFromTheTurnsAlone(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	life := uneven()
	for range 3 {
		first := &run{functions: life.functions, history: &history{brief: life.history.brief}}
		names := append(first.functions.names(), "gone", readResultName)
		any := func() string { return names[chance.IntN(len(names))] }
		moved := 0
		for range 6 {
			before := first.offered().names
			first.history.turns = append(first.history.turns, turnOf(any(), any(), any()))
			now := first.offered().names
			if !slices.Equal(before, now) {
				moved++
			}
			resumed := &run{functions: life.functions, history: first.history}
			if got := resumed.offered().names; !slices.Equal(now, got) {
				t.Fatalf("a resumed run offers\n%v, not\n%v", got, now)
			}
		}
		if moved == 0 {
			t.Error("nothing moved: nothing is tested")
		}
	}
}

func TestReservedTokensAreThoseOfReadResult(t *testing.T) {
	if real := selection.Tokens(string(encode(readResult))); real > readResultTokens || real < readResultTokens*9/10 {
		t.Errorf("read_result takes %d tokens, %d are reserved for it", real, readResultTokens)
	}
}
