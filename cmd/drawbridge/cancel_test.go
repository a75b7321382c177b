package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"drawbridge/bridge"
	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// slowTools is an MCP server with two tools: look reads, act changes something. A
// call is told on called, and comes back when it may or when its caller has gone.
type slowTools struct {
	called chan string
	may    chan struct{}
	gone   chan string
}

func newSlowTools(t *testing.T) (s *slowTools, url string) {
	t.Helper()
	s = &slowTools{called: make(chan string, 8), may: make(chan struct{}), gone: make(chan string, 8)}
	listed := &rawServer{got: map[string]json.RawMessage{}}
	for _, name := range []string{"look", "act"} {
		listed.tools = append(listed.tools, json.RawMessage(fmt.Sprintf(`{"name":%q,"inputSchema":{"type":"object","properties":{}}}`, name)))
	}
	listed.hold = func(r *http.Request, tool string) {
		s.called <- tool
		select {
		case <-s.may:
		case <-r.Context().Done():
			s.gone <- tool
		}
	}
	web := httptest.NewServer(listed)
	t.Cleanup(web.Close)
	return s, web.URL
}

// slowFile writes settings with an agent whose model calls the slow tool that it is
// told.
func slowFile(t *testing.T, tools string) (file, store string) {
	t.Helper()
	fake := openaitest.New(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		if q.Turn() == 1 {
			return openaitest.Call("slow__"+q.Last().Text, `{}`, openaitest.WithText("I do it."))
		}
		return openaitest.Say("Done.")
	})
	return deskFile(t, fake.URL(), fmt.Sprintf("tools: {mcp: [{name: slow, url: %q, effects: {look: read}}]}\n", tools))
}

// cancelBeside runs `runs cancel` and gives its exit code and words when it is over.
func cancelBeside(t *testing.T, file, run string) <-chan string {
	over := make(chan string, 1)
	go func() {
		out, errs, code := command(t, "runs", "cancel", "-c", file, run)
		over <- fmt.Sprintf("exit %d: %s%s", code, out, errs)
	}()
	return over
}

// serveSlow starts a server and waits until it has the slow tools: until then its agents
// are not offered any.
func serveSlow(t *testing.T, file string) *program {
	t.Helper()
	server := serve(t, file)
	awaitMount(t, server, "slow")
	return server
}

func asked(run dispatch.Run) bool { return run.Cancel != "" }

// journaled gives the kinds of a run's entries, in order.
func journaled(t *testing.T, store *state.Store, run string) string {
	t.Helper()
	var kinds []string
	for _, e := range entriesOf(t, store, run) {
		kinds = append(kinds, string(e.Kind))
	}
	return strings.Join(kinds, " ")
}

func TestReadUnderWayIsBrokenOffByACancelFromOutside(t *testing.T) {
	slow, url := newSlowTools(t)
	file, path := slowFile(t, url)
	server := serveSlow(t, file)
	response, err := ask(t.Context(), server.base, "look")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	<-slow.called
	run := response.Header.Get("X-Drawbridge-Run")
	if got := <-cancelBeside(t, file, run); got != fmt.Sprintf("exit 0: run %s is cancelled\n", run) {
		t.Errorf("the command ended with %s", got)
	}
	<-slow.gone
	if ended := runOf(t, server.base, run); ended.State != string(dispatch.Cancelled) || ended.Reason != string(bridge.CancelledByUser) {
		t.Errorf("the run is %+v", ended)
	}
	if got := journaled(t, look(t, path), run); !strings.HasPrefix(got, "brief answer intent") || !strings.HasSuffix(got, "outcome") {
		t.Errorf("the journal holds %s", got)
	}
	if got := <-cancelBeside(t, file, run); !strings.HasPrefix(got, "exit 1: ") || !strings.Contains(got, "has ended already: cancelled") {
		t.Errorf("cancelled again: %s", got)
	}
	server.stop(t)
}

func TestWriteUnderWayIsWaitedForAndJournaledBeforeACancel(t *testing.T) {
	slow, url := newSlowTools(t)
	file, path := slowFile(t, url)
	server, store := serveSlow(t, file), look(t, path)
	begin := func(question string) (run string) {
		response, err := ask(t.Context(), server.base, question)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		<-slow.called
		return response.Header.Get("X-Drawbridge-Run")
	}
	read, run := begin("look"), begin("act")
	cancelling := cancelBeside(t, file, run)
	awaitState(t, store, dispatch.Running, asked)
	// The server looks for what is to be cancelled all at once: when the read is broken
	// off, it knows of the write as well.
	<-cancelBeside(t, file, read)
	<-slow.gone
	select {
	case got := <-cancelling:
		t.Fatalf("the command did not wait for the call: %s", got)
	default:
	}
	close(slow.may)
	if got := <-cancelling; got != fmt.Sprintf("exit 0: run %s is cancelled\n", run) {
		t.Errorf("the command ended with %s", got)
	}
	if len(slow.gone) > 0 {
		t.Error("the write was broken off")
	}
	if got := journaled(t, store, run); got != "brief answer intent result outcome" {
		t.Errorf("the journal holds %s", got)
	}
	calls, err := dispatch.Calls(entriesOf(t, store, run))
	if err != nil || len(calls) != 1 || calls[0].Status != "ok" {
		t.Errorf("calls: %+v (%v), want one that was made", calls, err)
	}
	server.stop(t)
}

func entriesOf(t *testing.T, store *state.Store, run string) []bridge.Entry {
	t.Helper()
	entries, err := store.Entries(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// TestRunOfNobodyIsCancelledWithoutAServer: no process has to serve for that.
func TestRunOfNobodyIsCancelledWithoutAServer(t *testing.T) {
	slow, url := newSlowTools(t)
	file, path := slowFile(t, url)
	server := serveSlow(t, file)
	response, err := ask(t.Context(), server.base, "look")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	<-slow.called
	server.stop(t) // puts the run down
	run := response.Header.Get("X-Drawbridge-Run")
	if got := <-cancelBeside(t, file, run); got != fmt.Sprintf("exit 0: run %s is cancelled\n", run) {
		t.Errorf("the command ended with %s", got)
	}
	if got := journaled(t, look(t, path), run); !strings.HasSuffix(got, "outcome") {
		t.Errorf("the journal holds %s", got)
	}
}
