package rehearsal

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const refund = `
scenes:
  - when: {user: 'refund (\w+)', turn: 1}
    say: 'Looking it up.'
    call:
      - tool: payment_get
        with: {payment: '{{ match "refund (\\w+)" }}', deep: [{n: 3, t: true, x: null}]}
      - tool: crm_find
        with: {text: 'for {{ match "refund (\\w+)" 0 }} on turn {{ turn }}'}
  - when: {last_tool: crm_find, last_result: '^\['}
    call:
      - tool: payment_refund
        with: {amount: '{{ result "payment_get" "amounts.1" }}', who: '{{ result "crm_find" "0.name" }}', all: '{{ result "payment_get" }}'}
  - when: {last_tool: payment_refund, system: 'polite'}
    say: 'Refunded, sir: {{ result "payment_refund" }}.'
  - when: {user: broken}
    say: '{{ result "nobody" "id" }}'
  - when: {user: mistaken}
    call: [{tool: payment_get, arguments: '{"payment": '}]
`

func serve(t *testing.T, script string) string {
	t.Helper()
	loaded, err := Load([]byte(script))
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Unix(1_700_000_000, 0) }
	server := httptest.NewServer(NewServer(loaded, Options{Now: now}))
	t.Cleanup(server.Close)
	return server.URL
}

