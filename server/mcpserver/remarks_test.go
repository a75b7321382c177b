package mcpserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/mcpserver"
	"drawbridge/tools"
)

// remarksOf are the log messages that a client gets, each as its level and what it says.
func remarksOf(s session) <-chan string {
	got := make(chan string, 100)
	s.OnNotification(func(n mcp.JSONRPCNotification) {
		if n.Method != "notifications/message" {
			return
		}
		level := fmt.Sprint(n.Params.AdditionalFields["level"])
		said, ok := n.Params.AdditionalFields["data"].(string)
		if data, told := n.Params.AdditionalFields["data"].(map[string]any); !ok && told {
			said, _ = data["outcome"].(string)
			if code, ok := data["code"].(string); ok {
				said += ": " + code
			}
		}
		got <- level + " " + said
	})
	return got
}

// wanting has the session's calls ask for messages from a level on, as its era does it.
func wanting(t *testing.T, s session, door string, level mcp.LoggingLevel, r *mcp.CallToolRequest) {
	t.Helper()
	if door != "SSE" && door != "streamable HTTP for older clients" {
		r.Params.Meta = mcp.NewMetaFromMap(map[string]any{mcp.MetaKeyLogLevel: string(level)})
		return
	}
	set := mcp.SetLevelRequest{}
	set.Params.Level = level
	//lint:ignore SA1019 clients of the older era have nothing else
	if err := s.SetLevel(s.ctx, set); err != nil {
		t.Fatal(err)
	}
}

func TestClientHearsRemarksFromTheLevelThatItSet(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{})
			s := d.connect(t, f, shop)
			got := remarksOf(s)
			f.mount(t, farDoing("talk", anySchema, func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
				tools.Tell(ctx, tools.Remark{Level: "debug", Message: "too low"})
				tools.Tell(ctx, tools.Remark{Level: "notice", Message: "half way"})
				return nil, nil
			}))
			r := request("far__talk", map[string]any{}, "")
			wanting(t, s, d.name, mcp.LoggingLevelInfo, &r)
			if result, err := s.CallTool(s.ctx, r); err != nil || result.IsError {
				t.Fatalf("got %+v, %v", result, err)
			}
			heard := []string{await(t, got, "a remark"), await(t, got, "another remark")}
			slices.Sort(heard) // two streams of one session may overtake each other
			if diff := cmp.Diff([]string{"info ok", "notice half way"}, heard); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefusedCallIsARemarkWithItsCode(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	s := connectStdio(t, f, desk)
	got := remarksOf(s)
	r := request("pay", map[string]any{"text": "x"}, "")
	wanting(t, s, "stdio", mcp.LoggingLevelWarning, &r)
	if result, err := s.CallTool(s.ctx, r); err != nil || !result.IsError {
		t.Fatalf("got %+v, %v", result, err)
	}
	if heard := await(t, got, "the remark"); heard != "warning refused or failed: denied" {
		t.Errorf("got %q", heard)
	}
}

func TestClientThatAsksForNoMessagesGetsNone(t *testing.T) {
	everyDoor(t, func(t *testing.T, _ *fixture, s session, _ string) {
		s.OnNotification(func(n mcp.JSONRPCNotification) { t.Errorf("got %s", n.Method) })
		s.callTool(t, "note_read", map[string]any{"text": "x"}, "")
		s.callTool(t, "pay", map[string]any{"text": "x"}, "")
	})
}
