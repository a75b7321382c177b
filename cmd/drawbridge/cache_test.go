package main

import (
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
)

// cacheWorld is a far side whose look is kept for an hour, and who calls it.
type cacheWorld struct {
	t    *testing.T
	far  *farSide
	file string
}

// cacheSettings are two callers and an agent; of what is said of the cache goes in.
const cacheSettings = `server:
  listen: 127.0.0.1:0
  keys:
    - {name: desk, key: desk-key-0123456789, tools: ["*"]}
    - {name: other, key: other-key-0123456789, tools: ["*"]}
agents: {helper: {tools: ["far__look", crm_create_task]}}
log: {format: json}
`

func newCacheWorld(t *testing.T, settings string) *cacheWorld {
	t.Helper()
	far := newFarSide(t)
	return &cacheWorld{t: t, far: far, file: settingsFile(t, cacheSettings+far.settings()+settings)}
}

// looked is how often the far side was read.
func (f *farSide) looked() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, tool := range f.made {
		if tool == "look" {
			n++
		}
	}
	return n
}

// callTool calls a tool over MCP, as a client of the newest era, and gives the answer: of a
// look the count, and whether it was kept.
func callTool(t *testing.T, server *program, key, tool, id string) (count int, cached bool) {
	t.Helper()
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":{"id":%q},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`, tool, id)
	got := apiCaller{t, server.base, key}.do("POST", "/mcp", body, "Accept", "application/json, text/event-stream", "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", tool)
	text := got.body
	if _, data, is := strings.Cut(text, "data: "); is {
		text, _, _ = strings.Cut(data, "\n")
	}
	var answer struct {
		Result struct {
			IsError    bool `json:"isError"`
			Structured struct {
				Count int `json:"count"`
			} `json:"structuredContent"`
			Meta map[string]json.RawMessage `json:"_meta"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || got.status != 200 || answer.Result.IsError || answer.Result.Structured.Count < 0 || !strings.Contains(text, `"result"`) {
		t.Fatalf("%s as %s: %d %s (%v)", tool, key, got.status, got.body, err)
	}
	kept, cached := answer.Result.Meta["drawbridge/cached"]
	if cached {
		var said struct {
			Age *int `json:"age_seconds"`
		}
		if err := json.Unmarshal(kept, &said); err != nil || said.Age == nil || *said.Age < 0 {
			t.Errorf("_meta says %s of a kept answer", kept)
		}
	}
	return answer.Result.Structured.Count, cached
}

const deskKey, otherKey = "desk-key-0123456789", "other-key-0123456789"

func TestReadsAreAnsweredFromTheCacheUntilSomethingIsWritten(t *testing.T) {
	fake := openaitest.New(t)
	w := newCacheWorld(t, fmt.Sprintf("cache: {ttl: {\"far__l*\": 1h}}\nmodel: {base_url: %q, name: main}\n", fake.URL()))
	server := serve(t, w.file)
	awaitMount(t, server, "far")
	look := func(who, key string, count int, kept bool) {
		t.Helper()
		if got, cached := callTool(t, server, key, "far__look", "a"); got != count || cached != kept {
			t.Errorf("%s gets %d (kept: %t), want %d (%t)", who, got, cached, count, kept)
		}
	}
	look("desk", deskKey, 0, false)
	look("desk, again,", deskKey, 0, true)
	look("other", otherKey, 0, false)
	callTool(t, server, otherKey, "far__put", "a")
	look("desk, behind a write of other,", deskKey, 1, false)
	look("desk, behind that,", deskKey, 1, true)
	look("other, behind its write,", otherKey, 1, false)
	if n := w.far.looked(); n != 4 {
		t.Errorf("the far side was read %d times, want 4", n)
	}

	// A run of the same agent for the same caller gets what the first has read, and is
	// tainted by it: what it does then is on record as such.
	for range 2 {
		fake.Func(func(q openaitest.Request) openaitest.Reply {
			switch q.Turn() {
			case 1:
				return openaitest.Call("far__look", `{"id":"a"}`)
			case 2:
				return openaitest.Call("crm_create_task", `{"title":"behind what was read"}`)
			}
			return openaitest.Say("Done.")
		})
		got := apiCaller{t, server.base, deskKey}.do("POST", "/v1/chat/completions", `{"model":"helper","messages":[{"role":"user","content":"See to it."}]}`)
		if got.status != 200 || !strings.Contains(got.body, "Done.") {
			t.Fatalf("the chat: %d %s", got.status, got.body)
		}
	}
	if n := w.far.looked(); n != 5 {
		t.Errorf("two runs of one caller have read the far side %d times, want once", n-4)
	}
	response, err := http.Get(server.base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	ready, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || !strings.Contains(string(ready), `"cache":{"state":"ok","where":"memory","hits":3,"misses":5}`) {
		t.Errorf("/readyz says %s (%v)", ready, err)
	}
	server.stop(t)
	w.onRecord(3)
}

// onRecord wants as many rows of kept answers, and all rows to be in order.
func (w *cacheWorld) onRecord(kept int) {
	w.t.Helper()
	out, errs, code := command(w.t, "audit", "search", "-c", w.file, "--json", "--cached")
	var rows []struct {
		Principal, Tool, Decision, Rule, Outcome string
		Tainted                                  bool
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != 0 || len(rows) != kept {
		w.t.Fatalf("%d rows, want %d: %s %s (%v)", len(rows), kept, out, errs, err)
	}
	for _, row := range rows {
		if row.Tool != "far__look" || row.Decision != "allowed" || row.Outcome != "ok" || !strings.HasPrefix(row.Rule, "cache: ") || !strings.HasSuffix(row.Rule, "s old") {
			w.t.Errorf("a row of a kept answer is %+v", row)
		}
	}
	out, errs, code = command(w.t, "audit", "search", "-c", w.file, "--json", "--tool", "crm_create_task", "--tainted")
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != 0 || len(rows) != 2 {
		w.t.Errorf("%d calls are on record as tainted, want 2: %s %s (%v)", len(rows), out, errs, err)
	}
	if out, errs, code = command(w.t, "audit", "export", "-c", w.file); code != 0 || strings.Count(out, `"rule":"cache: `) != kept {
		w.t.Errorf("the export: %d %s %s", code, out, errs)
	}
	if out, errs, code = command(w.t, "audit", "verify", "-c", w.file); code != 0 {
		w.t.Errorf("the audit: %s %s", out, errs)
	}
}

// A desktop assistant's program works on the same store beside the server, and on the same
// systems: what it writes drops what the server has.
func TestWriteOfAProgramBesideTheServerDropsWhatIsKept(t *testing.T) {
	w := newCacheWorld(t, "cache: {ttl: {far__look: 1h}}\n")
	server := serve(t, w.file)
	awaitMount(t, server, "far")
	beside := startAssistantOn(t, w.file)
	beside.begin(t, "far__put")
	for i := range 3 {
		for n := range 2 {
			if got, cached := callTool(t, server, deskKey, "far__look", "a"); got != i || cached != (n == 1) {
				t.Errorf("look %d behind write %d gives %d (kept: %t)", n, i, got, cached)
			}
		}
		beside.say(t, putLine(i, "a"))
		for !strings.Contains(beside.hear(t), `"count"`) {
		}
	}
	_ = beside.in.Close()
	beside.ends(t)
	server.stop(t)
}

// What is kept is whole, and what a rule hides is taken out each time: here of the second
// read of an hour, which is answered from the cache, and counts for the rule.
func TestKeptAnswerLosesWhatTheRuleOfTheSecondCallSays(t *testing.T) {
	w := newCacheWorld(t, `cache: {ttl: {"far__look": 1h}}
policy:
  rules:
    - {name: one look an hour, when: 'tool == "far__look" && count("far__look", "hour") > 0', then: redact, redact: [count]}
`)
	server := serve(t, w.file)
	awaitMount(t, server, "far")
	callTool(t, server, deskKey, "far__put", "a")
	for i, want := range []int{1, 0, 0} {
		if got, cached := callTool(t, server, deskKey, "far__look", "a"); got != want || cached != (i > 0) {
			t.Errorf("look %d gives %d (kept: %t), want %d", i, got, cached, want)
		}
	}
	server.stop(t)
}

func TestSettingsOfTheCacheThatCannotBeMeantAreNamed(t *testing.T) {
	for name, test := range map[string]struct {
		settings, says string
		code           int
	}{
		"a write":                {`"crm_create_task": 30s`, `cache.ttl.crm_create_task: "crm_create_task" does not read (its effect is write)`, 2},
		"what depends on a run":  {`"schedule_list_runs": 30s`, `"schedule_list_runs" gives depends on who calls`, 2},
		"a pattern of writes":    {`"crm_create_*": 30s`, `"crm_create_*" matches no tool that reads`, 0},
		"a name that is none":    {`"crm_get_custmer": 30s`, `"crm_get_custmer" matches no tool that reads`, 0},
		"a pattern of a few":     {`"crm_*": 30s, "crm_create_task": 0s`, "", 0},
		"what a mount may offer": {`"far__anything": 30s`, "", 0},
	} {
		w := newCacheWorld(t, fmt.Sprintf("cache: {ttl: {%s}}\n", test.settings))
		out, errs, code := command(t, "check", "-c", w.file)
		if code != test.code || !strings.Contains(errs, test.says) || test.says == "" && strings.Contains(errs, "cache") {
			t.Errorf("%s: exit code %d, %q", name, code, errs)
		}
		if code == 0 && !strings.Contains(out, "They are kept in this process, 64MiB at most.") {
			t.Errorf("%s: it does not say what is kept: %s", name, out)
		}
	}
}

func TestMostExactPatternSaysHowLong(t *testing.T) {
	w := newCacheWorld(t, `cache: {ttl: {"*": 1s, "crm_*": 2s, "crm_get_*": 3s, "crm_get_order": 0s}}`)
	a := appOf(t, w.file)
	for tool, want := range map[string]time.Duration{"email_x": time.Second, "crm_search": 2 * time.Second, "crm_get_customer": 3 * time.Second, "crm_get_order": 0} {
		if got := a.caching().TTL(tool); got != want {
			t.Errorf("%s is kept for %s, want %s", tool, got, want)
		}
	}
}

// Whatever is changed of what the tools work on, a secret as well, is another system.
func TestEachSettingOfTheToolsMakesAnotherSystem(t *testing.T) {
	w := newCacheWorld(t, `cache: {ttl: {"*": 1s}}`)
	a := appOf(t, w.file)
	was := a.systems()
	if again := a.systems(); again != was {
		t.Errorf("the same settings are %s and %s", was, again)
	}
	next := *a.cfg
	next.Tools.Payment.Key = "rk_test_another"
	a.secrets.Store(&next)
	if now := a.systems(); now == was {
		t.Error("another key asks the same")
	}
	other := next
	other.Tools.MCP = append(other.Tools.MCP[:0:0], other.Tools.MCP...)
	other.Tools.MCP[0].URL += "?another"
	a.secrets.Store(&other)
	if now := a.systems(); now == was {
		t.Error("another server is the same")
	}
	a.secrets.Store(a.cfg)
	if now := a.systems(); now != was {
		t.Errorf("the first settings are %s again, were %s", now, was)
	}
}

// appOf wires a program of a file of settings, and serves nothing.
func appOf(t *testing.T, file string) *app {
	t.Helper()
	cfg, err := config.Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newToolApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.Background()) })
	return a
}