func post(t *testing.T, address, body string) (int, map[string]any) {
	t.Helper()
	response, err := http.Post(address+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, out
}

// said posts messages and gives the assistant's message.
func said(t *testing.T, address string, messages ...string) map[string]any {
	t.Helper()
	status, out := post(t, address, `{"model":"rehearsal","messages":[`+strings.Join(messages, ",")+`]}`)
	if status != http.StatusOK {
		t.Fatalf("status %d: %v", status, out)
	}
	if out["model"] != "rehearsal" {
		t.Errorf("model %q, want the rehearsal to say what it is", out["model"])
	}
	return out["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)
}

// calls are the names and arguments of a message's calls.
func calls(message map[string]any) []string {
	var out []string
	list, _ := message["tool_calls"].([]any)
	for _, c := range list {
		f := c.(map[string]any)["function"].(map[string]any)
		out = append(out, fmt.Sprintf("%s %s%s", c.(map[string]any)["id"], f["name"], f["arguments"]))
	}
	return out
}

const (
	ask     = `{"role":"user","content":[{"type":"text","text":"please refund pi_7"}]}`
	asked   = `{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"payment_get","arguments":"{}"}},{"id":"call_2","type":"function","function":{"name":"crm_find","arguments":"{}"}}]}`
	got     = `{"role":"tool","tool_call_id":"call_1","content":"{\"amounts\":[1,12345678901234567890]}"}`
	found   = `{"role":"tool","tool_call_id":"call_2","content":"[{\"name\":\"Ada\"}]"}`
	refunds = `{"role":"assistant","tool_calls":[{"id":"call_3","type":"function","function":{"name":"payment_refund","arguments":"{}"}}]}`
	done    = `{"role":"tool","tool_call_id":"call_3","content":"all of it"}`
)

func TestSceneFillsArgumentsFromTheConversation(t *testing.T) {
	address := serve(t, refund)
	first := said(t, address, ask)
	if first["content"] != "Looking it up." {
		t.Errorf("said %q", first["content"])
	}
	want := []string{
		`call_1 payment_get{"deep":[{"n":3,"t":true,"x":null}],"payment":"pi_7"}`,
		`call_2 crm_find{"text":"for refund pi_7 on turn 1"}`,
	}
	if diff := cmp.Diff(want, calls(first)); diff != "" {
		t.Error(diff)
	}
}

func TestResultKeepsItsTypeAndDigits(t *testing.T) {
	second := said(t, serve(t, refund), ask, asked, got, found)
	want := []string{`call_3 payment_refund{"all":{"amounts":[1,12345678901234567890]},"amount":12345678901234567890,"who":"Ada"}`}
	if diff := cmp.Diff(want, calls(second)); diff != "" {
		t.Error(diff)
	}
}

func TestConditionsMustAllHold(t *testing.T) {
	address := serve(t, refund)
	polite := said(t, address, `{"role":"system","content":"be polite"}`, ask, asked, got, found, refunds, done)
	if polite["content"] != "Refunded, sir: all of it." {
		t.Errorf("said %q", polite["content"])
	}
	curt := said(t, address, ask, asked, got, found, refunds, done)
	if text := curt["refusal"].(string); !strings.HasPrefix(text, "The rehearsal model has no scene for this conversation: turn 3") {
		t.Errorf("said %q, want that no scene fits", text)
	}
}

func TestTurnsCountFromTheLatestUserMessage(t *testing.T) {
	again := said(t, serve(t, refund), ask, asked, got, found, `{"role":"assistant","content":"ok"}`, `{"role":"user","content":"refund pi_8"}`)
	if list := calls(again); len(list) != 2 || !strings.HasPrefix(list[0], "call_3 payment_get") || !strings.Contains(list[0], "pi_8") {
		t.Errorf("calls %q, want the first scene with the new payment and new ids", list)
	}
}

func TestWordsOfTheRuntimeAreNobodysTurn(t *testing.T) {
	address := serve(t, refund)
	for name, aside := range map[string]string{
		"a note": `{"role":"user","content":"[From the runtime, not from the user] Come to an end."}`,
		"images": `{"role":"user","content":[{"type":"text","text":"[From the runtime, not from the user] Images:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}`,
	} {
		if list := calls(said(t, address, ask, asked, got, found, aside)); len(list) != 1 || !strings.HasPrefix(list[0], "call_3 payment_refund") {
			t.Errorf("%s behind the results: calls %q, want those of the second scene", name, list)
		}
	}
}

func TestEarlierRefusalMayBePartOfAConversation(t *testing.T) {
	if out := said(t, serve(t, refund), `{"role":"user","content":"hm"}`, `{"role":"assistant","refusal":"no"}`, ask); out["content"] != "Looking it up." {
		t.Errorf("said %v", out)
	}
}

func TestSceneThatCannotBePlayedSaysSo(t *testing.T) {
	out := said(t, serve(t, refund), `{"role":"user","content":"broken"}`)
	if text := out["refusal"].(string); !strings.Contains(text, "nobody has not returned anything yet") {
		t.Errorf("said %q", text)
	}
}

func TestMistakesCanBeRehearsed(t *testing.T) {
	out := said(t, serve(t, refund), `{"role":"user","content":"mistaken"}`)
	if diff := cmp.Diff([]string{`call_1 payment_get{"payment": `}, calls(out)); diff != "" {
		t.Error(diff)
	}
}

func TestBrokenProtocolIsRefused(t *testing.T) {
	user := `{"role":"user","content":"x"}`
	function := func(name, parameters string) string {
		return fmt.Sprintf(`{"type":"function","function":{"name":%q,"parameters":%s}}`, name, parameters)
	}
	object := `{"type":"object","properties":{}}`
	many := make([]string, 129)
	for i := range many {
		many[i] = function(fmt.Sprintf("f%d", i), object)
	}
	one := `{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}`
	for name, c := range map[string]struct{ messages, tools, want string }{
		"no messages":          {"", "", "at least one"},
		"orphan tool message":  {user + `,{"role":"tool","tool_call_id":"a","content":"x"}`, "", `the call "a", which was not made`},
		"answered twice":       {user + "," + one + strings.Repeat(`,{"role":"tool","tool_call_id":"a","content":"x"}`, 2), "", "answered already"},
		"unanswered at end":    {user + "," + one, "", "1 calls that are not answered"},
		"unanswered in middle": {user + "," + one + "," + user, "", "messages[2]: expected tool messages"},
		"no content":           {`{"role":"user"}`, "", "messages[0].content"},
		"result without text":  {user + "," + one + `,{"role":"tool","tool_call_id":"a"}`, "", "messages[2].content"},
		"empty assistant":      {user + `,{"role":"assistant"}`, "", "a refusal or tool_calls"},
		"no id":                {user + "," + strings.Replace(one, `"a"`, `""`, 1), "", "expected an id"},
		"no arguments":         {user + "," + strings.Replace(one, `,"arguments":"{}"`, ``, 1), "", "arguments: expected a text"},
		"odd arguments":        {user + "," + strings.Replace(one, `"{}"`, `"[]"`, 1), "", "arguments: expected a JSON object"},
		"bad call name":        {user + "," + strings.Replace(one, `"f"`, `"f.g"`, 1), "", `"f.g" does not match`},
		"unknown role":         {`{"role":"robot","content":"x"}`, "", `"robot"`},
		"odd content":          {`{"role":"user","content":3}`, "", "string or a list of parts"},
		"two of one name":      {user, function("f", object) + "," + function("f", object), `"f" is there twice`},
		"bad function name":    {user, function("f g", object), `"f g" does not match`},
		"too many functions":   {user, strings.Join(many, ","), "129 of them"},
		"no properties":        {user, function("f", `{"type":"object"}`), "object schema missing properties"},
		"no object":            {user, function("f", `{"type":"array"}`), `'type: "object"'`},
		"strict and open":      {user, `{"type":"function","function":{"name":"f","strict":true,"parameters":` + object + `}}`, "'additionalProperties'"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out := post(t, serve(t, refund), `{"model":"rehearsal","messages":[`+c.messages+`],"tools":[`+c.tools+`]}`)
			failure, _ := out["error"].(map[string]any)
			if text, _ := failure["message"].(string); status != http.StatusBadRequest || !strings.Contains(text, c.want) {
				t.Errorf("status %d, %q; want 400 with %q", status, text, c.want)
			}
		})
	}
}

func TestOtherModelIsNotFound(t *testing.T) {
	status, out := post(t, serve(t, refund), `{"model":"gpt-5","messages":[{"role":"user","content":"x"}]}`)
	if status != http.StatusNotFound || out["error"].(map[string]any)["code"] != "model_not_found" {
		t.Errorf("status %d, %v", status, out)
	}
}

func TestModelsNamesTheRehearsal(t *testing.T) {
	response, err := http.Get(serve(t, refund) + "/v1/models")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var out struct{ Data []struct{ ID string } }
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil || len(out.Data) != 1 || out.Data[0].ID != "rehearsal" {
		t.Errorf("models %v, %v", out, err)
	}
}

func TestStreamAddsUpToTheWholeAnswer(t *testing.T) {
	address := serve(t, refund)
	whole := said(t, address, ask)
	body := `{"model":"rehearsal","stream":true,"stream_options":{"include_usage":true},"messages":[` + ask + `]}`
	response, err := http.Post(address+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var text, finish, last string
	var usage *usage
	type piece struct{ id, name, arguments string }
	var pieces []piece
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if last = data; data == "[DONE]" {
			break
		}
		var chunk completion
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Fatal(err)
		}
		if chunk.Usage != nil {
			usage = chunk.Usage
		}
		for _, c := range chunk.Choices {
			if c.Delta.Content != nil {
				text += *c.Delta.Content
			}
			if c.FinishReason != nil {
				finish = *c.FinishReason
			}
			for _, call := range c.Delta.ToolCalls {
				if *call.Index == len(pieces) {
					pieces = append(pieces, piece{})
				}
				p := &pieces[*call.Index]
				p.id, p.name, p.arguments = p.id+call.ID, p.name+call.Function.Name, p.arguments+*call.Function.Arguments
			}
		}
	}
	var joined []string
	for _, p := range pieces {
		joined = append(joined, p.id+" "+p.name+p.arguments)
	}
	if diff := cmp.Diff(calls(whole), joined); diff != "" {
		t.Error(diff)
	}
	if text != whole["content"] || finish != "tool_calls" || last != "[DONE]" || usage == nil || usage.Total == 0 {
		t.Errorf("text %q, finish %q, last %q, usage %v", text, finish, last, usage)
	}
}

