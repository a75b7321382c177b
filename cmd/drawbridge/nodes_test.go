//go:build unix

package main

import (
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
	"syscall"
	"testing"
	"time"

	"drawbridge/bridge/rehearsal"
	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/store/postgres/postgrestest"
	"drawbridge/store/state"
)

// holdingModel is the rehearsal model, which can hold its answers back.
type holdingModel struct {
	http.Handler
	asked, given chan struct{} // a question came; somebody gave up waiting for an answer

	mu         sync.Mutex
	open       chan struct{} // closed: it answers
	atOnce     int           // questions under way
	mostAtOnce int
}

func newHoldingModel(t *testing.T) (m *holdingModel, url string) {
	t.Helper()
	script, err := rehearsal.Load(rehearsalScript)
	if err != nil {
		t.Fatal(err)
	}
	m = &holdingModel{Handler: rehearsal.NewServer(script, rehearsal.Options{}), asked: make(chan struct{}, 1000), given: make(chan struct{}, 1000), open: make(chan struct{})}
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	t.Cleanup(m.answer)
	return m, s.URL + "/v1"
}

func (m *holdingModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // else the end of the connection would not be noticed
	if err != nil {
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	m.mu.Lock()
	open := m.open
	m.atOnce++
	m.mostAtOnce = max(m.mostAtOnce, m.atOnce)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.atOnce--
		m.mu.Unlock()
	}()
	m.asked <- struct{}{}
	select {
	case <-open:
		m.Handler.ServeHTTP(w, r)
	case <-r.Context().Done():
		m.given <- struct{}{}
	}
}

// answer has it answer from now on, those as well whom it let wait.
func (m *holdingModel) answer() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.open:
	default:
		close(m.open)
	}
}

// cluster is one database, and what nodes that work from it need.
type cluster struct {
	t      *testing.T
	file   string // of the configuration
	secret string
	model  *holdingModel
	store  *state.Store // to look at
	got    sync.Map     // callbacks that arrived
	acked  []string
}

func newCluster(t *testing.T, url string, ofTheSource ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, secret: "whsec_test_0123456789abcdef"}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.got.Store(r.Header.Get("webhook-id"), true)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(receiver.Close)
	var modelURL string
	c.model, modelURL = newHoldingModel(t)
	c.file = filepath.Join(t.TempDir(), "drawbridge.yaml")
	text := fmt.Sprintf(`
store: {url: %q}
server: {listen: 127.0.0.1:0}
model: {base_url: %q, name: rehearsal}
log: {format: json}
agents:
  billing: {tools: ["crm_*", "email_*", "payment_get_*"], effects: [read, write, message], budget: {wall: 1h}}
webhooks:
  stripe:
    scheme: stripe
    secrets: [%s]
    when: event.type == "payment_intent.succeeded"
    agent: billing
    prompt: "Payment {{ .event.data.object.id }} of customer {{ .event.data.object.customer }} succeeded."
    callback: {url: %q, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=}
    %s
`, url, modelURL, c.secret, receiver.URL, strings.Join(ofTheSource, "\n    "))
	if err := os.WriteFile(c.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	seed(t, c.file)
	cfg, err := config.Load(c.file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	if c.store, err = openStoreOf(t.Context(), cfg, state.ReadOnly); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.store.Close() })
	return c
}

// send has a node accept so many events.
func (c *cluster) send(p *program, n int) {
	c.t.Helper()
	l := newLoad(c.secret, func() {})
	for range n {
		id := fmt.Sprintf("evt_%03d", len(c.acked))
		if status, ok := l.post(c.t, p.base, id); !ok || status != http.StatusOK {
			c.t.Fatalf("event %s was answered %d", id, status)
		}
		c.acked = append(c.acked, id)
	}
}

// await takes n signals from a channel.
func (c *cluster) await(n int, from <-chan struct{}, what string) {
	c.t.Helper()
	patience := time.After(time.Minute)
	for i := range n {
		select {
		case <-from:
		case <-patience:
			c.t.Fatalf("only %d of %d %s", i, n, what)
		}
	}
}

// done waits for the end of all, and checks it.
func (c *cluster) done() {
	c.t.Helper()
	awaitEnd(c.t, c.store, len(c.acked))
	checkNothingLost(c.t, c.store, c.acked)
	checkNothingDoubled(c.t, c.store, len(c.acked), &c.got)
	runs, err := c.store.Runs(c.t.Context(), "", 1000)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, run := range runs {
		if run.Attempts != 0 {
			c.t.Errorf("run %s counts %d faults", run.ID, run.Attempts)
		}
	}
}

const inHand = 6 // runs that wait for the model when something happens to their node

// RUN-02: a node is killed with its runs under way, and another carries them on.
func TestRUN02_AnotherNodeCarriesOnWhatAKilledOneHad(t *testing.T) {
	c := newCluster(t, postgrestest.Database(t))
	killed := serve(t, c.file)
	c.send(killed, inHand)
	c.await(inHand, c.model.asked, "runs got to the model")
	other := serve(t, c.file)
	begun := time.Now()
	killed.kill(t)
	c.await(inHand, c.model.asked, "runs were carried on")
	took := time.Since(begun)
	t.Logf("%d runs were carried on %v after the kill", inHand, took.Round(time.Millisecond))
	if took > 15*time.Second {
		t.Errorf("runs were carried on after %v, want within 15 s", took)
	}
	c.model.answer()
	c.send(other, 1)
	c.done()
	other.stop(t)
}

