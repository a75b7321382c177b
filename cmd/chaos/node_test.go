package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary stand for a drawbridge: its settings are an address and
// how it behaves.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		raw, err := os.ReadFile(os.Args[3])
		if err != nil {
			panic(err)
		}
		address, behaviour, _ := strings.Cut(string(raw), " ")
		os.Exit(pretend(address, behaviour))
	}
	os.Exit(m.Run())
}

// pretend serves until it is told to stop, and gives the exit code.
func pretend(address, behaviour string) int {
	if behaviour == "refuses" {
		fmt.Fprintln(os.Stderr, "I will not")
		return 2
	}
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/end", func(http.ResponseWriter, *http.Request) { stop() })
	s := http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.ListenAndServe() }()
	<-told.Done()
	if behaviour == "sulks" {
		return 1
	}
	return 0
}

// pretender is a node that is none, with its settings written.
func pretender(t *testing.T, behaviour string) *node {
	t.Helper()
	n, err := newNode("n1", os.Args[0], t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.settings, []byte(n.address()+" "+behaviour), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.kill)
	return n
}

func TestNodeIsStartedStoppedAndKilledWithoutAnAlarm(t *testing.T) {
	n := pretender(t, "behaves")
	if n.now() != nil || n.frozen() {
		t.Error("it is there before it was started")
	}
	n.kill() // nothing to kill
	for _, end := range []func(){n.kill, n.stop} {
		if err := n.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := n.freeze(); err != nil || !n.frozen() {
			t.Fatalf("it is not stopped: %v", err)
		}
		if err := n.thaw(); err != nil || n.frozen() || !n.serves(t.Context()) {
			t.Fatalf("it does not go on: %v", err)
		}
		end()
		if n.now() != nil {
			t.Error("it is there after its end")
		}
	}
	if got := n.problems(nil); len(got) > 0 {
		t.Errorf("alarms: %q", got)
	}
}

func TestNodeThatEndsByItselfOrInDisorderIsAnAlarm(t *testing.T) {
	n := pretender(t, "behaves")
	if err := n.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := n.now()
	res, err := http.Get(n.base + "/end")
	if err == nil {
		_ = res.Body.Close()
	}
	<-p.ended
	n.watch(p) // as its watcher does
	if got := n.problems(nil); len(got) == 0 || !strings.Contains(got[0], "by itself") {
		t.Errorf("alarms: %q", got)
	}
	sulks := pretender(t, "sulks")
	if err := sulks.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	sulks.stop()
	if got := sulks.problems(nil); len(got) != 1 || !strings.Contains(got[0], "did not stop in order") {
		t.Errorf("alarms: %q", got)
	}
}

func TestNodeThatDoesNotStartIsAnAlarmUnlessTheDatabaseIsAway(t *testing.T) {
	n := pretender(t, "refuses")
	if err := n.first(t.Context()); err == nil || !strings.Contains(err.Error(), "I will not") {
		t.Errorf("it serves: %v", err)
	}
	n.failed = append(n.failed, at(10))
	if got := n.problems(nil); len(got) != 1 || !strings.Contains(got[0], "before it served") {
		t.Errorf("alarms: %q", got)
	}
	for _, c := range []struct {
		strike *strike
		alarms int
	}{
		{&strike{What: pgKill, At: at(9), Until: at(12)}, 0}, {&strike{What: pgKill, At: at(1), Until: at(2)}, 0},
		{&strike{What: pgKill, At: at(11), Until: at(12)}, 1}, {&strike{What: kill, Node: "n2", At: at(9), Until: at(12)}, 1},
	} {
		if got := n.problems([]*strike{c.strike}); len(got) != c.alarms {
			t.Errorf("%+v: %s", c.strike, fmt.Sprint(got))
		}
	}
}
