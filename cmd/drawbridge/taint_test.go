package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
)

// TestTaintOutlivesTheNodeThatReadTheMail kills the program once a run has read the mail,
// and has another one go on with it: what that calls is on record as a tainted run's. On
// PostgreSQL it is another node.
func TestTaintOutlivesTheNodeThatReadTheMail(t *testing.T) {
	for _, store := range testStores() {
		t.Run(store.name, func(t *testing.T) {
			url, fake, gate, first := store.fresh(t), openaitest.New(t), openaitest.NewGate(), true
			fake.Func(func(q openaitest.Request) openaitest.Reply {
				switch q.Turn() {
				case 1:
					return openaitest.Call("crm_create_task", `{"title":"before the mail"}`)
				case 2:
					return openaitest.Call("email_search_messages", `{}`)
				case 3:
					if first {
						first = false
						return openaitest.Call("crm_create_task", `{"title":"lost with the node"}`, openaitest.Hold(0, gate))
					}
					return openaitest.Call("crm_create_task", `{"title":"behind the mail"}`)
				}
				return openaitest.Say("Done.")
			})
			file := settingsFile(t, fmt.Sprintf("server: {listen: 127.0.0.1:0}\nmodel: {base_url: %q, name: main}\nagents: {desk: {tools: [\"*\"]}}\nlog: {format: json}\n", fake.URL()))
			onStore(t, file, url)
			server := serve(t, file)
			var run struct{ ID string }
			got := apiCaller{t, server.base, ""}.do("POST", "/v1/runs", `{"agent":"desk","prompt":"See to the mail."}`)
			if err := json.Unmarshal([]byte(got.body), &run); err != nil || run.ID == "" {
				t.Fatalf("starting the run: %d %s", got.status, got.body)
			}
			<-gate.Reached()
			server.kill(t)
			gate.Open()
			server = serve(t, file)
			read := lookAt(t, url)
			eventually(t, "the run to end", 3*time.Minute, func() bool {
				r, err := read.Run(t.Context(), run.ID)
				return err == nil && r.State.Ended()
			})
			server.stop(t)
			tainted := map[string]bool{}
			found, err := read.Read().QueryContext(t.Context(), `SELECT arguments, tainted FROM audit WHERE run = ? AND tool = 'crm_create_task' AND decision = 'allowed'`, run.ID)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = found.Close() }()
			for found.Next() {
				var arguments string
				var is bool
				if err := found.Scan(&arguments, &is); err != nil {
					t.Fatal(err)
				}
				var task struct{ Title string }
				if err := json.Unmarshal([]byte(arguments), &task); err != nil {
					t.Fatal(err)
				}
				tainted[task.Title] = is
			}
			if len(tainted) != 2 || tainted["before the mail"] || !tainted["behind the mail"] {
				t.Errorf("the calls are on record as %v", tainted)
			}
		})
	}
}

// onStore has settings keep their state elsewhere.
func onStore(t *testing.T, file, url string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "store:") {
			lines = append(lines, line)
		}
	}
	if err := os.WriteFile(file, []byte(fmt.Sprintf("store: {url: %q}\n", url)+strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}
