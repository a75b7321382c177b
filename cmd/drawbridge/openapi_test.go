package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/approvalapi"
	"drawbridge/server/chatapi"
	"drawbridge/server/dispatch"
	"drawbridge/server/runapi"
)

// filled is an operation's path with something in place of its names.
func filled(operation string) (method, path string) {
	method, path, _ = strings.Cut(operation, " ")
	return method, strings.NewReplacer("{id}", "run_none", "{model}", "nobody", "{source}", "nowhere").Replace(path)
}

// notMet are answers of the document that this test cannot bring about. Those that
// begin with 5 are faults of ours.
var notMet = map[string]string{
	"GET /webhooks/{source} 200":  "needs a source whose scheme has a handshake: see the tests of those schemes",
	"GET /webhooks/{source} 400":  "the same",
	"GET /webhooks/{source} 403":  "the same",
	"POST /webhooks/{source} 400": "needs a scheme that finds a verified delivery malformed: see the schemes' tests",
}

// TestDocumentDescribesWhatTheServerDoes walks every operation of the document on a
// running server: each documented answer is met, and each answer that is met is
// documented, member by member.
func TestDocumentDescribesWhatTheServerDoes(t *testing.T) {
	fake := openaitest.New(t)
	far := newFarSide(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		if q.Turn() == 1 && strings.Contains(string(q.Body), "Put it there.") {
			return openaitest.Call("far__put", `{"id":"a"}`)
		}
		if q.Turn() == 1 {
			return openaitest.Call("crm_list_tasks", `{}`, openaitest.WithText("I look."))
		}
		return openaitest.Say("Ada is there.")
	})
	settings := "server: {listen: 127.0.0.1:0, max_body: 64KiB%s}\nmodel: {base_url: %q, name: main}\nagents: {desk: {tools: [\"*\"]}, other: {}}\n" +
		"webhooks: {forge: {scheme: github, secrets: [forge-secret-0123456789], agent: other, prompt: Look., max_body: 1KiB}}\n"
	keys := fmt.Sprintf(`, keys: [{name: front, key: %s, tools: ["*"], agents: [desk, gone], approve: true}, {name: slow, key: %s, tools: ["*"], agents: [desk], requests_per_minute: 1}]`, frontKey, backKey)
	file, kept := liveFile(t, fmt.Sprintf(settings, keys, fake.URL())+far.settings())
	server := serve(t, file)
	awaitMount(t, server, "far")
	d := readDocument(t, server.base)
	front := apiCaller{t, server.base, frontKey}

	meetRuns(d, front, apiCaller{t, server.base, backKey})
	meetDecisions(d, front, apiCaller{t, server.base, backKey}, far)
	meetApprovals(d, front, apiCaller{t, server.base, backKey}, kept)
	meetChat(d, front, apiCaller{t, server.base, backKey})
	meetWebhooks(d, front)
	d.holds("GET /v1/openapi.json", apiCaller{t, server.base, ""}.do("GET", "/v1/openapi.json", ""))
	tag := front.do("GET", "/v1/openapi.json", "").header.Get("ETag")
	d.holds("GET /v1/openapi.json", front.do("GET", "/v1/openapi.json", "", "If-None-Match", tag))

	open, _ := liveFile(t, fmt.Sprintf(settings, "", fake.URL()))
	keyless := apiCaller{t, serve(t, open).base, ""}
	for _, operation := range d.operations() {
		method, path := filled(operation)
		if d.documented(operation, "401") && strings.HasPrefix(path, "/v1/") {
			d.holds(operation, apiCaller{t, server.base, ""}.do(method, path, "{}"))
		}
		if d.documented(operation, "403") && strings.HasPrefix(path, "/v1/") {
			d.holds(operation, keyless.do(method, path, "{}", "Origin", "https://evil.example"))
		}
	}
	for path := range d.raw["paths"].(map[string]any) {
		for _, method := range methods {
			operation := method + " " + path
			_, sent := filled(operation)
			if _, _, there := d.at("paths", path, strings.ToLower(method)); there || strings.HasPrefix(path, "/webhooks/") {
				continue
			}
			got := front.do(method, sent, "{}")
			if err := d.fits("#/components/schemas/Error", []byte(got.body)); got.status != http.StatusMethodNotAllowed || err != nil || got.header.Get("Allow") == "" {
				t.Errorf("%s, which the document does not have: %d %s (%v)", operation, got.status, got.body, err)
			}
			if operation == "POST "+"/v1/openapi.json" {
				d.seen["GET /v1/openapi.json 405"] = true
			}
		}
	}
	for _, operation := range d.operations() {
		method, path, _ := strings.Cut(operation, " ")
		answers, _, _ := d.at("paths", path, strings.ToLower(method), "responses")
		for status := range answers {
			met := operation + " " + status
			if _, excused := notMet[met]; !d.seen[met] && !excused && status[0] != '5' {
				t.Errorf("the document has %s, which was not met", met)
			} else if d.seen[met] && excused {
				t.Errorf("%s was met, and is excused", met)
			}
		}
	}
}

