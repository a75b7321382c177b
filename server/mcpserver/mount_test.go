package mcpserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/mcpserver"
	"drawbridge/tools"
)

// shop may call everything.
var shop = auth.Principal{Kind: auth.Key, Name: "shop", Tools: []string{"*"}, Effects: auth.AllEffects()}

const anySchema = `{"type":"object"}`

// far makes a mounted tool that answers with a fixed result.
func far(name, schema, result string) tools.Tool {
	return farDoing(name, schema, func(context.Context, json.RawMessage) (json.RawMessage, error) { return json.RawMessage(result), nil })
}

func farDoing(name, schema string, do func(context.Context, json.RawMessage) (json.RawMessage, error)) tools.Tool {
	return tools.Mounted(tools.Tool{Name: "far__" + name, Description: "Far.", Effect: tools.Write, Input: json.RawMessage(schema)}, do)
}

func (f *fixture) mount(t testing.TB, list ...tools.Tool) {
	t.Helper()
	if err := f.tools.Mount("far", list); err != nil {
		t.Fatal(err)
	}
}

// listChanges are the notifications that the list changed. Clients of protocol
// 2026-07-28 over HTTP have to ask for them.
func listChanges(t *testing.T, s session, door string) <-chan struct{} {
	t.Helper()
	changes, listening := make(chan struct{}, 100), make(chan struct{})
	s.OnNotification(func(n mcp.JSONRPCNotification) {
		switch n.Method {
		case mcp.MethodNotificationToolsListChanged:
			changes <- struct{}{}
		case mcp.MethodNotificationSubscriptionsAcknowledged:
			close(listening)
		}
	})
	if door == "streamable HTTP" {
		stop, err := s.ListenAsync(s.ctx, mcp.SubscriptionFilter{ToolsListChanged: true}, func(err error) { t.Errorf("listening: %v", err) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		await(t, listening, "the subscription")
	}
	return changes
}

func await[T any](t *testing.T, from <-chan T, what string) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(time.Minute):
		t.Fatalf("%s did not come", what)
	}
	return got
}

