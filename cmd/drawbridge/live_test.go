package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/config"
	"drawbridge/server/chatapi/chattest"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// liveFile writes settings with a store that holds the sample company.
func liveFile(t testing.TB, text string) (file, store string) {
	t.Helper()
	file = settingsFile(t, "log: {format: json}\n"+text)
	return file, seed(t, file)
}

// seed puts the sample company into the store that settings name, and gives its path.
func seed(t testing.TB, file string) (store string) {
	t.Helper()
	cfg, err := config.Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newToolApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.backends.seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return cfg.Store.Path()
}

// deskFile is liveFile with an agent that may do everything and one model.
func deskFile(t testing.TB, modelURL, more string) (file, store string) {
	t.Helper()
	return liveFile(t, fmt.Sprintf("server: {listen: 127.0.0.1:0}\nmodel: {base_url: %q, name: main}\nagents: {desk: {tools: [\"*\"], effects: [read, write, message, money]}}\n%s", modelURL, more))
}

// ask puts one question to an agent, streamed. Headers are pairs of name and value.
func ask(ctx context.Context, base, question string, headers ...string) (*http.Response, error) {
	body := fmt.Sprintf(`{"model":"desk","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":%q}]}`, question)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return http.DefaultClient.Do(request)
}

// answered asks and reads the answer to its end, by the rules of a stream.
func answered(t testing.TB, base, question string, headers ...string) *chattest.Stream {
	t.Helper()
	response, err := ask(t.Context(), base, question, headers...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("answered %s: %s", response.Status, body)
	}
	stream := chattest.Read(response.Body, chattest.Asked{Usage: true})
	for _, broken := range stream.Broken {
		t.Errorf("the stream breaks a rule: %s", broken)
	}
	if id := response.Header.Get("X-Drawbridge-Run"); stream.Run.Run != "" && id != stream.Run.Run {
		t.Errorf("the header names run %q, the stream %q", id, stream.Run.Run)
	}
	return stream
}

// runOf gives a run as the API shows it.
func runOf(t testing.TB, base, id string) (run struct {
	State, Reason, Answer string
	Usage                 struct {
		Turns, Calls int
		Prompt       int `json:"prompt_tokens"`
		Completion   int `json:"completion_tokens"`
	}
}) {
	t.Helper()
	response, err := http.Get(base + "/v1/runs/" + id)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&run); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("answered %s: %v", response.Status, err)
	}
	return run
}

// awaitState waits until the newest run is in a state.
func awaitState(t testing.TB, store *state.Store, state dispatch.State, also ...func(dispatch.Run) bool) dispatch.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var newest dispatch.Run
	err := poll(ctx, func() (bool, error) {
		runs, err := store.Runs(ctx, "", 1)
		if err != nil || len(runs) == 0 {
			return false, err
		}
		newest = runs[0]
		fits := newest.State == state
		for _, f := range also {
			fits = fits && f(newest)
		}
		return fits, nil
	})
	if err != nil {
		t.Fatalf("waiting for a run that is %s: %v; it is %+v", state, err, newest)
	}
	return newest
}

// settled reads a store in which the audit has every call that was answered.
func settled(t testing.TB, store *state.Store) sqldb.Querier {
	t.Helper()
	if of, ok := store.Engine.(state.Spooler); ok {
		of.Settle(t.Context())
	}
	return store.Read()
}

