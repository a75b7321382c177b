package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"drawbridge/bridge/openaitest"
	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
)

func TestSessionIsSharedByRunsThatMayDoTheSame(t *testing.T) {
	cfg := temporary(t, config.Default())
	cfg.Agents = map[string]config.Agent{"a": {Tools: []string{"*"}}, "b": {Tools: []string{"*"}}}
	cfg.Webhooks = map[string]config.Webhook{"shop": {}}
	cfg.Server.Keys = []config.Key{
		{Name: "x", Key: "x-key-0123456789", Tools: []string{"crm_*"}}, {Name: "y", Key: "y-key-0123456789", Tools: []string{"crm_*"}},
		{Name: "z", Key: "z-key-0123456789", Tools: []string{"crm_", "*"}},
	}
	a, err := newToolApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(t.Context()) })
	all := newSessions(cfg, a.keys, a.mcp)
	seen := map[string]any{}
	for _, run := range []dispatch.Run{
		{ID: "event", Agent: "a", Source: "shop"}, {ID: "another", Agent: "a", Source: "shop"}, {ID: "local", Agent: "a", Owner: "local:http"}, {ID: "x", Agent: "a", Owner: "key:x"}, {ID: "y", Agent: "a", Owner: "key:y"},
		{ID: "z", Agent: "a", Owner: "key:z"}, {ID: "other", Agent: "b", Owner: "key:x"},
	} {
		ctx, session, err := all.of(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := auth.From(ctx)
		if p.Kind != auth.Agent || p.Name != run.Agent || p.Run != run.ID || (p.Within == nil) != !strings.HasPrefix(run.Owner, "key:") {
			t.Errorf("run %s acts as %+v", run.ID, p)
		}
		if door := auth.Door(ctx); (door == auth.DoorChat) != (run.Owner != "") {
			t.Errorf("run %s comes through door %q", run.ID, door)
		}
		seen[run.ID] = session
	}
	if seen["event"] != seen["another"] || seen["x"] != seen["y"] {
		t.Error("runs that may do the same have sessions of their own")
	}
	if seen["x"] == seen["event"] || seen["x"] == seen["z"] || seen["x"] == seen["other"] {
		t.Error("runs that may do different things share a session")
	}
	if _, _, err := all.of(t.Context(), dispatch.Run{Agent: "a", Owner: "key:gone"}); !errors.Is(err, dispatch.ErrUnconfigured) || !strings.Contains(err.Error(), "key:gone") {
		t.Errorf("a run whose owner's key is gone: %v", err)
	}
	if err := all.close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestRunWaitsForItsOwnersKeyToComeBack: without it nobody can say what the run may do.
func TestRunWaitsForItsOwnersKeyToComeBack(t *testing.T) {
	fake, gate := openaitest.New(t), openaitest.NewGate()
	held := false
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		if !held {
			held = true
			return openaitest.Say("Half", openaitest.Hold(0, gate))
		}
		return openaitest.Say("Whole.")
	})
	const keys = "keys: [{name: front, key: front-key-0123456789, tools: [\"crm_*\"]}]"
	settings := func(keys string) string {
		return fmt.Sprintf("server: {listen: 127.0.0.1:0, %s}\nmodel: {base_url: %q, name: main}\nagents: {desk: {tools: [\"*\"]}}\nlog: {format: json}\n", keys, fake.URL())
	}
	file := settingsFile(t, settings(keys))
	with, err := config.Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, file)
	go func() { // the answer is none of the client's business here
		if response, err := ask(t.Context(), server.base, "hello", "Authorization", "Bearer front-key-0123456789"); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-gate.Reached()
	awaitState(t, look(t, with.Store.Path()), dispatch.Running) // the model is asked while the run is being begun
	server.kill(t)
	gate.Open()
	without := *with
	without.Server.Keys = nil
	a, err := newApp(t.Context(), &without, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	a.Work(t.Context())
	awaitState(t, a.store, dispatch.Waiting, func(run dispatch.Run) bool { return run.Reason == "owner_unknown" && run.Attempts == 0 })
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(fake.Requests()); n != 1 {
		t.Errorf("the model was asked %d times, want not again", n)
	}
}

func TestStrangersAndOtherAgentsAreKeptOut(t *testing.T) {
	fake := openaitest.New(t)
	file, _ := liveFile(t, fmt.Sprintf(`
server: {listen: 127.0.0.1:0, keys: [{name: front, key: front-key-0123456789, tools: ["*"], agents: ["front_*"]}]}
model: {base_url: %q, name: main}
agents: {desk: {}, front_desk: {}}
`, fake.URL()))
	server := serve(t, file)
	for key, want := range map[string]int{"": http.StatusUnauthorized, "another-key-0123456789": http.StatusUnauthorized, "front-key-0123456789": http.StatusNotFound} {
		response, err := ask(t.Context(), server.base, "hello", "X-API-Key", key)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("agent desk with key %q: %s, want %d", key, response.Status, want)
		}
	}
	client := &chatClient{base: server.base, key: "front-key-0123456789", where: "there", http: http.DefaultClient}
	if agents, err := client.agents(t.Context()); err != nil || len(agents) != 1 || agents[0] != "front_desk" {
		t.Errorf("the key's agents are %v, %v", agents, err)
	}
	server.stop(t)
}