func TestConversationsAtOnceDoNotMix(t *testing.T) {
	address := serve(t, refund)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			id := fmt.Sprintf("pi_%d", i)
			out := said(t, address, fmt.Sprintf(`{"role":"user","content":"refund %s"}`, id))
			if list := calls(out); !strings.Contains(list[0], `"`+id+`"`) {
				t.Errorf("asked for %s, got %q", id, list)
			}
		})
	}
	all.Wait()
}

func TestDelayEndsWithTheCaller(t *testing.T) {
	script, err := Load([]byte("scenes:\n  - say: late\n    delay: 1h\n"))
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest("POST", "/v1/chat/completions", strings.NewReader(`{"model":"rehearsal","messages":[{"role":"user","content":"x"}]}`))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	recorder := httptest.NewRecorder()
	NewServer(script, Options{}).ServeHTTP(recorder, request.WithContext(ctx))
	if recorder.Body.Len() != 0 {
		t.Errorf("answered %q to nobody", recorder.Body)
	}
}

// A model that is held to a schema writes every member of it.
func TestStrictFunctionGetsArgumentsThatFit(t *testing.T) {
	const script = `
scenes:
  - when: {user: go}
    call: [{tool: f, with: {to: ada, lines: [{sku: a}], mark: {kind: b, y: 1}}}]
  - when: {user: wrong}
    call: [{tool: f, with: {to: 5}}]
  - when: {user: raw}
    call: [{tool: f, arguments: '{"to":5}'}]
`
	const parameters = `{"type":"object","properties":{"to":{"type":"string"},"cc":{"type":["string","null"]},
		"lines":{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/line"}},{"type":"null"}]},
		"mark":{"anyOf":[{"type":"object","properties":{"kind":{"type":"string","enum":["a"]},"y":{"type":["integer","null"]}},"required":["kind","y"],"additionalProperties":false},
			{"type":"object","properties":{"kind":{"type":"string","enum":["b"]},"y":{"type":"integer"},"z":{"type":["integer","null"]}},"required":["kind","y","z"],"additionalProperties":false},{"type":"null"}]}},
		"required":["to","cc","lines","mark"],"additionalProperties":false,
		"$defs":{"line":{"type":"object","properties":{"sku":{"type":"string"},"next":{"anyOf":[{"$ref":"#/$defs/line"},{"type":"null"}]}},"required":["sku","next"],"additionalProperties":false}}}`
	ask := func(user string, strict bool) map[string]any {
		status, out := post(t, serve(t, script), fmt.Sprintf(`{"model":"rehearsal","messages":[{"role":"user","content":%q}],
			"tools":[{"type":"function","function":{"name":"f","strict":%t,"parameters":%s}}]}`, user, strict, parameters))
		if status != http.StatusOK {
			t.Fatalf("status %d: %v", status, out)
		}
		return out["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)
	}
	want := `call_1 f{"cc":null,"lines":[{"next":null,"sku":"a"}],"mark":{"kind":"b","y":1,"z":null},"to":"ada"}`
	if got := calls(ask("go", true)); len(got) != 1 || got[0] != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if got := calls(ask("go", false)); len(got) != 1 || strings.Contains(got[0], "null") {
		t.Errorf("got %v, want what the script says", got)
	}
	if refusal, _ := ask("wrong", true)["refusal"].(string); !strings.Contains(refusal, "/to") {
		t.Errorf("refused with %q, want the place that does not fit", refusal)
	}
	if got := calls(ask("raw", true)); len(got) != 1 || got[0] != `call_1 f{"to":5}` {
		t.Errorf("got %v, want the raw arguments", got)
	}
}

func TestMarkOfABranchMayBeAList(t *testing.T) {
	const script = "scenes:\n  - call: [{tool: f, with: {on: {mark: [b], y: 1}}}]\n"
	branch := func(mark string) string {
		return `{"type":"object","properties":{"mark":{"type":"array","items":{"type":"string"},"const":["` + mark + `"]},"y":{"type":"integer"},` +
			`"` + mark + `":{"type":["integer","null"]}},"required":["mark","y","` + mark + `"],"additionalProperties":false}`
	}
	out := said(t, serve(t, script), `{"role":"user","content":"go"}],"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":`+
		`{"type":"object","properties":{"on":{"anyOf":[`+branch("a")+`,`+branch("b")+`]}},"required":["on"],"additionalProperties":false}}}`)
	if got := calls(out); len(got) != 1 || got[0] != `call_1 f{"on":{"b":null,"mark":["b"],"y":1}}` {
		t.Errorf("got %v", got)
	}
}
