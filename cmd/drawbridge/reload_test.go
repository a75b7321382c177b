//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// rotation is a program whose secrets stand in files, and what it logs of them.
type rotation struct {
	*program
	t      *testing.T
	folder string
	logged chan string // lines of reloads
}

const (
	firstSecret, secondSecret = "whsec_first_0123456789abcdef", "whsec_second_0123456789abcdef"
	steadySecret              = "whsec_steady_0123456789abcdef"
)

func newRotation(t *testing.T) *rotation {
	r := &rotation{t: t, folder: t.TempDir(), logged: make(chan string, 100)}
	r.put("webhook", firstSecret+"\n")
	r.put("key", "desk-first-0123456789")
	r.put("steady", steadySecret)
	r.put("drawbridge.yaml", fmt.Sprintf(`
store: {url: "sqlite://%[1]s/drawbridge.db"}
server: {listen: 127.0.0.1:0, keys: [{name: desk, key: ${file:%[1]s/key}, tools: ["*"]}]}
log: {format: json}
agents: {a: {instructions: Nothing.}}
webhooks:
  stripe: {scheme: stripe, secrets: [${file:%[1]s/webhook}, "${exec:cat '%[1]s/steady'}"], when: "false", agent: a, prompt: x}
`, r.folder))
	r.program = serveHeard(t, filepath.Join(r.folder, "drawbridge.yaml"), func(line string) {
		if strings.Contains(line, " anew") {
			r.logged <- line
		}
	})
	return r
}

// put replaces a file as careful tools do: nobody sees a half of it.
func (r *rotation) put(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.folder, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		r.t.Fatal(err)
	}
}

// reload sends SIGHUP and gives what is logged until the secrets were read.
func (r *rotation) reload() (lines []string) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		r.t.Fatal(err)
	}
	for line := range r.logged {
		lines = append(lines, line)
		for _, secret := range []string{firstSecret, secondSecret, steadySecret, "desk-first", "desk-second"} {
			if strings.Contains(line, secret) {
				r.t.Errorf("a secret is in the log: %s", line)
			}
		}
		var entry struct{ Msg string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "read the secrets anew" {
			break
		}
	}
	return lines
}

// deliver gives the status that a payment signed with a secret is answered with, once the
// server does not ask to come back.
func (r *rotation) deliver(ctx context.Context, secret, id string) (status int) {
	r.t.Helper()
	if err := poll(ctx, func() (bool, error) {
		res, err := deliverPayment(r.t, r.base, secret, id, 10)
		if err != nil {
			return false, err
		}
		status = res.StatusCode
		return status != http.StatusServiceUnavailable, nil
	}); err != nil {
		r.t.Errorf("event %s: %v", id, err)
	}
	return status
}

// asks gives the status that a caller with an API key is answered with.
func (r *rotation) asks(key string) int {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.base+"/v1/models", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func (r *rotation) counts(webhook, key map[string]int) {
	r.t.Helper()
	for secret, want := range webhook {
		if got := r.deliver(r.t.Context(), secret, fmt.Sprintf("evt_%s_%d", secret, want)); got != want {
			r.t.Errorf("a delivery signed with %s is answered %d, want %d", secret, got, want)
		}
	}
	for key, want := range key {
		if got := r.asks(key); got != want {
			r.t.Errorf("the key %s is answered %d, want %d", key, got, want)
		}
	}
}

func TestSecretsAreRotatedWhileTheProgramServes(t *testing.T) {
	r := newRotation(t)
	r.counts(map[string]int{firstSecret: 200, secondSecret: 401, steadySecret: 200}, map[string]int{"desk-first-0123456789": 200, "desk-second-0123456789": 401})

	// Somebody whose secret does not change delivers all the time.
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sender sync.WaitGroup
	begun, sent := make(chan struct{}), 0
	sender.Go(func() {
		for ; ctx.Err() == nil; sent++ {
			if status := r.deliver(t.Context(), steadySecret, fmt.Sprintf("evt_steady_%d", sent)); status != http.StatusOK {
				t.Errorf("delivery %d is answered %d", sent, status)
			}
			if sent == 3 {
				close(begun)
			}
		}
	})
	<-begun
	r.put("webhook", secondSecret+"\n")
	r.put("key", "desk-second-0123456789")
	lines := r.reload()
	if last := lines[len(lines)-1]; len(lines) != 1 || !strings.Contains(last, `"changed":2`) || !strings.Contains(last, "server.keys[0].key, webhooks.stripe.secrets[0]") {
		t.Errorf("logged %q", lines)
	}
	rotated := map[string]int{firstSecret: 401, secondSecret: 200, steadySecret: 200}
	keys := map[string]int{"desk-first-0123456789": 401, "desk-second-0123456789": 200}
	r.counts(rotated, keys)

	// What cannot be read, or is of no use, changes nothing; the other reference counts.
	if err := os.Remove(filepath.Join(r.folder, "webhook")); err != nil {
		t.Fatal(err)
	}
	r.put("key", "short")
	for range 2 { // the old value is not forgotten by failing once
		lines = r.reload()
		if len(lines) != 3 || !slices.ContainsFunc(lines, func(line string) bool {
			return strings.Contains(line, "a secret cannot be read anew; the old one counts") && strings.Contains(line, "${file:"+r.folder+"/webhook}")
		}) || !slices.ContainsFunc(lines, func(line string) bool {
			return strings.Contains(line, "of no use; the old one counts") && strings.Contains(line, "server.keys[0].key")
		}) || !strings.Contains(lines[2], `"changed":0`) {
			t.Errorf("logged %q", lines)
		}
	}
	r.counts(rotated, keys)

	stop()
	sender.Wait()
	r.stop(t)
	held := keysOf(t, look(t, filepath.Join(r.folder, "drawbridge.db")))
	for i := range sent {
		if id := fmt.Sprintf("evt_steady_%d", i); held[id] != 1 {
			t.Errorf("event %s is stored %d times", id, held[id])
		}
	}
}
