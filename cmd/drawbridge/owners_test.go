package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/chatapi/chattest"
	"drawbridge/server/dispatch"
)

const (
	frontKey = "front-key-0123456789"
	backKey  = "back-key-01234567890"
)

// ownersText is a desk that may do everything, and two keys; what the first may do is
// left open.
func ownersText(modelURL, frontMay string) string {
	return fmt.Sprintf(`
server:
  listen: 127.0.0.1:0
  keys: [{name: front, key: %s, tools: [%s]}, {name: back, key: %s, tools: ["*"]}]
model: {base_url: %q, name: main, max_functions: 8}
agents: {desk: {tools: ["*"], always: [crm_create_task, crm_list_tasks]}}
`, frontKey, frontMay, backKey, modelURL)
}

// sendAs makes a request to the server under a key, and gives its status and body.
func sendAs(t testing.TB, method, url, key, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

// taskAnyway is a model that searches for what it is not offered, and calls it.
func taskAnyway(q openaitest.Request) openaitest.Reply {
	switch q.Turn() {
	case 1:
		return openaitest.Call("find_tools", `{"query":"create a task"}`)
	case 2:
		return openaitest.Call("crm_create_task", `{"title":"call Ada back"}`)
	}
	return openaitest.Say("Done, or not.")
}

// TestKeyBoundsWhatAnAgentDoesForIt: what the key may not call its agent is not shown, does
// not find, and may not call by name, whatever is configured to be there always.
func TestKeyBoundsWhatAnAgentDoesForIt(t *testing.T) {
	fake := openaitest.New(t)
	fake.Func(taskAnyway)
	file, path := liveFile(t, ownersText(fake.URL(), `"crm_get_*", "crm_list_*", "crm_search_*", "payment_get_*", "payment_list_*"`))
	server := serve(t, file)
	answered(t, server.base, "see to Ada", "Authorization", "Bearer "+frontKey)
	for i, q := range fake.Requests() {
		if q.Offers("crm_create_task") {
			t.Errorf("request %d offers what the key may not call", i+1)
		}
		if !q.Offers("crm_list_tasks") {
			t.Errorf("request %d does not offer what is always there", i+1)
		}
	}
	last := fake.Requests()[len(fake.Requests())-1]
	if found, ok := last.Result("find_tools"); !ok || strings.Contains(found, "crm_create_task") {
		t.Errorf("the search found %q", found)
	}
	if n := rows(t, look(t, path), tasksOfTest); n != 0 {
		t.Errorf("%d tasks were made for a key that may make none", n)
	}
	if n := rows(t, look(t, path), `SELECT COUNT(*) FROM audit WHERE tool = 'crm_create_task' AND decision <> 'allowed' AND door = 'chat' AND run <> ''`); n != 1 {
		t.Errorf("%d attempts on record, want one", n)
	}
	server.stop(t)
}

// ringing is a request with a function of the client's own, and with what became of
// the calls of an earlier answer, if there is one.
func ringing(first *chattest.Stream) string {
	more := ""
	if first != nil {
		id := first.Calls[0].ID
		more = fmt.Sprintf(`,{"role":"assistant","content":null,"tool_calls":[{"id":%q,"type":"function","function":{"name":"ring","arguments":"{}"}}]},{"role":"tool","tool_call_id":%q,"content":"rang"}`, id, id)
	}
	return `{"model":"desk","stream":true,"stream_options":{"include_usage":true},"tools":[{"type":"function","function":{"name":"ring","parameters":{"type":"object","properties":{}}}}],
		"messages":[{"role":"user","content":"Ring, then make a task."}` + more + `]}`
}

func said(t testing.TB, body string) *chattest.Stream {
	t.Helper()
	s := chattest.Read(strings.NewReader(body), chattest.Asked{Usage: true, Own: []string{"ring"}})
	for _, broken := range s.Broken {
		t.Errorf("the stream breaks a rule: %s", broken)
	}
	return s
}

// TestRunIsNobodysButItsOwners: to another key it is not there, by none of its names.
func TestRunIsNobodysButItsOwners(t *testing.T) {
	fake := openaitest.New(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		if _, rang := q.Result("ring"); rang {
			return openaitest.Say("It rang.")
		}
		return openaitest.Call("ring", `{}`)
	})
	file, path := liveFile(t, ownersText(fake.URL(), `"*"`))
	server := serve(t, file)
	chat, runs := server.base+"/v1/chat/completions", server.base+"/v1/runs/"
	_, header, body := sendAs(t, http.MethodPost, chat, frontKey, ringing(nil), "Idempotency-Key", "k")
	run, first := header.Get("X-Drawbridge-Run"), said(t, body)
	if len(first.Calls) != 1 {
		t.Fatalf("the first answer was %s", body)
	}
	for what, ask := range map[string]func() (int, http.Header, string){
		"seen":      func() (int, http.Header, string) { return sendAs(t, http.MethodGet, runs+run, backKey, "") },
		"cancelled": func() (int, http.Header, string) { return sendAs(t, http.MethodPost, runs+run+"/cancel", backKey, "") },
	} {
		if status, _, body := ask(); status != http.StatusNotFound {
			t.Errorf("the run can be %s by another: %d %s", what, status, body)
		}
	}
	// The same key of another is another; results for a run of somebody else make a new one.
	for what, request := range map[string][]string{"joined": {ringing(nil), "Idempotency-Key", "k"}, "continued": {ringing(first)}} {
		status, header, body := sendAs(t, http.MethodPost, chat, backKey, request[0], request[1:]...)
		if status != http.StatusOK || header.Get("X-Drawbridge-Run") == run || strings.Contains(body, run) {
			t.Errorf("the run can be %s by another: %d %s", what, status, body)
		}
	}
	if r, err := look(t, path).Run(t.Context(), run); err != nil || r.State != dispatch.Waiting || r.Owner != "key:front" {
		t.Errorf("the run is %+v (%v), want it waiting for its owner", r, err)
	}
	if _, header, body := sendAs(t, http.MethodPost, chat, frontKey, ringing(first)); header.Get("X-Drawbridge-Run") != run || said(t, body).Content != "It rang." {
		t.Errorf("its owner goes on with it: %s", body)
	}
	server.stop(t)
}

