package sqlite_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/export"
	"drawbridge/server/guard"
	"drawbridge/server/webhook"
	"drawbridge/store/state"
)

// exported is a line, as a reader who knows no more than the documents reads it.
type exported map[string]any

func (e exported) text(t *testing.T, name string) string {
	t.Helper()
	text, _ := e[name].(string)
	if e[name+"_encoding"] == nil {
		return text
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || e[name+"_encoding"] != "base64" {
		t.Fatalf("%s is %q in %v (%v)", name, text, e[name+"_encoding"], err)
	}
	return string(raw)
}

// exportAll gives the lines of an export by kind.
func exportAll(t *testing.T, store *state.Store, s export.Selection) map[string][]exported {
	t.Helper()
	var out bytes.Buffer
	counts, err := export.Write(t.Context(), &out, store, s)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]exported{}
	reader := bufio.NewReader(&out)
	for {
		text, err := reader.ReadBytes('\n')
		if err == io.EOF && len(text) == 0 {
			break
		}
		var line exported
		if err != nil || json.Unmarshal(text, &line) != nil {
			t.Fatalf("%q is no line of JSON", text)
		}
		kind := fmt.Sprint(line["kind"])
		lines[kind] = append(lines[kind], line)
	}
	for kind, n := range counts {
		if len(lines[kind]) != n {
			t.Errorf("%d lines of kind %s are said to be written, %d are", n, kind, len(lines[kind]))
		}
	}
	return lines
}

// hostile are bodies that no format likes.
var hostile = []string{
	"", "{\"a\":1}\r\n", "\x00\xff\xfe", "line\nbreak", "</script>\u2028\u2029\x7f\x1b[2J", `{"kind":"event"}` + "\n" + `{"kind":"run"}`, "\xed\xa0\x80", strings.Repeat("x", 12<<20), strings.Repeat("\xff", 1<<20),
}

func acceptBody(t *testing.T, h *harness, id, source, body string) {
	t.Helper()
	e := webhook.Event{ID: id, Source: source, Key: id, ContentType: "text/plain", Headers: map[string][]string{"X-One": {"a", "b"}}, Body: []byte(body), ReceivedAt: h.Now(), VerifiedBy: "secret 1 of 1"}
	if _, err := h.store.Accept(t.Context(), webhook.Batch{Events: []webhook.Event{e}}); err != nil {
		t.Fatal(err)
	}
}

func TestExportHasTheExactBytesWhateverTheyAre(t *testing.T) {
	h := newHarness(t)
	for i, body := range hostile {
		acceptBody(t, h, fmt.Sprint("evt_", i), "shop", body)
		h.Advance(time.Millisecond)
	}
	events := exportAll(t, h.store, export.Selection{})["event"]
	if len(events) != len(hostile) {
		t.Fatalf("%d events are exported of %d", len(events), len(hostile))
	}
	for i, body := range hostile {
		if got := events[i].text(t, "body"); got != body {
			t.Errorf("body %d came out with %d bytes, want %d: %.40q", i, len(got), len(body), got)
		}
	}
	if diff := cmp.Diff(map[string]any{"X-One": []any{"a", "b"}}, events[0]["headers"]); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got := events[1]["received_at"]; got != "2027-01-15T08:00:00.001Z" {
		t.Errorf("the second came at %v", got)
	}
}

