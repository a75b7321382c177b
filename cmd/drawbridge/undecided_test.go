package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
)

// losing is a server whose agent puts a thing at a far side that loses the answer.
func losing(t *testing.T) (file, path string, far *farSide) {
	t.Helper()
	far = newFarSide(t)
	fake := openaitest.New(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		if q.Turn() == 1 {
			return openaitest.Call("far__put", `{"id":"a"}`)
		}
		return openaitest.Say("It is put.")
	})
	far.around(nil, func() bool { return false })
	file, path = liveFile(t, fmt.Sprintf("server: {listen: 127.0.0.1:0}\nmodel: {base_url: %q, name: main}\nagents: {desk: {tools: [\"far__*\"]}}\n", fake.URL())+far.settings())
	return file, path, far
}

// TestPersonIsToldAtEveryDoorWhatIsNotKnown: the chat door does not hang, the lists and the
// timeline say what to do, and the decision is on record.
func TestPersonIsToldAtEveryDoorWhatIsNotKnown(t *testing.T) {
	file, path, far := losing(t)
	server := serve(t, file)
	awaitMount(t, server, "far")
	got := apiCaller{t, server.base, ""}.do("POST", "/v1/chat/completions", `{"model":"desk","stream":true,"messages":[{"role":"user","content":"Put it."}]}`)
	run := got.header.Get("X-Drawbridge-Run")
	for _, want := range []string{"It is not known whether this took effect: far__put.", "drawbridge runs resolve " + run, `"finish_reason":"stop"`, "data: [DONE]"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the stream lacks %q:\n%s", want, got.body)
		}
	}
	var calls []struct {
		Run, Tool, Why string
		Call           int64
		Arguments      json.RawMessage
	}
	out, _, code := command(t, "runs", "undecided", "-c", file, "--json")
	if err := json.Unmarshal([]byte(out), &calls); err != nil || code != exitDone || len(calls) != 1 || calls[0].Run != run || calls[0].Tool != "far__put" || strings.Join(strings.Fields(string(calls[0].Arguments)), "") != `{"id":"a"}` {
		t.Fatalf("undecided: exit %d %s", code, out)
	}
	if out, _, _ := command(t, "runs", "undecided", "-c", file); !strings.Contains(out, run) || !strings.Contains(out, "far__put") {
		t.Errorf("undecided, for people:\n%s", out)
	}
	if out, _, _ := command(t, "runs", "show", run, "-c", file); !strings.Contains(out, "unknown   call 3: far__put") || !strings.Contains(out, "resolve "+run+" --call 3") || !strings.Contains(out, "doubt") {
		t.Errorf("the timeline:\n%s", out)
	}
	if out, errs, code := command(t, "runs", "resolve", run, "-c", file, "--call", "3", "--happened", "--result", `{"id":"a1"}`); code != exitDone || !strings.Contains(out, "goes on") {
		t.Fatalf("deciding: exit %d %s%s", code, out, errs)
	}
	store := look(t, path)
	ended := (&mortal{t: t, run: run}).await(store)
	if ended.State != dispatch.Succeeded || ended.Answer != "It is put." {
		t.Errorf("the run ended as %s: %s", ended.State, ended.Answer)
	}
	if out, _, _ := command(t, "runs", "show", run, "-c", file); !strings.Contains(out, "it happened, says "+person()) || !strings.Contains(out, `{"id":"a1"}`) {
		t.Errorf("the timeline at the end:\n%s", out)
	}
	if all, most, calls := far.took(); all != 1 || most != 1 || calls != 1 {
		t.Errorf("%d effects of %d calls", all, calls)
	}
	checkJournal(t, store, run)
	server.stop(t)
}

// TestRunAtATerminalDoesNotWaitForThePerson who sits there.
func TestRunAtATerminalDoesNotWaitForThePerson(t *testing.T) {
	file, _, far := losing(t)
	out, errs, code := command(t, "run", "-c", file, "Put it.")
	if code != exitFailed || !strings.Contains(out, "It is not known whether this took effect: far__put.") || !strings.Contains(errs, "waiting: outcome_unknown") {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	var calls []struct{ Run string }
	listed, _, _ := command(t, "runs", "undecided", "-c", file, "--json")
	if err := json.Unmarshal([]byte(listed), &calls); err != nil || len(calls) != 1 {
		t.Fatalf("undecided: %s", listed)
	}
	for _, wrong := range [][]string{
		{}, {"--happened", "--give-up"}, {"--give-up", "--result", "{}"}, {"--happened", "--result", "{"}, {"--happened", "--call", "0"},
	} {
		if _, errs, code := command(t, append([]string{"runs", "resolve", calls[0].Run, "-c", file}, wrong...)...); code != exitWrong {
			t.Errorf("%q: exit %d %s", wrong, code, errs)
		}
	}
	if _, errs, code := command(t, "runs", "resolve", calls[0].Run, "-c", file, "--happened", "--call", "9"); code != exitFailed || !strings.Contains(errs, "runs undecided") {
		t.Errorf("another call: exit %d %s", code, errs)
	}
	if out, _, code := command(t, "runs", "resolve", calls[0].Run, "-c", file, "--give-up"); code != exitDone || !strings.Contains(out, "ends") {
		t.Errorf("giving up: exit %d %s", code, out)
	}
	if listed, _, _ := command(t, "runs", "undecided", "-c", file); !strings.Contains(listed, "no run waits for a person") {
		t.Errorf("undecided in the end:\n%s", listed)
	}
	if all, _, calls := far.took(); all != 1 || calls != 1 {
		t.Errorf("%d effects of %d calls", all, calls)
	}
}
