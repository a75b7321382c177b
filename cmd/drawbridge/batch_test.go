package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
)

// batchCompany is a serving program with an agent that answers in batches, a provider of
// batches, a sender of events, and a receiver of callbacks.
type batchCompany struct {
	*program
	t           *testing.T
	fake        *openaitest.Server
	file, store string

	mu        sync.Mutex
	delivered map[string]string // the answer in each callback, by webhook-id
	first     chan struct{}     // closed with the first
}

const (
	ticketSecret = "whsec_test_0123456789abcdef"
	openAISecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

func newBatchCompany(t *testing.T, maxEvents int) *batchCompany {
	folder := t.TempDir()
	c := &batchCompany{t: t, fake: openaitest.New(t), file: filepath.Join(folder, "drawbridge.yaml"), store: filepath.Join(folder, "drawbridge.db"),
		delivered: map[string]string{}, first: make(chan struct{})}
	receiver := httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(receiver.Close)
	c.fake.Func(func(r openaitest.Request) openaitest.Reply {
		_, n, _ := strings.Cut(r.Last().Text, "Ticket t_")
		n, _, _ = strings.Cut(n, " ")
		return openaitest.Say(fmt.Sprintf(`{"team":"team %s"}`, n))
	})
	text := fmt.Sprintf(`
store: {url: "sqlite://%s"}
server: {listen: 127.0.0.1:0}
model: {base_url: %q, name: small, prices: {small: {input: 1, output: 2}}}
log: {format: json}
agents:
  triage:
    mode: batch
    batch: {max_events: %d, max_wait: 12h, poll: 12h}
    instructions: Say which team a ticket is for.
    output: {type: object, properties: {team: {type: string}}, required: [team]}
webhooks:
  openai: {scheme: openai, secrets: [%s]}
  tickets:
    scheme: stripe
    secrets: [%s]
    agent: triage
    prompt: "Ticket {{ .event.id }} came in."
    callback: {url: %q, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=}
`, c.store, c.fake.URL(), maxEvents, openAISecret, ticketSecret, receiver.URL)
	if err := os.WriteFile(c.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.program = serve(t, c.file)
	return c
}

func (c *batchCompany) receive(w http.ResponseWriter, r *http.Request) {
	var said struct {
		Data dispatch.Report `json:"data"`
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &said) != nil {
		c.t.Errorf("a callback says %s (%v)", body, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.delivered) == 0 {
		close(c.first)
	}
	c.delivered[r.Header.Get("webhook-id")] = said.Data.Answer
}

// post sends a signed delivery, and wants it accepted.
func (c *batchCompany) post(source, scheme, secret, id, body string) {
	c.t.Helper()
	headers, err := webhook.Sign(scheme, secret, webhook.Outgoing{ID: id, At: time.Now(), Body: []byte(body)}, webhook.SchemeOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.base+"/webhooks/"+source, bytes.NewReader([]byte(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = headers
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		c.t.Fatalf("the delivery was answered %s", res.Status)
	}
}

// send has n events come in.
func (c *batchCompany) send(n int) {
	for i := range n {
		c.post("tickets", "stripe", ticketSecret, "", fmt.Sprintf(`{"id":"t_%d","type":"ticket.created"}`, i))
	}
}

// finish has the provider end its newest batch, and tell of it.
func (c *batchCompany) finish() {
	batches := c.fake.Batches()
	id := batches[len(batches)-1].ID
	c.fake.End(id, openaitest.Ending{Backwards: true})
	c.announce(id)
}

func (c *batchCompany) announce(id string) {
	c.post("openai", "openai", openAISecret, "wh_"+id, fmt.Sprintf(`{"object":"event","id":"evt_%s","type":"batch.completed","created_at":1719168000,"data":{"id":%q}}`, id, id))
}

// restart kills the program and starts it again.
func (c *batchCompany) restart() {
	c.t.Helper()
	c.kill(c.t)
	c.program = serve(c.t, c.file)
}

// until waits until something holds.
func (c *batchCompany) until(what string, holds func() bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	if err := poll(ctx, func() (bool, error) { return holds(), nil }); err != nil {
		c.t.Fatalf("it was never so: %s (%v)", what, err)
	}
}

// submitted waits until the program knows of the provider's batch.
func (c *batchCompany) submitted() {
	c.t.Helper()
	store := look(c.t, c.store)
	c.until("a batch is submitted", func() bool {
		all, err := store.Batches(c.t.Context(), 10)
		if err != nil {
			c.t.Fatal(err)
		}
		return len(all) == 1 && all[0].State == dispatch.Submitted
	})
}

// checkOnce checks that n events ended, each with its own answer, once, of one batch.
func (c *batchCompany) checkOnce(n int) {
	c.t.Helper()
	store := look(c.t, c.store)
	awaitEnd(c.t, store, n)
	c.stop(c.t)
	runs, err := store.Runs(c.t.Context(), "", 1000)
	if err != nil || len(runs) != n {
		c.t.Fatalf("%d runs came of %d events (%v)", len(runs), n, err)
	}
	for _, r := range runs {
		event, err := store.Event(c.t.Context(), r.Event)
		if err != nil {
			c.t.Fatal(err)
		}
		want := fmt.Sprintf(`{"team":"team %s"}`, strings.TrimPrefix(event.Key, "t_"))
		if r.State != dispatch.Succeeded || r.Answer != want || r.Usage.Turns != 1 || r.Usage.Cost == 0 {
			c.t.Errorf("event %s ended as %s %s, answered %s for %+v; want %s", event.Key, r.State, r.Reason, r.Answer, r.Usage, want)
		}
	}
	if made := c.fake.Batches(); len(made) != 1 || len(made[0].Lines) != n {
		c.t.Errorf("%d batches were made, want one of %d lines", len(made), n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	answers := map[string]bool{}
	for _, answer := range c.delivered {
		answers[answer] = true
	}
	if len(c.delivered) != n || len(answers) != n {
		c.t.Errorf("%d callbacks arrived, with %d answers, want one of each event", len(c.delivered), len(answers))
	}
}

func TestEventsOfABatchAgentAreAnsweredByOneBatch(t *testing.T) {
	const n = 5
	c := newBatchCompany(t, n)
	c.send(n - 1)
	store := look(t, c.store)
	c.until("the runs wait", func() bool {
		runs, err := store.ListRuns(t.Context(), dispatch.RunFilter{States: []dispatch.State{dispatch.Waiting}}, 10)
		return err == nil && len(runs) == n-1
	})
	runs, err := store.Runs(t.Context(), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if out, _, code := command(t, "runs", "show", runs[0].ID, "-c", c.file); code != 0 || !strings.Contains(out, "state     waiting batch") || !strings.Contains(out, "collecting") {
		t.Errorf("runs show (%d): %s", code, out)
	}
	res, err := http.Post(c.base+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"triage","messages":[{"role":"user","content":"hi"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(string(said), "answers in batches") {
		t.Errorf("the chat door says %s: %s", res.Status, said)
	}
	c.post("tickets", "stripe", ticketSecret, "", fmt.Sprintf(`{"id":"t_%d","type":"ticket.created"}`, n-1))
	<-c.fake.Created()
	c.submitted()
	if out, _, code := command(t, "batches", "list", "-c", c.file); code != 0 || !strings.Contains(out, "submitted") || !strings.Contains(out, "batch_1") {
		t.Errorf("batches list (%d): %s", code, out)
	}
	c.finish()
	c.checkOnce(n)
	var listed []batchView
	out, _, code := command(t, "batches", "list", "--json", "-c", c.file)
	if err := json.Unmarshal([]byte(out), &listed); err != nil || code != 0 || len(listed) != 1 || listed[0].State != dispatch.BatchDone || listed[0].Questions != n || listed[0].Open != 0 {
		t.Fatalf("batches list --json (%d, %v): %s", code, err, out)
	}
	if out, _, code = command(t, "batches", "show", listed[0].ID, "-c", c.file); code != 0 || strings.Count(out, " answered") != n {
		t.Errorf("batches show (%d): %s", code, out)
	}
	if n := c.fake.Files(); n != 0 {
		t.Errorf("%d files stayed at the provider", n)
	}
}

func TestBatchIsSubmittedAndCancelledFromTheCommandLine(t *testing.T) {
	c := newBatchCompany(t, 100)
	c.send(2)
	store := look(t, c.store)
	c.until("the runs wait", func() bool {
		runs, err := store.ListRuns(t.Context(), dispatch.RunFilter{States: []dispatch.State{dispatch.Waiting}}, 10)
		return err == nil && len(runs) == 2
	})
	if _, said, code := command(t, "batches", "submit", "nobody", "-c", c.file); code != 2 || !strings.Contains(said, "there are triage") {
		t.Errorf("submitting for nobody (%d): %s", code, said)
	}
	if out, _, code := command(t, "batches", "submit", "triage", "-c", c.file); code != 0 || !strings.Contains(out, "is to be submitted now") {
		t.Errorf("batches submit (%d): %s", code, out)
	}
	<-c.fake.Created()
	c.submitted()
	batches, err := store.Batches(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if out, _, code := command(t, "batches", "cancel", batches[0].ID, "-c", c.file); code != 0 {
		t.Errorf("batches cancel (%d): %s", code, out)
	}
	c.until("the batch is cancelled there", func() bool { return c.fake.Batches()[0].Status == "cancelling" })
	runs, err := store.Runs(t.Context(), "", 10)
	if err != nil || len(runs) != 2 || runs[0].State != dispatch.Cancelled || runs[1].State != dispatch.Cancelled {
		t.Errorf("the runs are %+v (%v)", runs, err)
	}
}

// TestKilledServerAsksABatchOnce kills the program at each step of a batch.
func TestKilledServerAsksABatchOnce(t *testing.T) {
	const n = 6
	t.Run("between upload and create", func(t *testing.T) {
		c, gate := newBatchCompany(t, n), openaitest.NewGate()
		c.fake.Disturb(openaitest.Upload, openaitest.Disturbance{Gate: gate})
		c.send(n)
		<-gate.Reached()
		c.restart()
		<-c.fake.Created()
		c.submitted()
		c.finish()
		c.checkOnce(n)
	})
	t.Run("after create, before it is noted", func(t *testing.T) {
		c, gate := newBatchCompany(t, n), openaitest.NewGate()
		c.fake.Disturb(openaitest.Create, openaitest.Disturbance{Gate: gate})
		c.send(n)
		<-gate.Reached()
		c.restart()
		c.submitted()
		c.finish()
		c.checkOnce(n)
	})
	t.Run("while results are read", func(t *testing.T) {
		c, gate := newBatchCompany(t, n), openaitest.NewGate()
		c.send(n)
		<-c.fake.Created()
		c.submitted()
		c.fake.Disturb(openaitest.Content, openaitest.Disturbance{Gate: gate, Lines: n / 2})
		c.finish()
		<-gate.Reached()
		c.restart()
		c.checkOnce(n)
	})
	t.Run("while runs end", func(t *testing.T) {
		c := newBatchCompany(t, n)
		c.send(n)
		<-c.fake.Created()
		c.submitted()
		c.finish()
		<-c.first
		c.restart()
		c.checkOnce(n)
	})
}