// worked fills a store with all there is: an event of two sources each with its run, its
// journal, its callback after two attempts, rows of the audit and a refusal.
func worked(t *testing.T, h *harness) {
	t.Helper()
	ctx, s := t.Context(), h.store
	for i, source := range []string{"shop", "bank"} {
		event, run := fmt.Sprint("evt_", i), fmt.Sprint("run_", i)
		e := webhook.Event{ID: event, Source: source, Key: event, Headers: map[string][]string{}, Body: []byte("a"), ReceivedAt: h.Now()}
		if _, err := s.Accept(ctx, webhook.Batch{Raw: []byte("whole"), Events: []webhook.Event{e}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Route(ctx, event, dispatch.Routing{Status: dispatch.Routed, Runs: []dispatch.NewRun{{ID: run, Agent: "desk", Source: source, Event: event, Prompt: "p",
			CallbackURL: "https://user:pass@hooks.example.com/T0/secret?token=hunter2", Metadata: map[string]string{"order": "7"}}}}); err != nil {
			t.Fatal(err)
		}
		claimed, _, err := s.ClaimRun(ctx, run, sqliteLease)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Append(ctx, claimed.Lease, bridge.Entry{Seq: 1, Kind: bridge.EntryBrief, At: h.Now(), Body: json.RawMessage(`{"agent": "desk", "n": 12345678901234567890}`)}); err != nil {
			t.Fatal(err)
		}
		owed := &dispatch.Callback{ID: fmt.Sprint("msg_", i), Run: run, URL: "https://hooks.example.com/T0/secret?token=hunter2", Body: []byte(`{}`), Created: h.Now()}
		if err := s.Finish(ctx, claimed.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now(), Callback: owed, Outcome: bridge.Outcome{Status: bridge.Succeeded, Answer: "done"}}); err != nil {
			t.Fatal(err)
		}
		for _, state := range []dispatch.CallbackState{dispatch.Pending, dispatch.Delivered} {
			a := dispatch.Attempt{At: h.Now(), State: state, Status: 200, Excerpt: []byte("\xffok"), Latency: 1500 * time.Microsecond, Next: h.Now()}
			if _, err := s.Attempted(ctx, owed.ID, a, dispatch.Patience{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Record(ctx, guard.Row{At: h.Now(), Principal: "agent:desk", Tool: "look", Effect: "read", Arguments: json.RawMessage(`{"q":1}`), Decision: guard.Allowed, Outcome: "ok", Run: run}, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Reject(ctx, webhook.Rejection{Source: source, At: h.Now(), Status: 401, Reason: "no", HeaderNames: []string{"A"}, Excerpt: []byte("\xfe")}); err != nil {
			t.Fatal(err)
		}
		h.Advance(time.Hour)
	}
}

func counted(lines map[string][]exported) map[string]int {
	n := map[string]int{}
	for kind, of := range lines {
		n[kind] = len(of)
	}
	return n
}

func TestExportWritesAllThatIsSelectedAndNoMore(t *testing.T) {
	h := newHarness(t)
	begin := h.Now()
	worked(t, h)
	whole := map[string]int{"event": 2, "delivery": 2, "run": 2, "entry": 4, "callback": 2, "attempt": 4, "audit": 2, "rejection": 2}
	half := map[string]int{"event": 1, "delivery": 1, "run": 1, "entry": 2, "callback": 1, "attempt": 2, "audit": 1, "rejection": 1}
	for name, c := range map[string]struct {
		export.Selection
		want map[string]int
	}{
		"all":        {export.Selection{}, whole},
		"by name":    {export.Selection{What: export.All}, whole},
		"of one":     {export.Selection{Source: "bank"}, half},
		"since":      {export.Selection{Since: begin.Add(time.Hour)}, half},
		"until":      {export.Selection{Until: begin.Add(time.Hour)}, half},
		"neither":    {export.Selection{Source: "shop", Since: begin.Add(time.Hour)}, map[string]int{}},
		"journal":    {export.Selection{What: []export.What{export.Journal}}, map[string]int{"entry": 4}},
		"two of one": {export.Selection{What: []export.What{export.Callbacks, export.Audit}, Source: "shop"}, map[string]int{"callback": 1, "attempt": 2, "audit": 1}},
	} {
		if diff := cmp.Diff(c.want, counted(exportAll(t, h.store, c.Selection))); diff != "" {
			t.Errorf("%s: lines by kind (-want +got):\n%s", name, diff)
		}
	}
}

func TestExportTellsWhatIsStoredAndNoAddressOfACaller(t *testing.T) {
	h := newHarness(t)
	worked(t, h)
	var out bytes.Buffer
	if _, err := export.Write(t.Context(), &out, h.store, export.Selection{Source: "shop"}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, secret := range []string{"hunter2", "T0/secret", "user:pass"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in:\n%s", secret, text)
		}
	}
	for _, want := range []string{
		`{"kind":"delivery","id":"evt_0","source":"shop","received_at":"2027-01-15T08:00:00.000Z","body":"whole"}`,
		`"metadata":{"order":"7"},"callback":"https://hooks.example.com/…","prompt":"p","answer":"done"}`,
		`{"kind":"entry","run":"run_0","seq":1,"entry":"brief","at":"2027-01-15T08:00:00.000Z","data":{"agent":"desk","n":12345678901234567890}}`,
		`"endpoint":"https://hooks.example.com/…","state":"delivered","attempts":2,`,
		`"latency_ms":1.5,"excerpt":"/29r","excerpt_encoding":"base64"}`,
		`"arguments":{"q":1},"decision":"allowed"`,
		`"header_names":["A"],"excerpt":"/g==","excerpt_encoding":"base64"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in:\n%s", want, text)
		}
	}
}

// One line at a time is held, however much there is: what is live on the heap while lines
// are written stays a few bodies.
func TestExportHoldsOneLineAtATime(t *testing.T) {
	h := newHarness(t)
	const events, size = 64, 1 << 20
	for i := range events {
		acceptBody(t, h, fmt.Sprintf("evt_%03d", i), "shop", strings.Repeat("\xff", size))
		h.Advance(time.Millisecond)
	}
	live := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, most, lines := live(), int64(0), 0
	_, err := export.Write(t.Context(), writerFunc(func(p []byte) (int, error) {
		if lines++; lines%16 == 0 {
			most = max(most, live()-before)
		}
		return len(p), nil
	}), h.store, export.Selection{})
	if err != nil || lines < events {
		t.Fatalf("%d pieces were written: %v", lines, err)
	}
	if most > 16*size {
		t.Errorf("%d MiB more were live while %d were written", most>>20, events*size>>20)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// What is written while it goes on is not in it, and is not held up by it.
func TestExportIsOfOneMoment(t *testing.T) {
	h := newHarness(t)
	worked(t, h)
	reader := mustOpen(t, h.path, state.ReadOnly)
	first, counts := true, map[string]int{}
	err := reader.Export(t.Context(), export.Selection{}, func(line export.Line) error {
		if first {
			first = false
			acceptBody(t, h, "evt_late", "shop", "late")
			if err := h.store.Start(t.Context(), dispatch.NewRun{ID: "run_late", Agent: "desk", Source: "cli"}); err != nil {
				t.Fatal(err)
			}
		}
		counts[fmt.Sprintf("%T", line)]++
		return nil
	})
	if err != nil || counts["*export.Event"] != 2 || counts["*export.Run"] != 2 {
		t.Errorf("%v (%v), want the two events and runs of the beginning", counts, err)
	}
}

func TestExportEndsWhenItCannotBeWritten(t *testing.T) {
	h := newHarness(t)
	worked(t, h)
	full, n := errors.New("the disk is full"), 0
	err := h.store.Export(t.Context(), export.Selection{}, func(export.Line) error {
		n++
		return full
	})
	if !errors.Is(err, full) || n != 1 {
		t.Errorf("%d lines were handed out, %v; want one, and that error", n, err)
	}
	if err := h.store.Ready(t.Context()); err != nil {
		t.Errorf("afterwards the store is not ready: %v", err)
	}
}