// meetRuns brings about the answers of the API of runs.
func meetRuns(d *apiDocument, front, slow apiCaller) {
	const runs, one, cancel = "/v1/runs", " /v1/runs/{id}", "POST /v1/runs/{id}/cancel"
	post := func(c apiCaller, body string, headers ...string) exchanged {
		got := c.do("POST", runs, body, headers...)
		d.holds("POST "+runs, got)
		return got
	}
	example, _, _ := d.at("paths", runs, "post", "requestBody", "content", "application/json", "examples", "all")
	all, _ := example["value"].(map[string]any)
	all["agent"] = "desk"
	withCallback, _ := json.Marshal(all)
	if got := post(front, string(withCallback)); !strings.Contains(got.body, "callbacks.secrets") {
		d.t.Errorf("a callback without a secret to sign it: %d %s", got.status, got.body)
	}
	delete(all, "callback")
	body, _ := json.Marshal(all)
	later := post(front, string(body), "Idempotency-Key", "k")
	if again := post(front, string(body), "Idempotency-Key", "k"); later.status != http.StatusAccepted || again.header.Get("Idempotent-Replayed") != "true" {
		d.t.Errorf("%d %s, then %v", later.status, later.body, again.header)
	}
	post(front, `{"agent":"desk","prompt":"Another."}`, "Idempotency-Key", "k")
	post(front, `{"agent":"other","prompt":"Look."}`)
	post(front, `{"agent":"gone","prompt":"Look."}`)
	post(front, `{"agent":"desk","prompt":"`+strings.Repeat("x", 70<<10)+`"}`)
	post(front, `{}`, "Content-Type", "text/plain")
	post(slow, `{"agent":"desk","prompt":"Look."}`)
	post(slow, `{"agent":"desk","prompt":"Look."}`)
	var run struct{ ID string }
	if err := json.Unmarshal([]byte(post(front, `{"agent":"desk","prompt":"Is Ada there?","untrusted":true}`).body), &run); err != nil {
		d.t.Fatal(err)
	}
	path := runs + "/" + run.ID
	ended := front.do("GET", path+"?wait=60s", "")
	d.holds("GET"+one, ended)
	if !strings.Contains(ended.body, `"state":"succeeded"`) || !strings.Contains(ended.body, `"tool":"crm_list_tasks","status":"ok"`) {
		d.t.Errorf("the run stands at %s", ended.body)
	}
	stream := front.do("GET", path, "", "Accept", "text/event-stream")
	d.holds("GET"+one, stream)
	meetEvents(d, stream.body, "state brief answer intent result answer outcome end")
	d.holds("GET"+one, front.do("GET", path+"?stream=true", "", "Last-Event-ID", "end"))
	d.holds("GET"+one, front.do("GET", path+"?wait=soon", ""))
	d.holds("GET"+one, front.do("GET", runs+"/run_none", ""))
	d.holds("GET"+one, slow.do("GET", path+"?wait=1s", ""))
	d.holds("GET "+runs, front.do("GET", runs+"?state=queued,succeeded&agent=desk&source=api&limit=1", ""))
	d.holds("GET "+runs, front.do("GET", runs+"?limit=many", ""))
	d.holds("GET "+runs, slow.do("GET", runs, ""))
	d.holds(cancel, front.do("POST", later.header.Get("Location")+"/cancel", ""))
	d.holds(cancel, front.do("POST", runs+"/run_none/cancel", ""))
	for _, name := range []string{"state=queued", "agent=desk", "source=api", "event=evt_1", "reason=answered", "limit=5", "cursor="} {
		if got := front.do("GET", runs+"?"+name, ""); got.status != http.StatusOK {
			d.t.Errorf("the filter %s: %d %s", name, got.status, got.body)
		}
	}
}

