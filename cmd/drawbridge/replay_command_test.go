package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/bridge/openaitest"
	"drawbridge/bridge/replay"
	"drawbridge/server/dispatch"
	"drawbridge/server/retention"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// desk is a store with one run: it looked at the weather twice, of a mounted server, and
// for a customer, and wrote a mail.
type replayDesk struct {
	t           *testing.T
	folder      string
	file, store string
	run         string
	main, other *openaitest.Server // models
	mounted     atomic.Int64       // requests to the mounted server
}

const deskSecret = "sk-not-to-be-seen-0123456789"

func newReplayDesk(t *testing.T) *replayDesk {
	d := &replayDesk{t: t, folder: t.TempDir(), main: openaitest.New(t), other: openaitest.New(t)}
	s := server.NewMCPServer("weather", "1", server.WithToolCapabilities(true))
	times := 0
	s.AddTool(mcp.NewTool("forecast", mcp.WithDescription("Says what the weather will be."), mcp.WithString("city", mcp.Required())),
		func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			times++
			return mcp.NewToolResultText(fmt.Sprintf("rain in %s, said %d times", r.GetString("city", ""), times)), nil
		})
	handler := server.NewStreamableHTTPServer(s)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mounted.Add(1)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	d.file, d.store = d.configure("drawbridge.yaml", web.URL+"/mcp", "You are at the desk.", `["*"]`), filepath.Join(d.folder, "drawbridge.db")
	seed(t, d.file)
	d.main.Answer(
		openaitest.Calls([]openaitest.ToolCall{{Name: "weather__forecast", Arguments: `{"city":"Ulm"}`}, {Name: "crm_get_customer", Arguments: `{"customer":"ada@example.com"}`}}),
		openaitest.Call("weather__forecast", `{"city":"Ulm"}`),
		openaitest.Call("email_send", mailTo("ada@example.com")),
		openaitest.Say("It rains, and Ada knows."))
	out, errs, code := command(t, "run", "-c", d.file, "--json", "Tell Ada about the weather.")
	if code != exitDone {
		t.Fatalf("the run: exit %d, %s %s", code, out, errs)
	}
	var run struct{ ID string }
	if err := json.Unmarshal([]byte(out), &run); err != nil {
		t.Fatal(err)
	}
	d.run = run.ID
	return d
}

// mailTo are the arguments of a strict function, where what is left out is null.
func mailTo(address string) string {
	return fmt.Sprintf(`{"to":[%q],"subject":"Rain","text":"It rains.","cc":null,"bcc":null,"html":null,"reply_to":null,"in_reply_to":null}`, address)
}

func (d *replayDesk) configure(name, weather, instructions, tools string) string {
	file := filepath.Join(d.folder, name)
	text := fmt.Sprintf(`
store: {url: "sqlite://%s/drawbridge.db"}
model: {base_url: %q, name: main, api_key: %s, prices: {main: {input: 1, output: 2}, other: {input: 1, output: 2}}}
models: {other: {base_url: %q, api_key: %s}}
tools: {mcp: [{name: weather, url: %q, effects: {forecast: read}, headers: {Authorization: %q}}]}
policy: {defaults: off}
agents: {desk: {instructions: %q, tools: %s, effects: [read, write, message, money]}}
`, d.folder, d.main.URL(), deskSecret, d.other.URL(), deskSecret, weather, deskSecret, instructions, tools)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return file
}

// replay runs the command, and makes sure that it did nothing but to ask models.
func (d *replayDesk) replay(args ...string) (replayView, string, int) {
	d.t.Helper()
	before, mounted := d.stored(), d.mounted.Load()
	out, errs, code := command(d.t, append([]string{"replay", d.run, "-c", d.file}, args...)...)
	if d.stored() != before {
		d.t.Error("a replay wrote to the store")
	}
	if d.mounted.Load() != mounted {
		d.t.Error("a replay spoke to the mounted server")
	}
	if strings.Contains(out+errs, deskSecret) {
		d.t.Error("a secret was printed")
	}
	var view replayView
	if slices.Contains(args, "--json") && code != exitWrong {
		if err := json.Unmarshal([]byte(out), &view); err != nil {
			d.t.Fatalf("exit %d, %v: %s %s", code, err, out, errs)
		}
	}
	return view, out + errs, code
}

// stored is a hash of all that is in the store's files.
func (d *replayDesk) stored() string {
	sum := sha256.New()
	for _, name := range []string{d.store, d.store + "-wal"} {
		if raw, err := os.ReadFile(name); err == nil && len(raw) > 0 {
			sum.Write(raw)
		}
	}
	return string(sum.Sum(nil))
}

func TestReplayWithoutAChangeAsksNobodyAndIsTheSame(t *testing.T) {
	d := newReplayDesk(t)
	asked := len(d.main.Requests())
	view, _, code := d.replay("--json")
	if code != exitDone || !view.Same || len(view.Turns) != 4 || len(view.Asked) != 0 || !view.Functions.AsThen {
		t.Errorf("exit %d: %+v", code, view)
	}
	if view.Recorded.Usage != view.Replayed.Usage || view.Recorded.Usage.Cost == 0 {
		t.Errorf("used %+v, and in the replay %+v", view.Recorded.Usage, view.Replayed.Usage)
	}
	if _, text, code := d.replay(); code != exitDone || !strings.Contains(text, "no difference") || !strings.Contains(text, "no model is asked") {
		t.Errorf("exit %d: %s", code, text)
	}
	if len(d.main.Requests()) != asked {
		t.Error("a model was asked")
	}
}