func TestRUN02_NodeThatIsStartedAgainCarriesOnAtOnce(t *testing.T) {
	c := newCluster(t, postgrestest.Database(t))
	node := serve(t, c.file)
	c.send(node, inHand)
	c.await(inHand, c.model.asked, "runs got to the model")
	node.kill(t)
	node = serve(t, c.file)
	begun := time.Now()
	c.await(inHand, c.model.asked, "runs were carried on")
	took := time.Since(begun)
	t.Logf("%d runs were carried on %v after the start", inHand, took.Round(time.Millisecond))
	if took > dispatch.LeaseFor/2 {
		t.Errorf("runs were carried on after %v, want at once", took)
	}
	c.model.answer()
	c.done()
	node.stop(t)
}

// RUN-03: a node is stopped with SIGSTOP for longer than its leases. Another carries its
// runs on, and when it goes on it gives up what it was doing.
func TestRUN03_NodeThatStoodStillDoesNothingTwice(t *testing.T) {
	t.Parallel()
	c := newCluster(t, postgrestest.Database(t))
	stopped := serve(t, c.file)
	c.send(stopped, inHand)
	c.await(inHand, c.model.asked, "runs got to the model")
	other := serve(t, c.file)
	begun := time.Now()
	if err := stopped.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.await(inHand, c.model.asked, "runs were carried on")
	took := time.Since(begun)
	t.Logf("%d runs were carried on %v after the stop", inHand, took.Round(time.Millisecond))
	if took > 20*time.Second {
		t.Errorf("runs were carried on after %v, want soon after their leases were over", took)
	}
	if err := stopped.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	c.await(inHand, c.model.given, "questions were given up by the node that went on")
	c.model.answer()
	c.send(other, 1)
	c.send(stopped, 1)
	c.done()
	stopped.stop(t)
	other.stop(t)
}

// RUN-09: a source has so many runs at once, on however many nodes, and a killed node leaks
// no place.
func TestRUN09_PlacesOfASourceAreCountedOverAllNodes(t *testing.T) {
	c := newCluster(t, postgrestest.Database(t), "concurrency: 2")
	one, other := serve(t, c.file), serve(t, c.file)
	c.send(one, inHand/2)
	c.send(other, inHand/2)
	c.await(2, c.model.asked, "runs got to the model")
	one.kill(t)
	other.kill(t)
	one, other = serve(t, c.file), serve(t, c.file)
	c.await(2, c.model.asked, "runs were carried on")
	c.model.answer()
	c.done()
	c.model.mu.Lock()
	defer c.model.mu.Unlock()
	if c.model.mostAtOnce != 2 {
		t.Errorf("%d runs asked the model at once, want 2", c.model.mostAtOnce)
	}
	one.stop(t)
	other.stop(t)
}

// A node that is told to stop gives back what it has: another carries it on without
// waiting for leases.
func TestStoppedNodeGivesItsRunsToAnother(t *testing.T) {
	c := newCluster(t, postgrestest.Database(t))
	first := serve(t, c.file)
	c.send(first, inHand)
	c.await(inHand, c.model.asked, "runs got to the model")
	other := serve(t, c.file)
	begun := time.Now()
	first.stop(t)
	c.await(inHand, c.model.asked, "runs were carried on")
	took := time.Since(begun)
	t.Logf("%d runs were carried on %v after the node was told to stop", inHand, took.Round(time.Millisecond))
	if took > dispatch.LeaseFor/2 {
		t.Errorf("runs were carried on after %v, want at once", took)
	}
	c.model.answer()
	c.done()
	other.stop(t)
}

// The server goes down with runs under way, and senders at the door. Nobody is at fault:
// who sends is told to come back, and when the server is there again all goes on.
func TestNodeWaitsWhilePostgresIsAway(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Options{})
	url, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, url)
	node := serve(t, c.file)
	c.send(node, inHand)
	c.await(inHand, c.model.asked, "runs got to the model")
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	away := time.Now()
	// Their answers come while there is nowhere to put them.
	c.model.answer()
	l := newLoad(c.secret, func() {})
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for time.Since(away) < dispatch.LeaseFor+2*time.Second {
		refused(t, l, node)
		<-ticker.C
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if !l.send(t, node.base, "evt_away") { // as often as it is told to come back
		t.Fatal("the node did not live to see its store again")
	}
	c.acked = append(c.acked, "evt_away")
	c.done()
	node.stop(t)
}

// What a stop would still have to write is left to the next node, or the next start.
func TestNodeStopsInOrderWhilePostgresIsAway(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Options{Memory: true})
	url, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	node := serve(t, newCluster(t, url).file)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	node.stop(t)
}

// refused wants a delivery to be told to come back.
func refused(t *testing.T, l *load, p *program) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := l.request(ctx, p.base, "evt_away")
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Fatalf("while the store is away a delivery was answered %s, Retry-After %q", res.Status, res.Header.Get("Retry-After"))
	}
	var said struct{ Status string }
	ready, err := http.Get(p.base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ready.Body.Close() }()
	if json.NewDecoder(ready.Body).Decode(&said) != nil || ready.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("while the store is away the node says that it is %s (%s)", said.Status, ready.Status)
	}
}