// TestRunThatWaitedMayDoWhatItsKeyMayDoNow: settings that take something away hold for
// what was begun before them.
func TestRunThatWaitedMayDoWhatItsKeyMayDoNow(t *testing.T) {
	fake := openaitest.New(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		switch q.Turn() {
		case 1:
			return openaitest.Call("ring", `{}`)
		case 2:
			return openaitest.Call("crm_create_task", `{"title":"call Ada back"}`)
		}
		return openaitest.Say("Done, or not.")
	})
	file, path := liveFile(t, ownersText(fake.URL(), `"*"`))
	server := serve(t, file)
	_, header, body := sendAs(t, http.MethodPost, server.base+"/v1/chat/completions", frontKey, ringing(nil))
	first := said(t, body)
	server.stop(t)
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	narrowed := strings.Replace(string(old), frontKey+`, tools: ["*"]`, frontKey+`, tools: ["crm_list_*"]`, 1)
	if narrowed == string(old) {
		t.Fatal("the settings are as they were")
	}
	if err := os.WriteFile(file, []byte(narrowed), 0o600); err != nil {
		t.Fatal(err)
	}
	server = serve(t, file)
	_, again, body := sendAs(t, http.MethodPost, server.base+"/v1/chat/completions", frontKey, ringing(first))
	if again.Get("X-Drawbridge-Run") != header.Get("X-Drawbridge-Run") || said(t, body).Content != "Done, or not." {
		t.Errorf("went on in %s with %s", again.Get("X-Drawbridge-Run"), body)
	}
	if requests := fake.Requests(); requests[len(requests)-1].Offers("crm_create_task") {
		t.Error("the model is offered what the key may not call any more")
	}
	if n := rows(t, look(t, path), tasksOfTest); n != 0 {
		t.Errorf("%d tasks were made", n)
	}
	server.stop(t)
}