func listed(t *testing.T, s session) []string {
	t.Helper()
	list, err := s.ListTools(s.ctx, mcp.ListToolsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	return names
}

func TestClientsOfEveryDoorHearThatTheListChanged(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{})
			s := d.connect(t, f, shop)
			changes := listChanges(t, s, d.name)
			listed(t, s) // the GET stream of older clients has opened by the time that this is answered, or the notice waits
			f.mount(t, far("Say-hello.v2", anySchema, ""))
			await(t, changes, "the notice of a mount")
			want := []string{"far__Say-hello.v2", "note_add", "note_read", "note_send", "pay"}
			if diff := cmp.Diff(want, listed(t, s)); diff != "" {
				t.Error(diff)
			}
			f.mount(t)
			await(t, changes, "the notice of its end")
			if diff := cmp.Diff(want[1:], listed(t, s)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListThatIsTheSameAgainTellsNobody(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	s := connectInProcess(t, f, shop)
	changes := listChanges(t, s, "in process")
	definition := func(change func(*tools.Tool)) tools.Tool {
		tool := far("a", anySchema, "")
		change(&tool)
		return tool
	}
	same := func(*tools.Tool) {}
	f.mount(t, definition(same))
	await(t, changes, "the first notice")
	for range 3 {
		f.mount(t, definition(same))
	}
	for name, change := range map[string]func(*tools.Tool){
		"title":       func(tool *tools.Tool) { tool.Title = "Other" },
		"description": func(tool *tools.Tool) { tool.Description = "Other." },
		"schema":      func(tool *tools.Tool) { tool.Input = json.RawMessage(`{"type": "object"}`) },
		"output":      func(tool *tools.Tool) { tool.Output = json.RawMessage(anySchema) },
		"effect":      func(tool *tools.Tool) { tool.Effect = tools.Money },
		"hints":       func(tool *tools.Tool) { tool.Destructive = true },
	} {
		f.mount(t, definition(change))
		await(t, changes, "the notice of another "+name)
		f.mount(t, definition(same))
		await(t, changes, "the notice of the old "+name)
	}
	arrived(t, f, s)
	if len(changes) != 0 {
		t.Errorf("%d notices too many", len(changes))
	}
}

// arrived returns when all notifications sent so far have reached the client: they
// keep their order, and this is one more.
func arrived(t *testing.T, f *fixture, s session) {
	t.Helper()
	f.do = func(ctx context.Context, _ note) (saved, error) {
		tools.ReportProgress(ctx, tools.Progress{Done: 1})
		return saved{}, nil
	}
	reports := progressOf(s)
	r := request("note_read", map[string]any{"text": "x"}, "")
	r.Params.Meta = &mcp.Meta{ProgressToken: "p"}
	if _, err := s.CallTool(s.ctx, r); err != nil {
		t.Fatal(err)
	}
	await(t, reports, "the last notification")
}

func TestChangeOfSeveralToolsIsOneNotice(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	s := connectInProcess(t, f, shop)
	changes := listChanges(t, s, "in process")
	f.mount(t, far("a", anySchema, ""), far("b", anySchema, ""), far("c", anySchema, ""))
	await(t, changes, "the notice of a mount")
	f.mount(t, far("b", `{"type":"object","title":"x"}`, ""), far("d", anySchema, ""))
	await(t, changes, "the notice of a change")
	f.mount(t)
	await(t, changes, "the notice of the end")
	arrived(t, f, s)
	if len(changes) != 0 {
		t.Errorf("%d notices too many", len(changes))
	}
}

func TestThousandMountedToolsAreListedOnOnePage(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	var list []tools.Tool
	for i := range 1200 {
		list = append(list, far(fmt.Sprintf("t%04d", i), anySchema, ""))
	}
	f.mount(t, list...)
	page, err := connectHTTP(t, f, shop).ListToolsByPage(t.Context(), mcp.ListToolsRequest{})
	if err != nil || len(page.Tools) != 1204 || page.NextCursor != "" {
		t.Errorf("%d tools, cursor %q, %v", len(page.Tools), page.NextCursor, err)
	}
	f.mount(t)
}

// The client drops what it does not know, so the list is read off the wire.
func rawList(t *testing.T, f *fixture) map[string]map[string]json.RawMessage {
	t.Helper()
	answer := f.send(t, "POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{
		"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
		"Authorization", "Bearer "+shopKey, mcp.HeaderProtocolVersion, "2026-07-28", mcp.HeaderMethod, "tools/list")
	var response struct {
		Result struct{ Tools []map[string]json.RawMessage }
	}
	if err := json.Unmarshal([]byte(answer.body), &response); err != nil {
		t.Fatalf("%v in %s", err, answer.body)
	}
	byName := map[string]map[string]json.RawMessage{}
	for _, tool := range response.Result.Tools {
		var name string
		if err := json.Unmarshal(tool["name"], &name); err != nil {
			t.Fatal(err)
		}
		byName[name] = tool
	}
	return byName
}

func TestSchemasOfMountedToolsAreListedAsTheyCame(t *testing.T) {
	const schema = `{"type":"object","$schema":"http://json-schema.org/draft-07/schema#","z":1.0,"allOf":[{"if":true}],"properties":{"b":{},"a":{"x-vendor":[12345678901234567890]}},"required":["b"],"title":"naïve"}`
	f := newFixture(t, mcpserver.Options{})
	tool := far("a", schema, "")
	tool.Output = json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer"}},"$defs":{}}`)
	f.mount(t, tool)
	got := rawList(t, f)["far__a"]
	if string(got["inputSchema"]) != schema || string(got["outputSchema"]) != string(tool.Output) {
		t.Errorf("input %s\noutput %s", got["inputSchema"], got["outputSchema"])
	}
}

func TestOneBadToolDoesNotSpoilTheList(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	bad := map[string]string{
		"nothing": ``, "broken": `{"type":"object"`, "null": `null`, "true": `true`, "text": `"object"`, "array": `{"type":"array"}`,
		"untyped": `{"properties":{"a":{}}}`, "bytes": "{\"type\":\"object\",\"title\":\"\xff\"}", "half": `{"type":"object","title":"\ud800"}`,
		"deep":   strings.Repeat(`{"not":`, 9000) + `{}` + strings.Repeat(`}`, 9000),
		"header": `{"type":"object","properties":{"a":{"type":"array","x-mcp-header":"A"}}}`,
		"hidden": `{"type":"object","properties":{"a":{"type":"array","x-mcp-\u0068eader":"A"}}}`,
		"good":   `{"type":"object","properties":{"a":{"type":"string"}}}`,
	}
	var list []tools.Tool
	for name, schema := range bad {
		tool := far(name, schema, `{"content":[]}`)
		tool.Output = json.RawMessage(schema)
		list = append(list, tool)
	}
	f.mount(t, list...)
	got := rawList(t, f)
	for name := range bad {
		tool, ok := got["far__"+name]
		var root struct{ Type string }
		switch err := json.Unmarshal(tool["inputSchema"], &root); {
		case name == "hidden":
			if ok {
				t.Error("a tool is listed that clients have to drop")
			}
		case err != nil || root.Type != "object":
			t.Errorf("%s: listed with %s", name, tool["inputSchema"])
		}
		if output := tool["outputSchema"]; output != nil && json.Unmarshal(output, &root) != nil {
			t.Errorf("%s: output %s", name, output)
		}
	}
	s := connectHTTP(t, f, shop)
	for _, name := range []string{"broken", "good", "deep"} {
		if result := s.callTool(t, "far__"+name, map[string]any{"a": "x"}, ""); result.IsError {
			t.Errorf("%s: %+v", name, result)
		}
	}
}

func TestMountedResultPassesEveryDoorWhole(t *testing.T) {
	const result = `{"content":[{"type":"text","text":"<b> & ü"},{"type":"image","data":"aGk=","mimeType":"image/png"}],"structuredContent":[1,2.50],"_meta":{"vendor/n":1.5}}`
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{})
			f.mount(t, far("a", anySchema, result))
			s := d.connect(t, f, shop)
			for i := range 2 {
				got := s.callTool(t, "far__a", map[string]any{"x": 1}, "k")
				if len(got.Content) != 2 || got.IsError || string(got.RawStructuredContent) != `[1,2.50]` {
					t.Fatalf("got %+v", got)
				}
				if image, ok := got.Content[1].(mcp.ImageContent); !ok || image.Data != "aGk=" {
					t.Errorf("got %+v", got.Content[1])
				}
				if text, ok := got.Content[0].(mcp.TextContent); !ok || text.Text != "<b> & ü" {
					t.Errorf("got %+v", got.Content[0])
				}
				if repeated := got.Meta.GetMetaField(guard.MetaRepeated) == true; got.Meta.GetMetaField("vendor/n") != 1.5 || repeated != (i == 1) {
					t.Errorf("_meta %v", got.Meta)
				}
			}
			if row := f.rows(t, 2)[1]; row.Tool != "far__a" || row.Door != d.door || row.Decision != guard.Repeated {
				t.Errorf("row %+v", row)
			}
		})
	}
}

