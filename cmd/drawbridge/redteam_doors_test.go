package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/dispatch"
)

// enter brings a scene in by its door. It gives the run that came of it, if one did,
// and what the door refused.
func (w *world) enter(t *testing.T, s scene) (run string, refused []string) {
	t.Helper()
	switch s.Door {
	case "", "webhook":
		return w.deliver(t, s), nil
	case "chat":
		return w.chat(t, s), nil
	case "runs":
		return w.start(t, s)
	case "mcp":
		w.callByHand(t, s)
		return "", nil
	case "http": // its requests are all there is
		return "", nil
	}
	t.Fatalf("there is no door %q", s.Door)
	return "", nil
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// deliver sends the event, and waits for the run that it becomes.
func (w *world) deliver(t *testing.T, s scene) string {
	t.Helper()
	event := map[string]any{"id": dispatch.NewID("e_"), "type": "message", "customer": "cus_demo_ada"}
	for name, value := range s.Event {
		event[name] = value
	}
	body, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	status, _, answer := sendAs(t, http.MethodPost, w.base+"/webhooks/"+orElse(s.As, "shop"), redteamSource, w.filled(string(body)))
	var accepted struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &accepted); err != nil || status != http.StatusOK {
		t.Fatalf("the event was answered %d: %s", status, answer)
	}
	var run string
	err = poll(t.Context(), func() (bool, error) {
		runs, err := w.store().Runs(t.Context(), accepted.ID, 1)
		if err != nil || len(runs) == 0 {
			return false, err
		}
		run = runs[0].ID
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// chat has a person say something to the agent.
func (w *world) chat(t *testing.T, s scene) string {
	t.Helper()
	var messages []map[string]string
	for _, m := range append(s.Earlier, message{"user", s.Says}) {
		messages = append(messages, map[string]string{"role": m.Role, "content": w.filled(m.Text)})
	}
	body, err := json.Marshal(map[string]any{"model": orElse(s.Agent, "desk"), "messages": messages})
	if err != nil {
		t.Fatal(err)
	}
	// The answer of a run that fails is an error of the door's, and no refusal.
	_, header, answer := sendAs(t, http.MethodPost, w.base+"/v1/chat/completions", redteamKeys[orElse(s.As, "front")], string(body))
	run := header.Get("X-Drawbridge-Run")
	if run == "" {
		t.Fatalf("no run was begun: %s", answer)
	}
	return run
}

// start has a program start a run.
func (w *world) start(t *testing.T, s scene) (run string, refused []string) {
	t.Helper()
	body := map[string]any{"agent": orElse(s.Agent, "desk"), "prompt": w.filled(s.Says), "untrusted": s.Tainted}
	if s.Callback != "" {
		body["callback"] = w.filled(s.Callback)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	status, _, answer := sendAs(t, http.MethodPost, w.base+"/v1/runs", redteamKeys[orElse(s.As, "program")], string(raw))
	if status != http.StatusAccepted {
		return "", []string{fmt.Sprint("door ", status)}
	}
	var accepted struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &accepted); err != nil {
		t.Fatalf("the run was answered: %s", answer)
	}
	return accepted.ID, nil
}

// callByHand makes the tries itself, as an MCP client under a key.
func (w *world) callByHand(t *testing.T, s scene) {
	t.Helper()
	c, err := client.NewStreamableHttpClient(w.base+"/mcp", transport.WithHTTPHeaders(map[string]string{"Authorization": "Bearer " + redteamKeys[orElse(s.As, "front")]}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	hello := mcp.InitializeRequest{}
	hello.Params.ClientInfo = mcp.Implementation{Name: "red", Version: "1"}
	hello.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Initialize(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	for _, calls := range s.turns() {
		for _, call := range calls {
			request := mcp.CallToolRequest{}
			request.Params.Name, request.Params.Arguments = w.filled(call.Function), json.RawMessage(w.filled(string(call.Arguments)))
			result, err := c.CallTool(t.Context(), request)
			if err != nil {
				continue // an error of the protocol is an answer too
			}
			for _, content := range result.Content {
				if text, ok := content.(mcp.TextContent); ok {
					if id := idPattern.FindStringSubmatch(text.Text); id != nil {
						w.set(call.Function, id[1])
					}
				}
			}
		}
	}
}

// decide has people decide about what is asked of them, and the run go on.
func (w *world) decide(t *testing.T, s scene, run string) {
	t.Helper()
	for range s.Decide {
		t.Fatal("nobody can decide yet")
	}
	_ = time.Now
	_ = run
}