// meetDecisions brings about the answers about a call of which nobody knows whether it
// took effect.
func meetDecisions(d *apiDocument, front, slow apiCaller, far *farSide) {
	const resolve = "POST /v1/runs/{id}/resolve"
	far.around(nil, func() bool { return false })
	var run struct{ ID, Reason string }
	if err := json.Unmarshal([]byte(front.do("POST", "/v1/runs", `{"agent":"desk","prompt":"Put it there."}`).body), &run); err != nil {
		d.t.Fatal(err)
	}
	path := "/v1/runs/" + run.ID
	var stands exchanged
	eventually(d.t, "the run to wait for a person", time.Minute, func() bool {
		stands = front.do("GET", path, "")
		return json.Unmarshal([]byte(stands.body), &run) == nil && run.Reason == "outcome_unknown"
	})
	d.holds("GET /v1/runs/{id}", stands)
	if !strings.Contains(stands.body, `"unknown":[{"call":3,"tool":"far__put","arguments":{"id":"a"},"effect":"write"`) {
		d.t.Errorf("the run stands at %s", stands.body)
	}
	if listed := front.do("GET", "/v1/runs?reason=outcome_unknown", ""); !strings.Contains(listed.body, run.ID) {
		d.t.Errorf("the list of what waits for a person: %s", listed.body)
	}
	said := func(c apiCaller, run, body string, want int, headers ...string) {
		d.t.Helper()
		got := c.do("POST", "/v1/runs/"+run+"/resolve", body, headers...)
		if d.holds(resolve, got); got.status != want {
			d.t.Errorf("%s: %d %s, want %d", body, got.status, got.body, want)
		}
	}
	for _, bad := range []string{`{}`, `{"verdict":"perhaps"}`, `{"verdict":"happened","call":0}`, `{"verdict":"give_up","result":{}}`, `{"verdict":"happened","who":"me"}`} {
		said(front, run.ID, bad, http.StatusBadRequest)
	}
	said(front, "run_none", `{"verdict":"happened"}`, http.StatusNotFound)
	said(slow, run.ID, `{"verdict":"happened"}`, http.StatusTooManyRequests) // nor is it this key's
	said(front, run.ID, `{"verdict":"happened"}`, http.StatusUnsupportedMediaType, "Content-Type", "text/plain")
	said(front, run.ID, `{"verdict":"happened","result":"`+strings.Repeat("x", 70<<10)+`"}`, http.StatusRequestEntityTooLarge)
	said(front, run.ID, `{"verdict":"happened","call":4}`, http.StatusConflict)
	said(front, run.ID, `{"verdict":"happened","call":3,"result":{"id":"a1"}}`, http.StatusOK)
	said(front, run.ID, `{"verdict":"did_not_happen"}`, http.StatusConflict)
	if ended := front.do("GET", path+"?wait=60s", ""); !strings.Contains(ended.body, `"state":"succeeded"`) || !strings.Contains(ended.body, `"unknown":[]`) {
		d.t.Errorf("the run stands at %s", ended.body)
	}
	meetEvents(d, front.do("GET", path, "", "Accept", "text/event-stream").body, "brief answer intent doubt decision result answer outcome end")
	if all, most, calls := far.took(); all != 1 || most != 1 || calls != 1 {
		d.t.Errorf("%d effects of %d calls", all, calls)
	}
}

// meetEvents holds the data of a stream's events against their schemas.
func meetEvents(d *apiDocument, stream, want string) {
	var names []string
	for _, block := range strings.Split(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		var name, data string
		for _, line := range strings.Split(block, "\n") {
			if after, ok := strings.CutPrefix(line, "event: "); ok {
				name = after
			} else if after, ok := strings.CutPrefix(line, "data: "); ok {
				data = after
			}
		}
		if data == "" {
			continue
		}
		names = append(names, name)
		schema := map[string]string{"state": "StateEvent", "end": "Run"}[name]
		if schema == "" {
			schema = "JournalEntry"
		}
		if err := d.fits("#/components/schemas/"+schema, []byte(data)); err != nil {
			d.t.Errorf("the event %s: %v\n%s", name, err, data)
		}
	}
	if got := strings.Join(names, " "); got != strings.TrimPrefix(want, "state ") && got != want { // one that has ended has no state but its end
		d.t.Errorf("the events are %s, want %s", got, want)
	}
}