// rows counts what is in a table.
func rows(t testing.TB, store *state.Store, query string) (n int) {
	t.Helper()
	if err := settled(t, store).QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const tasksOfTest = `SELECT COUNT(*) FROM crm_tasks WHERE title = 'call Ada back'`

// taskOnce is a model that looks around, leaves one task, and reports.
func taskOnce(q openaitest.Request) openaitest.Reply {
	switch q.Turn() {
	case 1:
		return openaitest.Calls([]openaitest.ToolCall{{Name: "crm_search_customers", Arguments: `{"q":"Ada"}`}, {Name: "crm_list_tasks", Arguments: `{}`}},
			openaitest.WithText("I look first."), openaitest.Interleaved(), openaitest.Pieces(5))
	case 2:
		return openaitest.Call("crm_create_task", `{"title":"call Ada back"}`)
	}
	return openaitest.Say("The task is there.", openaitest.Pieces(4))
}

func TestToolsAtWorkLeaveOneCleanMessage(t *testing.T) {
	fake := openaitest.New(t)
	fake.Func(taskOnce)
	file, path := deskFile(t, fake.URL(), "")
	server := serve(t, file)
	stream := answered(t, server.base, "see to Ada")
	if stream.Content != "I look first.\n\nThe task is there." || stream.Finish != "stop" || stream.Run.State != "succeeded" || stream.Reasoning != "" {
		t.Errorf("the client read %+v", stream)
	}
	run := runOf(t, server.base, stream.Run.Run)
	if run.State != "succeeded" || run.Usage.Turns != 3 || run.Usage.Calls != 3 {
		t.Errorf("the run is %+v", run)
	}
	if u := stream.Usage; u == nil || u.Prompt != run.Usage.Prompt || u.Completion != run.Usage.Completion || u.Total != u.Prompt+u.Completion || u.Prompt == 0 {
		t.Errorf("the client was told of usage %+v, the run used %+v", u, run.Usage)
	}
	if n := rows(t, look(t, path), tasksOfTest); n != 1 {
		t.Errorf("%d tasks, want one", n)
	}
	shown := answered(t, server.base, "see to Ada again", "X-Drawbridge-Activity", "true")
	if !strings.Contains(shown.Reasoning, "crm_create_task") || strings.Contains(shown.Reasoning, "call Ada back") {
		t.Errorf("asked to show what it does, the server shows %q", shown.Reasoning)
	}
	server.stop(t)
}

// TestKilledServerCarriesALiveRunOn kills the server in the middle of a conversation:
// the run goes on after the restart, what it did stays done once, and the client that
// asks again under the same key gets the whole answer.
func TestKilledServerCarriesALiveRunOn(t *testing.T) {
	for name, heldTurn := range map[string]int{"while the model answers first": 1, "behind what was changed": 3} {
		t.Run(name, func(t *testing.T) {
			fake, gate := openaitest.New(t), openaitest.NewGate()
			held := false
			fake.Func(func(q openaitest.Request) openaitest.Reply {
				if q.Turn() == heldTurn && !held {
					held = true
					return openaitest.Say("Half an answ", openaitest.Pieces(2), openaitest.Hold(3, gate))
				}
				return taskOnce(q)
			})
			file, path := deskFile(t, fake.URL(), "")
			server := serve(t, file)
			response, err := ask(t.Context(), server.base, "see to Ada", "Idempotency-Key", "key-1")
			if err != nil {
				t.Fatal(err)
			}
			<-gate.Reached()
			server.kill(t)
			if _, err := io.ReadAll(response.Body); err == nil {
				t.Error("the client was not told that its answer broke off")
			}
			_ = response.Body.Close()
			gate.Open()
			server = serve(t, file)
			stream := answered(t, server.base, "see to Ada", "Idempotency-Key", "key-1")
			if stream.Content != "I look first.\n\nThe task is there." || stream.Run.Run != response.Header.Get("X-Drawbridge-Run") {
				t.Errorf("asked again, the client read %+v; the run was %s", stream, response.Header.Get("X-Drawbridge-Run"))
			}
			if run := runOf(t, server.base, stream.Run.Run); run.State != "succeeded" || run.Usage.Turns != 3 {
				t.Errorf("the run is %+v", run)
			}
			if n := rows(t, look(t, path), tasksOfTest); n != 1 {
				t.Errorf("%d tasks, want one", n)
			}
			server.stop(t)
		})
	}
}

func TestStoppedServerEndsItsStreams(t *testing.T) {
	fake, gate := openaitest.New(t), openaitest.NewGate()
	held := false
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		if q.Turn() == 3 && !held {
			held = true
			return openaitest.Say("The task is there.", openaitest.Pieces(4), openaitest.Hold(2, gate))
		}
		return taskOnce(q)
	})
	file, path := deskFile(t, fake.URL(), "")
	server := serve(t, file)
	response, err := ask(t.Context(), server.base, "see to Ada")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	<-gate.Reached()
	read := make(chan *chattest.Stream, 1)
	go func() { read <- chattest.Read(response.Body, chattest.Asked{Usage: true}) }()
	server.stop(t)
	stream := <-read
	if stream.Error == nil || len(stream.Broken) > 0 {
		t.Errorf("the stream ended with %+v", stream)
	}
	gate.Open()
	server = serve(t, file)
	awaitState(t, look(t, path), dispatch.Succeeded)
	if n := rows(t, look(t, path), tasksOfTest); n != 1 {
		t.Errorf("%d tasks, want one", n)
	}
	server.stop(t)
}

