package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
)

// ING-12: GitHub delivers again by hand only, under the same id. Of an event whose run has
// failed that makes a new attempt where the source says so, and nothing elsewhere; of one
// that succeeded it never does.
func TestING12_RedeliveryOfADeadEventRunsAgainWhereThatIsOn(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	fake := openaitest.New(t)
	asked := 0 // one after the other
	fake.Func(func(openaitest.Request) openaitest.Reply {
		if asked++; asked <= 2 {
			return openaitest.Fail(http.StatusUnauthorized)
		}
		return openaitest.Say("Done.")
	})
	file := settingsFile(t, fmt.Sprintf(`
server: {listen: "127.0.0.1:0"}
model: {base_url: %q, name: m, api_key: k}
agents: {desk: {instructions: Help.}}
log: {format: json}
webhooks:
  "on": {scheme: github, secrets: [%[2]s], rerun_if_failed: true, agent: desk, prompt: An event.}
  "off": {scheme: github, secrets: [%[2]s], agent: desk, prompt: An event.}
`, fake.URL(), secret))
	server := serve(t, file)
	store := look(t, filepath.Join(filepath.Dir(file), "drawbridge.db"))
	deliver := func(source string) (id string) {
		t.Helper()
		body := []byte(`{"action":"opened"}`)
		header, err := webhook.Sign(webhook.GitHub, secret, webhook.Outgoing{ID: "72d3162e", At: time.Now(), Body: body}, webhook.SchemeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.base+"/webhooks/"+source, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		var told struct{ ID string }
		raw, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(raw, &told) != nil {
			t.Fatalf("answered %d %s (%v)", res.StatusCode, raw, err)
		}
		return told.ID
	}
	event := map[string]string{}
	for _, source := range []string{"on", "off"} {
		event[source] = deliver(source)
		if run := awaitRuns(t, store, event[source], 1)[0]; run.State != dispatch.Failed {
			t.Fatalf("%s: the first run is %s", source, run.State)
		}
	}
	for _, source := range []string{"on", "off"} {
		if id := deliver(source); id != event[source] {
			t.Errorf("%s: the redelivery was told %s, want the first one's %s", source, id, event[source])
		}
	}
	runs := awaitRuns(t, store, event["on"], 2)
	if runs[0].State != dispatch.Succeeded || runs[1].State != dispatch.Failed {
		t.Errorf("the runs of the event are %s and then %s", runs[1].State, runs[0].State)
	}
	deliver("on") // which has succeeded by now
	awaitRuns(t, store, event["on"], 2)
	awaitRuns(t, store, event["off"], 1)
	if events, err := store.Events(t.Context(), 10); err != nil || len(events) != 2 || events[0].Status != dispatch.Routed || events[1].Status != dispatch.Routed {
		t.Errorf("the events are %+v (%v)", events, err)
	}
	server.stop(t)
}
