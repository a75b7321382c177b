package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
)

// enter brings a scene in by its door. It gives the run that came of it, if one did,
// and what the door refused.
func (w *world) enter(t *testing.T, s scene) (run string, refused []string) {
	t.Helper()
	switch s.Door {
	case "", "webhook":
		return w.deliver(t, s), nil
	case "inbox":
		return w.receive(t, s), nil
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
	body, err := json.Marshal(map[string]any{"model": orElse(s.Agent, "desk"), "messages": messages, "stream": true})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+redteamKeys[orElse(s.As, "front")])
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	run := response.Header.Get("X-Drawbridge-Run")
	if run == "" {
		t.Fatalf("no run was begun: %s", response.Status)
	}
	// Its words go on while people decide, and nobody here listens.
	t.Cleanup(func() { _ = response.Body.Close() })
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

// decide has a person decide about the calls of a run that wait for one, until the run
// has ended: by what the scene says, in order, and no to all that it says nothing of. It
// gives the run as it stands then.
func (w *world) decide(t *testing.T, decisions []string, run string) dispatch.Run {
	t.Helper()
	for {
		r := w.rest(t, run)
		if r.Reason != string(bridge.ApprovalNeeded) || r.State.Ended() {
			return r
		}
		open, err := w.store().ListApprovals(t.Context(), guard.ApprovalFilter{State: guard.ApprovalPending, Run: run}, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range slices.Backward(open) { // the oldest first
			w.set("approval", a.ID)
			approve := false
			if len(decisions) > 0 {
				if decisions[0] == "leave" {
					return r
				}
				approve, decisions = decisions[0] == "approve", decisions[1:]
			}
			v := guard.ApprovalVerdict{Approve: approve, Note: "nobody asked for that", At: time.Now()}
			if _, err := w.store().DecideApproval(t.Context(), a.ID, guard.Decider{Name: "local:boss", How: "command"}, v); err != nil {
				t.Fatal(err)
			}
		}
		w.awaken(t, run, r)
	}
}

// agree has a client make the scene's calls, and people agree to all of them, before it
// begins: somebody else's approvals are there to be used.
func (w *world) agree(t *testing.T, s scene) {
	t.Helper()
	if s.Before.Asked == "" {
		return
	}
	w.callByHand(t, scene{As: s.Before.Asked, Tries: s.Tries})
	open, err := w.store().ListApprovals(t.Context(), guard.ApprovalFilter{State: guard.ApprovalPending}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	agreed := 0
	for _, a := range open {
		if a.Principal != "key:"+s.Before.Asked {
			continue
		}
		agreed++
		if _, err := w.store().DecideApproval(t.Context(), a.ID, guard.Decider{Name: "local:boss", How: "command"}, guard.ApprovalVerdict{Approve: true, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if agreed == 0 {
		t.Error("nothing was asked for that could be agreed to")
	}
}

// awaken waits until a run that was parked goes on, or has ended.
func (w *world) awaken(t *testing.T, run string, parked dispatch.Run) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		r, err := w.store().Run(ctx, run)
		if err != nil || r.State != dispatch.Waiting {
			return true, err
		}
		open, err := w.store().ListApprovals(ctx, guard.ApprovalFilter{State: guard.ApprovalPending, Run: run}, "", 1)
		return len(open) > 0, err
	})
	if err != nil {
		t.Fatalf("waiting for the run to go on: %v; it was parked as %+v", err, parked)
	}
}
