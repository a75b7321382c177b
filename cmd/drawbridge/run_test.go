package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/config"
	"drawbridge/server/dispatch"
)

// slowModel writes a configuration whose model tells when it is asked and answers
// only when its caller has gone.
func slowModel(t *testing.T, asked func()) (file, store string) {
	t.Helper()
	model := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = new(bytes.Buffer).ReadFrom(r.Body) // or the server does not notice the caller going
		asked()
		<-r.Context().Done()
	}))
	t.Cleanup(model.Close)
	folder := t.TempDir()
	file, store = filepath.Join(folder, "drawbridge.yaml"), filepath.Join(folder, "drawbridge.db")
	text := fmt.Sprintf("store: {url: \"sqlite://%s\"}\nmodel: {base_url: %q, name: slow}\n", store, model.URL+"/v1")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, store
}

func TestInterruptedRunIsCancelled(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	file, path := slowModel(t, interrupt)
	var stderr bytes.Buffer
	code := execute(ctx, &console{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &stderr, lookup: noEnvironment}, []string{"run", "-c", file, "hello"})
	if code != exitFailed || !strings.Contains(stderr.String(), "was cancelled") {
		t.Errorf("exit %d, %q; want %d and that the run was cancelled", code, stderr.String(), exitFailed)
	}
	runs, err := look(t, path).Runs(t.Context(), "", 10)
	if err != nil || len(runs) != 1 || runs[0].State != dispatch.Cancelled || !strings.Contains(runs[0].Answer, "interrupted") {
		t.Errorf("runs: %+v (%v), want one that was cancelled", runs, err)
	}
}

func TestInterruptSaysWhatBecomesOfTheRun(t *testing.T) {
	file, path := slowModel(t, func() {})
	ctx, leave := context.WithCancel(t.Context())
	leave()
	cfg, err := config.Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(t.Context()) }()
	here := carrier{store: a.store, carry: a.worker.RunOne}
	for _, run := range []string{"run_a", "run_b"} {
		if err := a.store.Start(t.Context(), dispatch.NewRun{ID: run, Agent: "assistant", Source: "cli", Prompt: "hello"}); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = here.carryAndFollow(ctx, "run_a", io.Discard)
	for _, test := range []struct {
		by        carrier
		run, want string
	}{
		{here, "run_a", "run run_a was cancelled"},
		{here, "run_a", "run run_a was quicker: cancelled; see it with: drawbridge runs show run_a"},
		{carrier{store: look(t, path)}, "run_b", "run run_b goes on in the process that serves; see it with: drawbridge runs show run_b"},
	} {
		if got := test.by.interrupted(t.Context(), test.run); got == nil || got.Error() != test.want {
			t.Errorf("%v, want %q", got, test.want)
		}
	}
}
