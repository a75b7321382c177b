package mcpmount_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

// world is a mount that runs for the length of a test.
type world struct {
	*mcpmount.Mount
	t   *testing.T
	log *logBuffer
}

// logBuffer is a log that can be searched while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// onStdio are settings for a fake server.
func onStdio(mode string) mcpmount.Settings {
	return mcpmount.Settings{
		Name:         "shop",
		Command:      []string{os.Args[0], mode},
		Env:          map[string]string{"FAKE": "1", "GORACE": "atexit_sleep_ms=0", "API_KEY": "hunter2-hunter2"},
		StartTimeout: 5 * time.Second,
		CallTimeout:  5 * time.Second,
		MaxMessage:   1 << 20,
	}
}

// prepare makes a mount that does not run yet.
func prepare(t *testing.T, s mcpmount.Settings, o mcpmount.Options) world {
	t.Helper()
	log := &logBuffer{}
	o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m, err := mcpmount.New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	m.Hasten()
	return world{Mount: m, t: t, log: log}
}

// start runs a mount; stop ends it before the test does.
func start(t *testing.T, s mcpmount.Settings, o mcpmount.Options) (w world) {
	t.Helper()
	w = prepare(t, s, o)
	w.run()
	return w
}

func (w world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	w.t.Cleanup(stop)
	return stop
}

// eventually waits for something that another process or goroutine does.
func (w world) eventually(what string, is func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain until %s; status %+v; log:\n%s", what, w.Status(), w.log)
		}
		time.Sleep(time.Millisecond)
	}
}

func (w world) ready() world {
	w.t.Helper()
	w.eventually("it is ready", func() bool { return w.Status().State == mcpmount.Ready })
	return w
}

func (w world) says(text string) {
	w.t.Helper()
	w.eventually("the log says "+text, func() bool { return strings.Contains(w.log.String(), text) })
}

func (w world) names() string {
	var names []string
	for _, tool := range w.Tools() {
		names = append(names, tool.Name)
	}
	return strings.Join(names, " ")
}

func (w world) tool(name string) tools.Tool {
	w.t.Helper()
	for _, tool := range w.Tools() {
		if tool.Name == name {
			return tool
		}
	}
	w.t.Fatalf("no tool %s among %s", name, w.names())
	return tools.Tool{}
}

func (w world) held(name string) mcpmount.Held {
	w.t.Helper()
	for _, h := range w.Status().Held {
		if h.Tool == name {
			return h
		}
	}
	w.t.Fatalf("%s is not held back; status %+v", name, w.Status())
	return mcpmount.Held{}
}

// call has shop__echo, which reads, or shop__act, which acts, do something.
func (w world) call(ctx context.Context, tool, do string) (string, error) {
	w.t.Helper()
	raw, err := w.tool(tool).Call(ctx, json.RawMessage(`{"do":"`+do+`"}`))
	return string(raw), err
}

func (w world) refuses(tool, do string, code tools.Code) string {
	w.t.Helper()
	raw, err := w.call(w.t.Context(), tool, do)
	if tools.CodeOf(err) != code {
		w.t.Fatalf("%s of %s: %s, %v; want an error with code %s", do, tool, raw, err, code)
	}
	return err.Error()
}
