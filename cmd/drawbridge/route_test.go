package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/bridge/rehearsal"
	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
	"drawbridge/store/state"
)

const shopSecret = "0123456789abcdef0123456789abcdef"

// shop writes a configuration with a webhook of scheme github, whose settings follow.
func shop(t testing.TB, modelURL, settings string) (file, path string) {
	t.Helper()
	folder := t.TempDir()
	file, path = filepath.Join(folder, "drawbridge.yaml"), filepath.Join(folder, "drawbridge.db")
	text := fmt.Sprintf(`
store: {url: "sqlite://%s"}
server: {listen: 127.0.0.1:0}
model: {base_url: %q, name: rehearsal}
log: {format: json}
workers: {runs: 8}
agents:
  desk: {budget: {wall: 1h}}
  audit: {budget: {wall: 1h}}
webhooks:
  shop:
    scheme: github
    secrets: [%s]
%s`, path, modelURL, shopSecret, settings)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, path
}

// deliver sends an event, signed, until it is acknowledged; where says where the server is.
func deliver(t testing.TB, where func(failed string) string, id, body string) {
	t.Helper()
	for base := where(""); ; base = where(base) {
		headers, err := webhook.Sign("github", shopSecret, webhook.Outgoing{At: time.Now(), ID: id, Body: []byte(body)}, webhook.SchemeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+"/webhooks/shop", bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = headers
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // it was killed on the way
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
		t.Fatalf("event %s was answered %s", id, res.Status)
	}
}

// answering serves a model that says one thing, and tells of each question.
func answering(t testing.TB, asked func(prompt string)) string {
	t.Helper()
	script, err := rehearsal.Load([]byte("scenes:\n  - when: {turn: 1}\n    say: Done.\n"))
	if err != nil {
		t.Fatal(err)
	}
	play := rehearsal.NewServer(script, rehearsal.Options{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/chat/completions") {
			body := new(bytes.Buffer)
			_, _ = body.ReadFrom(r.Body)
			asked(body.String())
			r.Body = http.NoBody
			again := r.Clone(r.Context())
			again.Body = readCloser{body}
			play.ServeHTTP(w, again)
			return
		}
		play.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

type readCloser struct{ *bytes.Buffer }

func (readCloser) Close() error { return nil }

// TestING28_RunsOfAKeyAreSerialAcrossKills sends 100 events of 10 keys to a server with
// 8 workers, and kills it with SIGKILL in the middle, three times: for each key one run
// is at work at a time, in the order of arrival.
func TestING28_RunsOfAKeyAreSerialAcrossKills(t *testing.T) {
	const events, keys = 100, 10
	var asked atomic.Int64
	moments := make(chan struct{}, 1<<16)
	file, path := shop(t, answering(t, func(string) {
		asked.Add(1)
		moments <- struct{}{}
	}), `
    concurrency: 6
    agent: desk
    prompt: "Order {{ .event.n }} of {{ .event.customer }}."
    order_by: event.customer
`)
	server := serve(t, file)
	var mu sync.Mutex
	aimed, target := sync.NewCond(&mu), server.base
	where := func(failed string) string {
		mu.Lock()
		defer mu.Unlock()
		for target == failed {
			aimed.Wait()
		}
		return target
	}
	var senders sync.WaitGroup
	for sender := range 4 {
		senders.Go(func() {
			for n := sender; n < events; n += 4 {
				deliver(t, where, fmt.Sprintf("delivery-%03d", n), fmt.Sprintf(`{"n":%d,"customer":"c%d"}`, n, n/3%keys))
			}
		})
	}
	for range 3 {
		for range 12 {
			<-moments
		}
		server.kill(t)
		server = serve(t, file)
		mu.Lock()
		target = server.base
		aimed.Broadcast()
		mu.Unlock()
	}
	senders.Wait()
	store := look(t, path)
	awaitEnd(t, store, events)
	server.stop(t)
	checkSerial(t, store, events, keys)
	t.Logf("the model was asked %d times for %d events", asked.Load(), events)
}

// checkSerial wants each subject's runs one after another, in the order of arrival.
func checkSerial(t *testing.T, store *state.Store, events, keys int) {
	t.Helper()
	runs, err := store.Runs(t.Context(), "", 1<<20)
	if err != nil || len(runs) != events {
		t.Fatalf("%d runs (%v), want %d", len(runs), err, events)
	}
	slices.SortFunc(runs, func(a, b dispatch.Run) int { return int(a.Arrival - b.Arrival) })
	last := map[string]dispatch.Run{}
	for _, run := range runs {
		before, ok := last[run.Subject]
		if run.State != dispatch.Succeeded || ok && run.Started.Before(before.FinishedAt) {
			t.Errorf("run %s of %s is %s and began at %v, before %s ended at %v", run.ID, run.Subject, run.State, run.Started, before.ID, before.FinishedAt)
		}
		last[run.Subject] = run
	}
	if len(last) != keys {
		t.Errorf("the runs have %d subjects, want %d", len(last), keys)
	}
}

// TestEventsTakeTheirRoutesThroughTheProgram goes the whole way: what is routed, ignored,
// quarantined, and replayed after the schema was mended.
func TestEventsTakeTheirRoutesThroughTheProgram(t *testing.T) {
	prompts := make(chan string, 100)
	model := answering(t, func(prompt string) { prompts <- prompt })
	settings := func(schema string) string {
		return `
    schema: ` + schema + `
    validate: quarantine
    match: all
    routes:
      - name: refunds
        when: event.kind == "refund"
        agent: desk
        prompt: "Refund {{ .event.n }}."
        order_by: event.customer
        priority: high
        budget: {turns: 3}
      - name: log
        when: event.kind != "test"
        agent: audit
        prompt: "Event {{ .event.n }}."
`
	}
	file, path := shop(t, model, settings("{type: object, required: [kind, customer]}"))
	server := serve(t, file)
	here := func(string) string { return server.base }
	deliver(t, here, "d1", `{"n":1,"kind":"refund","customer":"ada"}`)
	deliver(t, here, "d2", `{"n":2,"kind":"test","customer":"ada"}`)
	deliver(t, here, "d3", `{"n":3,"kind":"sale"}`)
	store := look(t, path)
	awaitEnd(t, store, 3)
	server.stop(t)

	drawbridge := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		c := &console{in: http.NoBody, out: &out, err: &errs, lookup: os.LookupEnv}
		if code := execute(t.Context(), c, append(args, "-c", file)); code != 0 {
			t.Fatalf("drawbridge %v: exit %d: %s", args, code, errs.String())
		}
		return out.String()
	}
	byKey := map[string]eventView{}
	var listed []eventView
	if err := json.Unmarshal([]byte(drawbridge("events", "list", "--json")), &listed); err != nil {
		t.Fatal(err)
	}
	for _, e := range listed {
		byKey[e.Key] = e
	}
	for key, want := range map[string]struct {
		status dispatch.EventStatus
		note   string
	}{
		"d1": {dispatch.Routed, ""},
		"d2": {dispatch.Ignored, "route refunds: when: the condition does not hold; route log: when: the condition does not hold"},
		"d3": {dispatch.Quarantined, "schema: the event: missing properties: 'customer'"},
	} {
		if got := byKey[key]; got.Status != want.status || got.Note != want.note {
			t.Errorf("%s is %s, %q; want %s, %q", key, got.Status, got.Note, want.status, want.note)
		}
	}
	var runs []runView
	if err := json.Unmarshal([]byte(drawbridge("runs", "list", "--json")), &runs); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, r := range runs {
		told = append(told, strings.TrimSpace(fmt.Sprint(r.Via, " ", r.Agent, " ", r.Priority, " ", r.Subject)))
	}
	slices.Sort(told)
	if want := []string{"log audit normal", "refunds desk high shop/refunds:ada"}; !slices.Equal(told, want) {
		t.Errorf("the runs are %q, want %q", told, want)
	}
	for range 2 {
		if prompt := <-prompts; !strings.Contains(prompt, "It may be stale by now") {
			t.Errorf("the model was not told that the event may be stale: %s", prompt)
		}
	}

	// The schema is mended, and what waited for that is played again.
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mended := strings.Replace(string(text), "required: [kind, customer]", "required: [kind]", 1)
	if err := os.WriteFile(file, []byte(mended), 0o600); err != nil {
		t.Fatal(err)
	}
	drawbridge("events", "replay", byKey["d3"].ID)
	server = serve(t, file)
	awaitEnd(t, store, 3)
	server.stop(t)
	event, err := store.Event(t.Context(), byKey["d3"].ID)
	if err != nil || event.Status != dispatch.Routed {
		t.Errorf("the replayed event is %s, %q (%v), want it routed", event.Status, event.Note, err)
	}
	if prompt := <-prompts; !strings.Contains(prompt, "Event 3.") {
		t.Errorf("the model was asked %s, want about event 3", prompt)
	}
}
