package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"drawbridge/bridge/rehearsal"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// program is a drawbridge process of the test's.
type program struct {
	cmd  *exec.Cmd
	base string // its URL, once it serves
	logs sync.WaitGroup
	last []string // the newest lines it logged; read after logs.Wait
}

// serve starts `drawbridge serve` with a configuration file and returns when it
// says that it serves. The variables are added to its environment.
func serve(t testing.TB, configuration string, variables ...string) *program {
	t.Helper()
	return serveHeard(t, configuration, func(string) {}, variables...)
}

// serveHeard does so, and hear is told each line that it logs, in order.
func serveHeard(t testing.TB, configuration string, hear func(line string), variables ...string) *program {
	t.Helper()
	replaysBehind(t, configuration)
	p := &program{cmd: exec.Command(os.Args[0], "serve", "-c", configuration)}
	p.cmd.Env = append(os.Environ(), programVariable+"=1", "OPENAI_API_KEY=")
	p.cmd.Env = append(p.cmd.Env, variables...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // for a test that failed before it ended the server
	serving := make(chan string, 1)
	p.logs.Go(func() {
		defer close(serving)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.last = append(p.last[max(0, len(p.last)-20):], lines.Text())
			hear(lines.Text())
			var entry struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "serving" {
				serving <- entry.Address
			}
		}
	})
	address, ok := <-serving
	if !ok {
		_ = p.cmd.Wait()
		t.Fatalf("the server ended without serving: %q", p.last)
	}
	p.base = address
	return p
}

// kill ends the process as a power cut would: nothing is flushed, nothing is said.
func (p *program) kill(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.logs.Wait()
	_ = p.cmd.Wait() // it reports the kill
}

// stop ends the process in order, and wants exit code 0.
func (p *program) stop(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.stopped(t)
}

// stopped waits for the end of a process that was told to stop.
func (p *program) stopped(t testing.TB) {
	t.Helper()
	p.logs.Wait()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the server did not stop in order: %v\n%s", err, strings.Join(p.last, "\n"))
	}
}

// rehearse serves the program's own script as a model; seen is told of each request.
func rehearse(t testing.TB, seen func()) string {
	t.Helper()
	script, err := rehearsal.Load(rehearsalScript)
	if err != nil {
		t.Fatal(err)
	}
	model := rehearsal.NewServer(script, rehearsal.Options{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen != nil {
			seen()
		}
		model.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

// payments writes a configuration with an agent that handles payment events of a
// Stripe-signed webhook, and fills its store with the sample company.
func payments(t testing.TB, modelURL, callback string) (file, store, secret string) {
	t.Helper()
	folder := t.TempDir()
	file, store, secret = filepath.Join(folder, "drawbridge.yaml"), filepath.Join(folder, "drawbridge.db"), "whsec_test_0123456789abcdef"
	text := fmt.Sprintf(`
store: {url: "sqlite://%s"}
server: {listen: 127.0.0.1:0}
model: {base_url: %q, name: rehearsal}
log: {format: json}
guard: {limits: []} # more mail than by default is what the load is for
agents:
  billing:
    tools: ["crm_*", "email_*", "payment_get_*"]
    effects: [read, write, message]
    budget: {wall: 1h}
webhooks:
  stripe:
    scheme: stripe
    secrets: [%s]
    when: event.type == "payment_intent.succeeded"
    agent: billing
    prompt: "Payment {{ .event.data.object.id }} of customer {{ .event.data.object.customer }} succeeded."
    callback: {url: %q, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=}
`, store, modelURL, secret, callback)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, seed(t, file), secret
}

// look opens a store for reading, beside the process that serves from it.
func look(t testing.TB, path string) *state.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, state.ReadOnly, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}
