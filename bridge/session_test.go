package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/bridge"
)

// schema has keywords that mcp-go's own types drop, and an order to keep.
const schema = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"z":{"type":"integer"},"a":{"type":"string"}},"allOf":[{"if":{"required":["z"]},"then":{"required":["a"]}}]}`

type secret struct{}

func toolServer() *server.MCPServer {
	s := server.NewMCPServer("tools", "1", server.WithPaginationLimit(1))
	add := func(name string, readOnly bool, meta map[string]any, handle handler) {
		tool := mcp.Tool{Name: name, Description: "d", RawInputSchema: json.RawMessage(schema), Meta: mcp.NewMetaFromMap(meta)}
		tool.Annotations.ReadOnlyHint = &readOnly
		s.AddTool(tool, handle)
	}
	add("a", false, map[string]any{bridge.MetaEffect: "money", bridge.MetaIdempotent: true, bridge.MetaTaints: true},
		func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			value, _ := ctx.Value(secret{}).(string)
			key, _ := r.Params.Meta.AdditionalFields[bridge.MetaKey].(string)
			return mcp.NewToolResultText(value + " " + key + " " + string(r.Params.RawArguments)), nil
		})
	add("b", true, nil, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		result := mcp.NewToolResultStructured(json.RawMessage(`{"z":12345678901234567890,"a":1}`), "text")
		return result, nil
	})
	add("c", false, map[string]any{bridge.MetaIdempotent: true}, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		result := mcp.NewToolResultStructured(map[string]any{"code": "x"}, "no such thing")
		result.IsError = true
		return result, nil
	})
	add("d", true, map[string]any{bridge.MetaEffect: "odd"}, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{
			mcp.NewTextContent("one"), mcp.NewImageContent("AAAA", "image/png"), mcp.NewTextContent("two"),
			mcp.NewEmbeddedResource(mcp.TextResourceContents{URI: "x:1", Text: "three"}), mcp.NewResourceLink("x:2", "n", "", ""),
		}}, nil
	})
	add("e", false, nil, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return nil, errors.New("broke")
	})
	return s
}

func connect(t *testing.T, over transport.Interface) *bridge.Session {
	t.Helper()
	s, err := bridge.Connect(context.Background(), over)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// sessions runs a test over each transport a bridge is used with.
func sessions(t *testing.T, test func(t *testing.T, s *bridge.Session)) {
	t.Run("in process", func(t *testing.T) { test(t, connect(t, transport.NewInProcessTransport(toolServer()))) })
	t.Run("http", func(t *testing.T) {
		s := httptest.NewServer(server.NewStreamableHTTPServer(toolServer()))
		t.Cleanup(s.Close)
		over, err := transport.NewStreamableHTTP(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		test(t, connect(t, over))
	})
}

func TestToolsAreListedOverAllPagesWithTheirSchemasExact(t *testing.T) {
	sessions(t, func(t *testing.T, s *bridge.Session) {
		got, _, err := s.Tools(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		tool := func(name string, effect bridge.Effect, idempotent, taints bool) bridge.Tool {
			return bridge.Tool{Name: name, Description: "d", Input: json.RawMessage(schema), Effect: effect, Idempotent: idempotent, Taints: taints}
		}
		want := []bridge.Tool{
			tool("a", bridge.Money, true, true),
			tool("b", bridge.Read, true, false),   // by its hint
			tool("c", bridge.Write, false, false), // no effect, no trust in the rest
			tool("d", bridge.Read, true, false),
			tool("e", bridge.Write, false, false),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCallGivesStructureElseText(t *testing.T) {
	sessions(t, func(t *testing.T, s *bridge.Session) {
		for name, want := range map[string]bridge.CallResult{
			"b": {Content: `{"z":12345678901234567890,"a":1}`},
			"c": {Content: "no such thing", IsError: true},
			"d": {Content: "one\n[an image, image/png, that cannot be shown here]\ntwo\nthree\n[a link to x:2]"},
		} {
			got, err := s.Call(context.Background(), name, json.RawMessage(`{}`), "")
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
		}
	})
}

func TestCallCarriesContextKeyAndExactArguments(t *testing.T) {
	s := connect(t, transport.NewInProcessTransport(toolServer()))
	ctx := context.WithValue(context.Background(), secret{}, "me")
	got, err := s.Call(ctx, "a", json.RawMessage(`{"z":12345678901234567890}`), "dbk_1")
	if want := `me dbk_1 {"z":12345678901234567890}`; got.Content != want || err != nil {
		t.Errorf("got %q, %v; want %q", got.Content, err, want)
	}
}

func TestRefusalSaysWhetherAnythingWasDone(t *testing.T) {
	sessions(t, func(t *testing.T, s *bridge.Session) {
		for name, untouched := range map[string]bool{"nobody": true, "e": false} {
			_, err := s.Call(context.Background(), name, json.RawMessage(`{}`), "")
			var refusal *bridge.Refusal
			if !errors.As(err, &refusal) || refusal.Untouched != untouched {
				t.Errorf("%s: error %v, want a refusal with untouched %v", name, err, untouched)
			}
		}
	})
}

func TestLostConnectionIsNoRefusal(t *testing.T) {
	s := httptest.NewServer(server.NewStreamableHTTPServer(toolServer()))
	over, err := transport.NewStreamableHTTP(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	session := connect(t, over)
	s.Close()
	_, err = session.Call(context.Background(), "a", json.RawMessage(`{}`), "")
	var refusal *bridge.Refusal
	if err == nil || errors.As(err, &refusal) {
		t.Errorf("error %v, want one that is no refusal", err)
	}
}

func TestEveryHTTPRequestNamesTheProtocolVersion(t *testing.T) {
	var mu sync.Mutex
	versions := map[string]bool{}
	tools := server.NewStreamableHTTPServer(toolServer(), server.WithStateful(true))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"tools/call"`) {
			mu.Lock()
			versions[r.Header.Get("Mcp-Protocol-Version")] = true
			mu.Unlock()
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		tools.ServeHTTP(w, r)
	}))
	defer s.Close()
	over, err := transport.NewStreamableHTTP(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, legacy{over}).Call(context.Background(), "b", json.RawMessage(`{}`), ""); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(versions) != 1 || versions[""] {
		t.Errorf("versions %v, want the one agreed on", versions)
	}
}

// legacy is a transport that rules out the stateless protocol, in which the client
// sends the version by itself.
type legacy struct{ *transport.StreamableHTTP }

func (legacy) RequiresLegacyProtocol() bool { return true }