func TestFailureOfAMountedToolIsAToolError(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	f.mount(t, farDoing("a", anySchema, func(context.Context, json.RawMessage) (json.RawMessage, error) {
		return nil, tools.Errorf(tools.Failed, "archived")
	}))
	result := connectHTTP(t, f, shop).callTool(t, "far__a", map[string]any{}, "")
	described, _ := result.Meta.GetMetaField(guard.MetaError).(map[string]any)
	if !result.IsError || textOf(t, result) != "failed: archived" || described["code"] != "failed" || described["retryable"] != false || described["inconclusive"] != nil {
		t.Errorf("got %+v", result)
	}
}

func TestToolThatGoesAwayIsUnknownToItsCallers(t *testing.T) {
	everyDoor(t, func(t *testing.T, f *fixture, s session, _ string) {
		f.mount(t, far("a", anySchema, ""))
		f.mount(t)
		if result := s.callTool(t, "far__a", map[string]any{}, ""); !strings.HasPrefix(textOf(t, result), `denied: there is no tool "far__a"`) {
			t.Errorf("got %+v", result)
		}
		f.rows(t, 1)
	})
}

func TestCallsAndChangesGoOnSideBySide(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	s := connectInProcess(t, f, shop)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 100 {
			f.mount(t, far("a", anySchema, `{"content":[]}`), far(fmt.Sprint("b", i), anySchema, ""))
			f.mount(t)
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		// It is there or not; either way the guard answers, never mcp-go.
		result, err := s.CallTool(s.ctx, request("far__a", map[string]any{}, ""))
		if err != nil {
			t.Fatal(err)
		}
		if result.IsError && !strings.HasPrefix(textOf(t, result), "denied:") {
			t.Fatalf("got %+v", result)
		}
		listed(t, s)
	}
}
