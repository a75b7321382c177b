package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/guard"
)

// connectAs is an MCP client with a key.
func connectAs(t *testing.T, base, key string) desk {
	t.Helper()
	c, err := client.NewStreamableHttpClient(base+"/mcp", transport.WithHTTPHeaders(map[string]string{"Authorization": "Bearer " + key}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	hello := mcp.InitializeRequest{}
	hello.Params.ClientInfo = mcp.Implementation{Name: "desk", Version: "1"}
	if _, err := c.Initialize(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	return desk{t, c}
}

// ask calls a tool, under a key if there is one, and gives its result, or the text of its error.
func (d desk) ask(name string, arguments map[string]any, key string) (out map[string]any, fault string) {
	d.t.Helper()
	r := mcp.CallToolRequest{}
	r.Params.Name, r.Params.Arguments = name, arguments
	if key != "" {
		r.Params.Meta = mcp.NewMetaFromMap(map[string]any{guard.MetaKey: key})
	}
	result, err := d.CallTool(context.Background(), r)
	if err != nil {
		d.t.Fatalf("calling %s: %v", name, err)
	}
	if result.IsError {
		return nil, result.Content[0].(mcp.TextContent).Text
	}
	if err := json.Unmarshal(result.RawStructuredContent, &out); err != nil {
		d.t.Fatal(err)
	}
	return out, ""
}

// TestClientGivesWorkToAnAgentAndFollowsIt: of the two keys, one may talk to the desk
// only, and the other to nobody.
func TestClientGivesWorkToAnAgentAndFollowsIt(t *testing.T) {
	fake := openaitest.New(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		if q.Offers("start_run") || q.Offers("get_run") {
			t.Error("the model is offered runs of agents")
		}
		if q.Turn() == 1 {
			return openaitest.Call("crm_list_tasks", `{}`)
		}
		return openaitest.Say("There is nothing to do.")
	})
	file, _ := liveFile(t, fmt.Sprintf(`
server:
  listen: 127.0.0.1:0
  keys:
    - {name: front, key: %s, tools: ["*"], agents: [desk]}
    - {name: back, key: %s, tools: ["*"], agents: ["*"]}
    - {name: mute, key: mute-key-01234567890, tools: ["*"], agents: [nobody-at-all]}
model: {base_url: %q, name: main, max_functions: 8}
agents: {desk: {tools: ["*"], always: [crm_list_tasks]}, billing: {tools: ["*"]}}
`, frontKey, backKey, fake.URL()))
	server := serve(t, file)
	front := connectAs(t, server.base, frontKey)
	started, fault := front.ask("start_run", map[string]any{"agent": "desk", "prompt": "See what there is to do."}, "work-1")
	if fault != "" {
		t.Fatal(fault)
	}
	again, _ := front.ask("start_run", map[string]any{"agent": "desk", "prompt": "See what there is to do."}, "work-1")
	id, _ := started["id"].(string)
	if id == "" || again["id"] != id {
		t.Errorf("the same call gave the runs %q and %q", id, again["id"])
	}
	run := map[string]any{}
	for range 10 {
		if run, fault = front.ask("get_run", map[string]any{"id": id, "wait_seconds": 30}, ""); fault != "" || run["ended"] == true {
			break
		}
	}
	calls, _ := json.Marshal(run["calls"])
	if run["state"] != "succeeded" || run["answer"] != "There is nothing to do." || !strings.Contains(string(calls), `"crm_list_tasks"`) {
		t.Errorf("the run is %v %s", run, fault)
	}

	if _, fault := front.ask("start_run", map[string]any{"agent": "billing", "prompt": "Pay."}, ""); !strings.Contains(fault, "desk") {
		t.Errorf("another agent: %q", fault)
	}
	if seen, fault := connectAs(t, server.base, backKey).ask("get_run", map[string]any{"id": id}, ""); !strings.Contains(fault, "not_found") {
		t.Errorf("another's run is shown: %v %q", seen, fault)
	}
	if _, fault := connectAs(t, server.base, "mute-key-01234567890").ask("start_run", map[string]any{"agent": "desk", "prompt": "Go."}, ""); !strings.Contains(fault, "there is none that you may talk to") {
		t.Errorf("a key without agents: %q", fault)
	}
}