// meetChat brings about the answers of the chat door.
func meetChat(d *apiDocument, front, slow apiCaller) {
	const chat = "POST /v1/chat/completions"
	question := `{"model":"desk","messages":[{"role":"user","content":"Is Ada there?"}]%s}`
	ask := func(c apiCaller, body string, headers ...string) {
		d.holds(chat, c.do("POST", "/v1/chat/completions", body, headers...))
	}
	ask(front, fmt.Sprintf(question, ""), "Idempotency-Key", "chat", "X-Drawbridge-Activity", "true")
	ask(front, fmt.Sprintf(question, `,"stream":true`), "X-Drawbridge-On-Disconnect", "continue")
	ask(front, fmt.Sprintf(question, `,"n":2`))
	ask(front, `{"model":"desk","messages":[{"role":"user","content":"Or Bob?"}]}`, "Idempotency-Key", "chat")
	ask(front, `{"model":"other","messages":[{"role":"user","content":"Hello."}]}`)
	ask(front, `{"model":"desk","messages":[{"role":"user","content":"`+strings.Repeat("x", 70<<10)+`"}]}`)
	ask(front, `{}`, "Content-Type", "text/plain")
	ask(slow, fmt.Sprintf(question, ""))
	d.holds("GET /v1/models", front.do("GET", "/v1/models", ""))
	d.holds("GET /v1/models/{model}", front.do("GET", "/v1/models/desk", ""))
	d.holds("GET /v1/models/{model}", front.do("GET", "/v1/models/other", ""))
}

// meetWebhooks brings about the answers of the door for events.
func meetWebhooks(d *apiDocument, c apiCaller) {
	const deliver, greet = "POST /webhooks/{source}", "GET /webhooks/{source}"
	mac := hmac.New(sha256.New, []byte("forge-secret-0123456789"))
	mac.Write([]byte(`{"a":1}`))
	signature := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	send := func(body string, headers ...string) {
		d.holds(deliver, c.do("POST", "/webhooks/forge", body, headers...))
	}
	for range 2 {
		send(`{"a":1}`, "X-Hub-Signature-256", signature, "X-GitHub-Delivery", "d-1", "X-GitHub-Event", "push")
	}
	send(`{"a":1}`, "X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64), "X-GitHub-Delivery", "d-2")
	send(strings.Repeat("x", 2<<10))
	d.holds(deliver, c.do("POST", "/webhooks/nowhere", "{}"))
	d.holds(greet, c.do("GET", "/webhooks/nowhere", ""))
	d.holds(greet, c.do("GET", "/webhooks/forge", ""))
	if got := c.do("PUT", "/webhooks/forge", "{}"); got.status == http.StatusMethodNotAllowed {
		if err := d.fits("#/components/schemas/WebhookError", []byte(got.body)); err == nil {
			d.seen[deliver+" 405"] = true
		}
	}
}

// TestEveryRouteIsInTheDocument and nothing else below /v1 is.
func TestEveryRouteIsInTheDocument(t *testing.T) {
	file, _ := liveFile(t, "server: {listen: 127.0.0.1:0}\n")
	d := readDocument(t, serve(t, file).base)
	want := []string{"GET /v1/openapi.json", "GET /webhooks/{source}", "POST /webhooks/{source}"}
	for _, route := range slices.Concat(chatapi.New(nil, nil, chatapi.Options{}).Routes(), runapi.New(nil, nil, runapi.Options{}).Routes(), approvalapi.New(nil, approvalapi.Options{}).Routes()) {
		want = append(want, route.Method+" "+route.Pattern)
	}
	slices.Sort(want)
	if got := d.operations(); !slices.Equal(got, want) {
		t.Errorf("the document has\n%q, the server\n%q", got, want)
	}
	states, _, _ := d.at("components", "schemas", "State")
	var names []any
	for _, state := range dispatch.States {
		names = append(names, string(state))
	}
	if got, _ := states["enum"].([]any); !slices.Equal(got, names) {
		t.Errorf("the document's states are %v, the runs' %v", got, names)
	}
	for name := range d.raw["components"].(map[string]any)["schemas"].(map[string]any) {
		if err := d.fits("#/components/schemas/"+name, []byte("null")); err != nil && !strings.Contains(err.Error(), "does not validate") {
			t.Errorf("the schema %s: %v", name, err)
		}
	}
	example, _, _ := d.at("paths", "/v1/runs", "post", "requestBody", "content", "application/json", "examples")
	for name := range example {
		node, _, _ := d.at("paths", "/v1/runs", "post", "requestBody", "content", "application/json", "examples", name)
		value, _ := json.Marshal(node["value"])
		if err := d.fits("#/components/schemas/RunRequest", value); err != nil {
			t.Errorf("the example %s: %v", name, err)
		}
	}
}