func TestClientGoneCancelsOnlyWhereItAskedForThat(t *testing.T) {
	for header, want := range map[string]dispatch.State{"cancel": dispatch.Cancelled, "continue": dispatch.Succeeded, "": dispatch.Succeeded} {
		t.Run("asked to "+header, func(t *testing.T) {
			fake, gate := openaitest.New(t), openaitest.NewGate()
			fake.Always(openaitest.Say("Here I am.", openaitest.Pieces(2), openaitest.Hold(3, gate)))
			file, path := deskFile(t, fake.URL(), "")
			server := serve(t, file)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			response, err := ask(ctx, server.base, "hello", "X-Drawbridge-On-Disconnect", header)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			<-gate.Reached()
			leave()
			if want == dispatch.Cancelled {
				awaitState(t, look(t, path), want) // while the model still holds its answer
			}
			gate.Open()
			awaitState(t, look(t, path), want)
			server.stop(t)
		})
	}
}

func TestDayIsUsedUpAcrossARestart(t *testing.T) {
	fake := openaitest.New(t)
	fake.Always(openaitest.Say("Yes."))
	file, _ := liveFile(t, fmt.Sprintf("server: {listen: 127.0.0.1:0}\nmodel: {base_url: %q, name: main}\nagents: {desk: {daily: {turns: 2}}}\n", fake.URL()))
	server := serve(t, file)
	answered(t, server.base, "one?")
	server.kill(t)
	server = serve(t, file)
	answered(t, server.base, "two?")
	response, err := ask(t.Context(), server.base, "three?")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusTooManyRequests || !bytes.Contains(body, []byte("insufficient_quota")) {
		t.Errorf("answered %s: %s", response.Status, body)
	}
	if n := len(fake.Requests()); n != 2 {
		t.Errorf("the model was asked %d times, want twice", n)
	}
	server.stop(t)
}

func TestFallbackIsSeenInTheRun(t *testing.T) {
	away, fake := openaitest.New(t), openaitest.New(t)
	away.Close()
	fake.Always(openaitest.Say("I stand in.", openaitest.Uses(openaitest.Usage{Prompt: 1_000_000, Completion: 100_000})))
	file, _ := liveFile(t, fmt.Sprintf(`
server: {listen: 127.0.0.1:0}
model: {base_url: %q, name: main, attempts: 1, prices: {main: {input: 1, output: 1}, spare: {input: 1.25, output: 10}}}
models: {spare: {base_url: %q, name: small-2}}
agents: {desk: {fallback: [spare], budget: {tokens: 9000000, cost: 5 USD}}}
`, away.URL(), fake.URL()))
	server := serve(t, file)
	stream := answered(t, server.base, "hello")
	if stream.Content != "I stand in." || fake.Requests()[0].Model != "small-2" {
		t.Errorf("the client read %+v, %q was asked", stream, fake.Requests()[0].Model)
	}
	out, errs, code := command(t, "runs", "show", "-c", file, stream.Run.Run)
	for _, want := range []string{"model main, else spare", "passed over model main: ", "turn 1 (spare, small-2): I stand in.", "100000 out", "2.25 USD"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the timeline:\n%s", want, out)
		}
	}
	if code != exitDone || errs != "" {
		t.Errorf("exit %d, %s", code, errs)
	}
	if out, _, _ := command(t, "runs", "list", "-c", file); !strings.Contains(out, "2.25 USD") {
		t.Errorf("the list does not say what it cost:\n%s", out)
	}
	server.stop(t)
}

func TestWhatAnAgentsModelCannotBeAskedForIsRefusedAtTheDoor(t *testing.T) {
	fake := openaitest.New(t)
	fake.Always(openaitest.Say("Hello."))
	file, _ := liveFile(t, fmt.Sprintf("server: {listen: 127.0.0.1:0}\nmodel: {base_url: %q, name: main, api: responses}\nagents: {desk: {}}\n", fake.URL()))
	server := serve(t, file)
	response, err := http.Post(server.base+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"desk","messages":[{"role":"user","content":"hi"}],"seed":1}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusBadRequest || !bytes.Contains(body, []byte(`"param":"seed"`)) || response.Header.Get("X-Drawbridge-Run") != "" {
		t.Errorf("answered %s: %s", response.Status, body)
	}
	if stream := answered(t, server.base, "hello"); stream.Content != "Hello." || len(fake.Requests()) != 1 {
		t.Errorf("the client read %+v, after %d questions to the model", stream, len(fake.Requests()))
	}
	server.stop(t)
}
