package mcpmount_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

func hinted(mode string) mcpmount.Settings {
	s := onStdio(mode)
	s.Effects = map[string]tools.Effect{"echo": tools.Read}
	return s
}

func TestMountOffersTheServersToolsAsTheyAre(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	if got := w.names(); got != "shop__act shop__echo" {
		t.Errorf("it offers %q", got)
	}
	echo := w.tool("shop__echo")
	if string(echo.Input) != `{"type":"object","x-odd":1.50}` {
		t.Errorf("schema %s, want every byte of it", echo.Input)
	}
	if !echo.Mounted || !echo.Taints || !echo.OpenWorld || echo.Effect != tools.Write || !echo.Destructive || echo.Idempotent {
		t.Errorf("an untrusted tool is %+v", echo)
	}
	s := w.Status()
	if s.Server != "fake" || s.Version != "7" || s.Protocol != "2025-06-18" || s.Offered != 2 {
		t.Errorf("status %+v", s)
	}
}

func TestCallPassesArgumentsAndResultWhole(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	arguments := `{"n":12345678901234567890.10,"s":"<a&b> \u2028","nested":{"a":[null,1e2]}}`
	raw, err := w.tool("shop__echo").Call(tools.WithKey(t.Context(), "key-1"), json.RawMessage(arguments))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"arguments":` + arguments, `"name":"echo"`, `"drawbridge/idempotency-key":"key-1"`,
		`"n":1.000000000000000000001`, `"_meta":{"x":1}`, `"content":[]`,
	} {
		if !strings.Contains(string(raw), part) {
			t.Errorf("result %s lacks %s", raw, part)
		}
	}
	if _, err := w.tool("shop__echo").Call(t.Context(), json.RawMessage(`{"n":`)); tools.CodeOf(err) != tools.Invalid {
		t.Errorf("half an object as arguments: %v", err)
	}
	if raw, err = w.tool("shop__echo").Call(t.Context(), nil); err != nil || !strings.Contains(string(raw), `"arguments":{}`) {
		t.Errorf("no arguments: %s, %v", raw, err)
	}
}

// A write that was carried out must not become unknown because its answer holds a
// block of a form that nobody here knows.
func TestResultWithAnOddBlockIsAResult(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	if raw, err := w.call(t.Context(), "shop__act", "odd"); err != nil || !strings.Contains(string(raw), `{"type":"chart","text":{"x":1}}`) {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestServersOwnFailuresKeepTheirMeaning(t *testing.T) {
	w := start(t, hinted("ordinary"), mcpmount.Options{}).ready()
	for do, code := range map[string]tools.Code{
		"fail": tools.Failed, "error": tools.Invalid, "unknown": tools.NotFound, "internal": tools.Failed, "nonsense": tools.OutcomeUnknown,
	} {
		w.refuses("shop__act", do, code)
	}
	if said := w.refuses("shop__act", "fail", tools.Failed); !strings.Contains(said, "no such customer") || strings.Contains(said, "hunter2") {
		t.Errorf("the failure says %q", said)
	}
	w.refuses("shop__echo", "nonsense", tools.Unavailable)
}

func TestLostAnswerIsUnknownUnlessTheCallOnlyReads(t *testing.T) {
	w := start(t, hinted("ordinary"), mcpmount.Options{}).ready()
	w.refuses("shop__act", "die", tools.OutcomeUnknown)
	w.ready()
	w.refuses("shop__echo", "die", tools.Unavailable)
	w.ready()
	if _, err := w.call(t.Context(), "shop__echo", "nothing"); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if s := w.Status(); s.Restarts < 2 || !strings.Contains(s.LastError, "exit status 1") {
		t.Errorf("status %+v", s)
	}
}

func TestHangingCallEndsInTimeAndHarmsNoOther(t *testing.T) {
	s := hinted("ordinary")
	s.CallTimeout = 300 * time.Millisecond
	w := start(t, s, mcpmount.Options{}).ready()
	hanging := make(chan error)
	go func() {
		_, err := w.call(t.Context(), "shop__act", "hang")
		hanging <- err
	}()
	w.says("hanging in")
	if _, err := w.call(t.Context(), "shop__echo", "nothing"); err != nil {
		t.Errorf("the call beside it: %v", err)
	}
	if err := <-hanging; tools.CodeOf(err) != tools.OutcomeUnknown {
		t.Errorf("the hanging call: %v", err)
	}
	w.says("cancelled")
	w.refuses("shop__echo", "hang", tools.Unavailable)
}

func TestCancelledCallIsToldToTheServer(t *testing.T) {
	w := start(t, hinted("ordinary"), mcpmount.Options{}).ready()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := w.call(ctx, "shop__act", "hang")
		done <- err
	}()
	w.says("hanging in")
	cancel()
	if err := <-done; tools.CodeOf(err) != tools.OutcomeUnknown {
		t.Errorf("cancelled call: %v", err)
	}
	w.says("cancelled")
}

func TestCallThatNeverLeftChangedNothing(t *testing.T) {
	s := onStdio("deaf")
	s.CallTimeout = 200 * time.Millisecond
	w := start(t, s, mcpmount.Options{}).ready()
	half := make(chan error)
	go func() {
		big := json.RawMessage(`{"do":"` + strings.Repeat("x", 1<<20) + `"}`)
		_, err := w.tool("shop__act").Call(t.Context(), big)
		half <- err
	}()
	if err := <-half; tools.CodeOf(err) != tools.OutcomeUnknown {
		t.Errorf("the call that was half written: %v", err)
	}
	w.refuses("shop__act", "x", tools.Unavailable) // it waited behind the other

	w = start(t, onStdio("closes its input"), mcpmount.Options{}).ready()
	w.says("input closed")
	w.refuses("shop__act", "x", tools.Unavailable)
}

func TestChildSeesNothingOfOurEnvironment(t *testing.T) {
	t.Setenv("STRIPE_KEY", "sk_live_ours")
	t.Setenv("LC_ALL", "C.UTF-8")
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	raw, err := w.call(t.Context(), "shop__act", "environment")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(raw, "sk_live_ours") || !strings.Contains(raw, "LC_ALL=C.UTF-8") || !strings.Contains(raw, "API_KEY=") || !strings.Contains(raw, "PATH=") {
		t.Errorf("the child's environment: %s", raw)
	}
}

func TestServersThatDoNotStartAreToldApart(t *testing.T) {
	for mode, want := range map[string]string{
		"hang at start": "not ready in time",
		"hang in list":  "not ready in time",
		"die at start":  "exit status 3; it said: ",
		"endless line":  "too long",
		"only junk":     "no messages",
		"endless pages": "more than 1000 pages",
		"same page":     "next page",
	} {
		t.Run(mode, func(t *testing.T) {
			s := onStdio(mode)
			s.CallTimeout = 50 * time.Millisecond
			if strings.HasPrefix(mode, "hang") {
				s.StartTimeout = 300 * time.Millisecond
			}
			w := start(t, s, mcpmount.Options{})
			<-w.Settled()
			status := w.Status()
			if !strings.Contains(status.LastError, want) || strings.Contains(status.LastError+w.log.String(), "hunter2") {
				t.Errorf("status %+v, want %q", status, want)
			}
		})
	}
}

func TestProgramThatIsNotThereIsSaidSo(t *testing.T) {
	s := onStdio("ordinary")
	s.Command = []string{filepath.Join(t.TempDir(), "nothing")}
	w := start(t, s, mcpmount.Options{})
	<-w.Settled()
	if status := w.Status(); !strings.Contains(status.LastError, "starting the program") {
		t.Errorf("status %+v", status)
	}
}

func TestJunkOnStdoutIsSkipped(t *testing.T) {
	w := start(t, onStdio("junk"), mcpmount.Options{}).ready()
	w.says("Welcome to the server!")
}

func TestFloodIsBoundedAndTheCallAnswered(t *testing.T) {
	s := onStdio("ordinary")
	s.CallTimeout = time.Minute
	w := prepare(t, s, mcpmount.Options{})
	w.RelistEvery(time.Hour)
	w.run()
	w.ready()
	other := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	ctx, cancel := context.WithCancel(t.Context())
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		_, _ = w.call(ctx, "shop__act", "flood")
	}()
	for range 20 {
		if _, err := other.call(t.Context(), "shop__act", "nothing"); err != nil {
			t.Fatalf("the server beside the flooding one: %v", err)
		}
	}
	cancel()
	<-flooded
}

func TestTooLongResultEndsTheConnection(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	w.refuses("shop__act", "big", tools.OutcomeUnknown)
	w.eventually("it is up again", func() bool { return w.Status().Restarts == 1 && w.Status().State == mcpmount.Ready })
}

func TestLoudStderrIsCutCountedAndRedacted(t *testing.T) {
	w := prepare(t, onStdio("loud"), mcpmount.Options{})
	stop := w.run()
	w.ready()
	stop()
	log := w.log.String()
	lines := strings.Count(log, "msg=stderr ")
	dropped := regexp.MustCompile(`lines_dropped=(\d+)`).FindStringSubmatch(log)
	if lines < 10 || lines > 500 || dropped == nil {
		t.Errorf("%d lines of 3000 reached the log, %v dropped", lines, dropped)
	}
	if strings.Contains(log, "hunter2") || !strings.Contains(log, "[redacted]") {
		t.Error("the secret is in the log")
	}
}

// TestRUN03_CallIsNotWrittenBehindAFence, and does the connection no harm.
func TestRUN03_CallIsNotWrittenBehindAFence(t *testing.T) {
	w := start(t, onStdio("ordinary"), mcpmount.Options{}).ready()
	open := true
	ctx := tools.WithFence(t.Context(), func(context.Context) error {
		if !open {
			return errors.New("somebody else has it")
		}
		return nil
	})
	if _, err := w.call(ctx, "shop__act", "x"); err != nil {
		t.Errorf("behind an open fence: %v", err)
	}
	open = false
	if _, err := w.call(ctx, "shop__act", "die"); tools.CodeOf(err) != tools.Unavailable {
		t.Errorf("behind a shut one: %v, want that it never left", err)
	}
	if _, err := w.call(t.Context(), "shop__act", "x"); err != nil || strings.Contains(w.log.String(), "the program ended") {
		t.Errorf("the call that was held back came to the server: %v; log:\n%s", err, w.log)
	}
}