func TestReplayAsksAnotherModelAndAnswersItsCallsFromTheRecording(t *testing.T) {
	d := newReplayDesk(t)
	d.other.Answer(
		openaitest.Calls([]openaitest.ToolCall{{Name: "weather__forecast", Arguments: `{"city": "Ulm"}`}, {Name: "crm_get_customer", Arguments: `{"customer":"bob@example.com"}`}}),
		openaitest.Call("email_send", mailTo("eve@example.com")),
		openaitest.Say("I could not."))
	view, _, code := d.replay("--json", "--model", "other", "--prompt", "Tell Bob about the weather.")
	if code != exitFailed || view.Same || view.NotRecorded != 2 || !slices.Equal(view.Asked, []string{"other"}) {
		t.Fatalf("exit %d: %+v", code, view)
	}
	var changed []string
	for _, c := range view.Changed {
		changed = append(changed, c.What)
	}
	if !slices.Equal(changed, []string{"model", "prompt"}) {
		t.Errorf("changed %q", changed)
	}
	first := view.Turns[0].Calls
	if first[0].Is != replay.SameCall || first[0].Replayed.Result != "rain in Ulm, said 1 times" || first[0].Replayed.Source != replay.Recorded {
		t.Errorf("the recorded call: %+v", first[0].Replayed)
	}
	if c := first[1]; c.Is != replay.OtherArguments || c.Replayed.Source != replay.NotRecorded || len(c.Changes) != 1 || c.Changes[0].Path != "customer" {
		t.Errorf("the other call: %+v", c)
	}
	requests := d.other.Requests()
	if got := requests[0].Last().Text; got != "Tell Bob about the weather." {
		t.Errorf("the model was asked %q", got)
	}
	if got := requests[1].Last().Text; !strings.Contains(got, "not_recorded") {
		t.Errorf("of the call that was never made the model was told %q", got)
	}
	d.other.Answer(openaitest.Call("email_send", mailTo("eve@example.com"))) // it has nothing more to say, and is not asked for it
	_, text, code := d.replay("--model", "other", "--unrecorded", "stop")
	if code != exitFailed || !strings.Contains(text, "no end: a call was never recorded: email_send") {
		t.Errorf("exit %d: %s", code, text)
	}
}

func TestReplayAsTheAgentOfAnotherFile(t *testing.T) {
	d := newReplayDesk(t)
	next := d.configure("next.yaml", "http://127.0.0.1:1/mcp", "You are at another desk.", `["crm_*", "weather__*"]`)
	view, _, code := d.replay("--json", "--agents-from", next, "--from-journal")
	if code != exitFailed || len(view.Asked) != 0 || view.As != "desk" || slices.Contains(view.Functions.Gone, "crm_get_customer") || !slices.Contains(view.Functions.Gone, "email_send") {
		t.Fatalf("exit %d: %+v", code, view)
	}
	if c := view.Turns[2].Calls[0]; c.Is != replay.OtherResult || c.Replayed.Code != "unknown_function" {
		t.Errorf("the mail, by an agent that may not write any: %+v", c)
	}
	if !view.Turns[0].Same || !view.Turns[1].Same {
		t.Errorf("the turns before it: %+v", view.Turns[:2])
	}
	d.main.Answer(openaitest.Say("It rains, and Ada knows."))
	view, _, code = d.replay("--json", "--agents-from", next, "--agent", "desk", "--any-words")
	requests := d.main.Requests()
	if got := requests[len(requests)-1]; code != exitFailed || !slices.Equal(view.Asked, []string{"main"}) || !strings.Contains(got.Messages[0].Text, "another desk") {
		t.Errorf("exit %d: %+v", code, view)
	}
}

func TestReplayTakesNoMoreThanItMay(t *testing.T) {
	d := newReplayDesk(t)
	d.other.Answer(openaitest.Call("weather__forecast", `{"city":"Ulm"}`), openaitest.Say("Enough."))
	view, _, code := d.replay("--json", "--model", "other", "--max-turns", "1", "--max-cost", "1.00 USD", "--max-calls", "5", "--max-tokens", "150000", "--max-time", "10m")
	if code != exitFailed || view.Replayed.Outcome == nil || view.Replayed.Outcome.Reason != "budget_turns" {
		t.Errorf("exit %d: %+v", code, view.Replayed.Outcome)
	}
	if i := slices.IndexFunc(view.Changed, func(c replayChange) bool { return c.What == "budget" }); i < 0 || view.Changed[i].Replayed != "1 turns, 5 calls, 150000 tokens, 10m0s, 1.00 USD" {
		t.Errorf("changed %+v", view.Changed)
	}
}

func TestRunThatCannotBeReplayedSaysWhy(t *testing.T) {
	d := newReplayDesk(t)
	store, err := sqlite.Open(t.Context(), d.store, state.Beside, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := store.Start(t.Context(), dispatch.NewRun{ID: "run_new", Agent: "desk", Source: "cli", Prompt: "hello"}); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := command(t, "replay", "-c", d.file, "run_new"); code != exitFailed || !strings.Contains(errs, "is queued and cannot be replayed") {
		t.Errorf("a run that has not begun: exit %d, %s", code, errs)
	}
	now := time.Now().Add(time.Hour)
	for from := ""; ; {
		step, err := store.Sweep(t.Context(), retention.Runs, retention.Due{Now: now, Before: now}, from)
		if err != nil {
			t.Fatal(err)
		}
		if from = step.Next; from == "" {
			break
		}
	}
	if _, errs, code := command(t, "replay", "-c", d.file, d.run); code != exitFailed ||
		!strings.Contains(errs, "its prompt, answer and journal were removed") && !strings.Contains(errs, "not found") {
		t.Errorf("a run that is past its retention: exit %d, %s", code, errs)
	}
}
