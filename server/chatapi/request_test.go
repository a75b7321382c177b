package chatapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/auth"
	"drawbridge/server/chatapi"
	"drawbridge/server/chatapi/chattest"
	"drawbridge/server/dispatch"
)

// talk posts a request and gives what became of it.
func (w *world) talk(body string, headers ...string) dispatch.Talk {
	w.t.Helper()
	w.runs.Play(play(succeeded("ok"), words(1, "ok"), turned(1, "ok")))
	if rec := w.post(body, headers...); rec.Status() != http.StatusOK {
		w.t.Fatalf("%d %s", rec.Status(), rec.Body(true))
	}
	talks := w.runs.Talks()
	return talks[len(talks)-1]
}

func ptr[T any](v T) *T { return &v }

func TestRequestReachesTheRunAsItWasMeant(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	got := w.talk(`{
		"model": "desk", "stream": false, "n": 1, "store": false, "logprobs": false, "top_logprobs": 0, "modalities": ["text"], "logit_bias": {}, "audio": null, "whatever": null,
		"messages": [
			{"role": "system", "content": "Be brief."},
			{"role": "developer", "content": [{"type": "text", "text": "Be kind."}, {"type": "text", "text": "Be true."}]},
			{"role": "user", "name": "ann", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
				{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}, {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}}]},
			{"role": "assistant", "content": null, "refusal": null, "annotations": [], "audio": null, "function_call": null, "parsed": {"a": 1}, "reasoning_content": "a ...",
				"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "ring", "arguments": "{\"n\": 1}", "parsed_arguments": {"n": 1}}}]},
			{"role": "tool", "tool_call_id": "c1", "name": "ring", "content": [{"type": "text", "text": "rang"}]},
			{"role": "assistant", "content": [{"type": "refusal", "refusal": "No.", "role": "assistant", "annotations": []}]},
			{"role": "assistant", "content": ""},
			{"role": "user", "content": "Go on."}
		],
		"tools": [{"type": "function", "function": {"name": "ring", "description": "Rings.", "strict": true, "parameters": {"type": "object", "properties": {}}}}, {"type": "function", "function": {"name": "open"}}],
		"tool_choice": {"type": "function", "function": {"name": "ring"}}, "parallel_tool_calls": false,
		"temperature": 0.2, "top_p": 1, "max_completion_tokens": 300, "max_tokens": 300, "frequency_penalty": -2, "presence_penalty": 2, "seed": -5, "stop": ["END", "."],
		"user": "u1", "safety_identifier": "s1", "prompt_cache_key": "p1", "metadata": {"ticket": "7"}, "reasoning_effort": "low", "verbosity": "high", "service_tier": "flex",
		"response_format": {"type": "json_schema", "json_schema": {"name": "reply", "strict": true, "schema": {"type": "object"}}}
	}`)
	want := bridge.Conversation{
		Messages: []openai.Message{
			{Role: openai.System, Content: "Be brief."},
			{Role: openai.Developer, Content: "Be kind.\nBe true."},
			{Role: openai.User, Name: "ann", Parts: []json.RawMessage{
				[]byte(`{"type":"text","text":"What is this?"}`), []byte(`{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}}`),
				[]byte(`{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}`), []byte(`{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}}`)}},
			{Role: openai.Assistant, Calls: []openai.Call{{ID: "c1", Name: "ring", Arguments: `{"n": 1}`}}},
			{Role: openai.Tool, CallID: "c1", Content: "rang"},
			{Role: openai.Assistant, Refusal: "No."},
			{Role: openai.User, Content: "Go on."},
		},
		Functions: []openai.Function{
			{Name: "ring", Description: "Rings.", Strict: true, Parameters: []byte(`{"type":"object","properties":{}}`)},
			{Name: "open", Parameters: []byte(`{"type":"object","properties":{}}`)},
		},
		Params: openai.Params{
			Temperature: ptr(0.2), TopP: ptr(1.0), MaxTokens: ptr(300), FrequencyPenalty: ptr(-2.0), PresencePenalty: ptr(2.0), Seed: ptr(int64(-5)), Stop: []string{"END", "."},
			User: "u1", SafetyIdentifier: "s1", PromptCacheKey: "p1", Metadata: map[string]string{"ticket": "7"}, ReasoningEffort: "low", Verbosity: "high", ServiceTier: "flex", ParallelCalls: ptr(false),
			ToolChoice:     []byte(`{"type":"function","function":{"name":"ring"}}`),
			ResponseFormat: []byte(`{"type":"json_schema","json_schema":{"name":"reply","strict":true,"schema":{"type":"object"}}}`),
		},
	}
	if diff := cmp.Diff(want, got.Conversation); diff != "" {
		t.Error(diff)
	}
	run := dispatch.NewRun{Agent: "desk", Source: "chat", Prompt: "Go on.", Tainted: true, Owner: "key:desk"}
	got.Run.Digest = "" // of all this; it has a test of its own
	if diff := cmp.Diff(run, got.Run); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsLeftOutStaysOut(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	got := w.talk(`{"model":"desk","messages":[{"role":"user","content":"hi"}],"tools":[],"stop":"END","response_format":{"type":"text"},"metadata":{},"tool_choice":"none","max_tokens":9}`)
	want := bridge.Conversation{Messages: []openai.Message{{Role: openai.User, Content: "hi"}},
		Params: openai.Params{Stop: []string{"END"}, MaxTokens: ptr(9), ToolChoice: []byte(`"none"`)}}
	if diff := cmp.Diff(want, got.Conversation); diff != "" {
		t.Error(diff)
	}
	if got.Run.Tainted {
		t.Error("a caller's own words count as foreign")
	}
}

// What frontends send although nobody asked them for anything.
func TestMembersThatAskForNothingAreNoReasonToRefuse(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	plain := w.talk(`{"model":"desk","messages":[{"role":"user","content":"hi"}]}`).Conversation
	for _, members := range []string{
		`"n":1,"store":false,"logprobs":false,"top_logprobs":0,"logit_bias":{},"modalities":["text"]`,
		`"functions":[],"function_call":"auto"`, `"function_call":"none"`, `"functions":null,"function_call":null`,
		`"reasoning":{},"cache_prompt":null,"chat_id":"","plugins":[],"extra_body":{ }`,
		`"stop":"","tool_choice":{},"response_format":{},"user":"","reasoning_effort":""`, `"stop":[]`,
		`"stream":false,"stream_options":{}`, `"stream_options":{"include_usage":false}`, `"stream_options":null`,
		`"audio":null,"prediction":null,"web_search_options":null,"prompt_cache_retention":null,"top_logprobs":null`, `"prompt_cache_retention":"in_memory"`,
	} {
		if diff := cmp.Diff(plain, w.talk(with(members)).Conversation); diff != "" {
			t.Errorf("%s:\n%s", members, diff)
		}
	}
	got := w.talk(with(`"tools":[{"type":"function","function":{"name":"ring","parameters":{}}}],"tool_choice":"auto"`)).Conversation
	if len(got.Functions) != 1 || string(got.Functions[0].Parameters) != `{"type":"object","properties":{}}` {
		t.Errorf("a function of no parameters is %v", got.Functions)
	}
	if got := w.talk(with(`"tools":[],"tool_choice":"auto"`)).Conversation; len(got.Functions) != 0 {
		t.Errorf("functions out of nothing: %v", got.Functions)
	}
}

func TestTextWrittenByOthersTaintsTheRun(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	for _, body := range []string{saying(asked, rang1, rang2), saying(`{"role":"user","content":[{"type":"file","file":{"file_data":"x"}}]}`)} {
		if !w.talk(body).Run.Tainted {
			t.Errorf("not tainted by %s", body)
		}
	}
}

func TestBracketsInWordsAreNoLevels(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	said := `\"` + strings.Repeat("[", 100)
	if got := w.talk(saying(`{"role":"user","content":"` + said + `"}`)); got.Run.Prompt != `"`+strings.Repeat("[", 100) {
		t.Errorf("said %q", got.Run.Prompt)
	}
}

// with is a request with one more member.
func with(members string) string {
	return `{"model":"desk","messages":[{"role":"user","content":"hi"}],` + members + `}`
}

// saying is a request with these messages.
func saying(messages ...string) string {
	return `{"model":"desk","messages":[` + strings.Join(messages, ",") + `]}`
}

const (
	tool  = `"tools":[{"type":"function","function":{"name":"ring"}}]`
	asked = `{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"ring","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"ring","arguments":"{}"}}]}`
	rang1 = `{"role":"tool","tool_call_id":"c1","content":"rang"}`
	rang2 = `{"role":"tool","tool_call_id":"c2","content":"rang"}`
)

func TestRequestThatCannotBeHonouredIsRefusedByName(t *testing.T) {
	for name, test := range map[string]struct{ body, param, code string }{
		"no JSON":               {`{"model":`, "", "invalid_json"},
		"two values":            {`{} {}`, "", "invalid_json"},
		"no object":             {`[]`, "", "invalid_type"},
		"no UTF-8":              {"{\"model\":\"\xff\"}", "", "invalid_json"},
		"very deep":             {`{"model":"desk","messages":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`, "", "invalid_json"},
		"no model":              {`{"messages":[]}`, "model", "missing_required_parameter"},
		"nothing said":          {saying(`{"role":"assistant","content":""}`), "messages", "empty_array"},
		"no messages":           {`{"model":"desk"}`, "messages", "missing_required_parameter"},
		"empty messages":        {`{"model":"desk","messages":[]}`, "messages", "empty_array"},
		"another agent's":       {`{"model":"billing","messages":[{"role":"user","content":"hi"}]}`, "model", "model_not_found"},
		"unknown agent":         {`{"model":"nobody","messages":[{"role":"user","content":"hi"}]}`, "model", "model_not_found"},
		"unknown member":        {with(`"top_k":5`), "top_k", "unknown_parameter"},
		"other case":            {with(`"Temperature":1`), "Temperature", "unknown_parameter"},
		"twice":                 {with(`"seed":1,"seed":2`), "seed", "invalid_value"},
		"model twice":           {`{"model":"desk","model":"billing","messages":[{"role":"user","content":"hi"}]}`, "model", "invalid_value"},
		"n":                     {with(`"n":2`), "n", "unsupported_value"},
		"store":                 {with(`"store":true`), "store", "unsupported_value"},
		"logprobs":              {with(`"logprobs":true`), "logprobs", "unsupported_value"},
		"top_logprobs":          {with(`"top_logprobs":3`), "top_logprobs", "unsupported_value"},
		"logit_bias":            {with(`"logit_bias":{"50256":-100}`), "logit_bias", "unsupported_parameter"},
		"audio":                 {with(`"audio":{"voice":"alloy","format":"wav"}`), "audio", "unsupported_parameter"},
		"modalities":            {with(`"modalities":["text","audio"]`), "modalities", "unsupported_value"},
		"functions":             {with(`"functions":[{"name":"f"}]`), "functions", "unsupported_parameter"},
		"function_call":         {with(`"function_call":{"name":"f"}`), "function_call", "unsupported_parameter"},
		"web search":            {with(`"web_search_options":{}`), "web_search_options", "unsupported_parameter"},
		"prediction":            {with(`"prediction":{}`), "prediction", "unsupported_parameter"},
		"a long cache key":      {with(`"prompt_cache_key":"` + strings.Repeat("x", 65) + `"`), "prompt_cache_key", "string_above_max_length"},
		"cache retention":       {with(`"prompt_cache_retention":"24h"`), "prompt_cache_retention", "unsupported_value"},
		"somebody else's flag":  {with(`"enable_thinking":false`), "enable_thinking", "unknown_parameter"},
		"a person's record":     {with(`"user":{"id":"1"}`), "user", "invalid_type"},
		"temperature":           {with(`"temperature":2.1`), "temperature", "invalid_value"},
		"temperature as text":   {with(`"temperature":"1"`), "temperature", "invalid_type"},
		"top_p":                 {with(`"top_p":-0.1`), "top_p", "invalid_value"},
		"no tokens":             {with(`"max_tokens":0`), "max_tokens", "invalid_value"},
		"half a token":          {with(`"max_completion_tokens":1.5`), "max_completion_tokens", "invalid_type"},
		"two bounds":            {with(`"max_completion_tokens":1,"max_tokens":2`), "max_tokens", "invalid_value"},
		"five stops":            {with(`"stop":["a","b","c","d","e"]`), "stop", "array_above_max_length"},
		"an empty stop":         {with(`"stop":[""]`), "stop", "invalid_value"},
		"a stop that is none":   {with(`"stop":[1]`), "stop", "invalid_type"},
		"metadata of numbers":   {with(`"metadata":{"a":1}`), "metadata", "invalid_type"},
		"a long user":           {with(`"user":"` + strings.Repeat("x", 600) + `"`), "user", "string_above_max_length"},
		"stream as text":        {with(`"stream":"true"`), "stream", "invalid_type"},
		"options, no stream":    {with(`"stream_options":{"include_usage":true}`), "stream_options", "invalid_value"},
		"obfuscation":           {with(`"stream":true,"stream_options":{"include_obfuscation":true}`), "stream_options.include_obfuscation", "unsupported_value"},
		"unknown option":        {with(`"stream":true,"stream_options":{"x":1}`), "stream_options.x", "unknown_parameter"},
		"format":                {with(`"response_format":{"type":"xml"}`), "response_format.type", "invalid_value"},
		"format without schema": {with(`"response_format":{"type":"json_schema"}`), "response_format.json_schema", "missing_required_parameter"},
		"format without name":   {with(`"response_format":{"type":"json_schema","json_schema":{"schema":{}}}`), "response_format.json_schema.name", "missing_required_parameter"},
		"schema of a list":      {with(`"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":[]}}`), "response_format.json_schema.schema", "invalid_type"},
		"the agent has its own": {strings.Replace(with(`"response_format":{"type":"json_object"}`), "desk", "clerk-json", 1), "response_format", "unsupported_parameter"},
		"other kind of tool":    {with(`"tools":[{"type":"custom","custom":{"name":"x"}}]`), "tools[0].type", "unsupported_value"},
		"tool's name":           {with(`"tools":[{"type":"function","function":{"name":"a.b"}}]`), "tools[0].function.name", "invalid_value"},
		"tool twice":            {with(`"tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"a"}}]`), "tools[1].function.name", "invalid_value"},
		"tool's parameters":     {with(`"tools":[{"type":"function","function":{"name":"a","parameters":"x"}}]`), "tools[0].function.parameters", "invalid_type"},
		"tool's unknown member": {with(`"tools":[{"type":"function","function":{"name":"a","args":{"x":1}}}]`), "tools[0].function.args", "unknown_parameter"},
		"choice":                {with(`"tool_choice":"any"`), "tool_choice", "invalid_value"},
		"choice of a stranger":  {with(tool + `,"tool_choice":{"type":"function","function":{"name":"crm_list"}}`), "tool_choice.function.name", "invalid_value"},
		"allowed strangers":     {with(tool + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"x"}}]}}`), "tool_choice.allowed_tools.tools[0].function.name", "invalid_value"},
		"role":                  {saying(`{"role":"function","content":"x","name":"f"}`), "messages[0].role", "invalid_value"},
		"a name with blanks":    {saying(`{"role":"user","content":"x","name":"Ann Lee"}`), "messages[0].name", "invalid_value"},
		"a name with a slash":   {saying(`{"role":"user","content":"x","name":"a/b"}`), "messages[0].name", "invalid_value"},
		"no role":               {saying(`{"content":"x"}`), "messages[0].role", "missing_required_parameter"},
		"no content":            {saying(`{"role":"user"}`), "messages[0].content", "missing_required_parameter"},
		"empty assistant":       {saying(`{"role":"assistant","content":null}`), "messages[0].content", "missing_required_parameter"},
		"content of numbers":    {saying(`{"role":"user","content":5}`), "messages[0].content", "invalid_type"},
		"system's picture":      {saying(`{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}`), "messages[0].content[0].type", "invalid_value"},
		"a file of the account": {saying(`{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}`), "messages[0].content[0].file.file_id", "unsupported_parameter"},
		"a local file":          {saying(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}`), "messages[0].content[0].image_url.url", "invalid_value"},
		"unknown in a part":     {saying(`{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}`), "messages[0].content[0].cache_control", "unknown_parameter"},
		"unknown in a message":  {saying(`{"role":"user","content":"x","weight":1}`), "messages[0].weight", "unknown_parameter"},
		"old function call":     {saying(`{"role":"assistant","content":"","function_call":{"name":"a","arguments":"{}"}}`), "messages[0].function_call", "unsupported_parameter"},
		"an orphan result":      {saying(`{"role":"user","content":"x"}`, rang1), "messages[1].tool_call_id", "invalid_value"},
		"a result twice":        {saying(asked, rang1, rang1, rang2), "messages[2].tool_call_id", "invalid_value"},
		"a result too few":      {saying(asked, rang1), "messages[2]", "invalid_value"},
		"a result too late":     {saying(asked, rang1, `{"role":"user","content":"x"}`, rang2), "messages[2]", "invalid_value"},
		"an id twice":           {saying(strings.ReplaceAll(asked, "c2", "c1"), rang1, rang1), "messages[0].tool_calls[1].id", "invalid_value"},
		"a call without an id":  {saying(strings.ReplaceAll(asked, `"id":"c2",`, ``)), "messages[0].tool_calls[1].id", "missing_required_parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, chatapi.Options{})
			status := http.StatusBadRequest
			if test.code == "model_not_found" {
				status = http.StatusNotFound
			}
			e := refused(t, w.post(test.body), status, test.param, test.code)
			if e.Type != "invalid_request_error" {
				t.Errorf("type %q", e.Type)
			}
			if strings.Contains(test.body, `"c2"`) && test.param == "messages[2]" && !strings.Contains(e.Message, `"c2"`) {
				t.Errorf("does not name the call: %s", e.Message)
			}
			if len(w.runs.Talks()) > 0 {
				t.Error("began a run")
			}
		})
	}
}

func TestLongListsAreRefused(t *testing.T) {
	many := func(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }
	for name, test := range map[string]struct{ body, param string }{
		"messages": {`{"model":"desk","messages":[` + many(5000, `{"role":"user","content":"x"}`) + `]}`, "messages"},
		"parts":    {saying(`{"role":"user","content":[` + many(600, `{"type":"text","text":"x"}`) + `]}`), "messages[0].content"},
		"tools":    {with(`"tools":[` + many(129, `{"type":"function","function":{"name":"a"}}`) + `]`), "tools"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, newWorld(t, chatapi.Options{}).post(test.body), http.StatusBadRequest, test.param, "array_above_max_length")
		})
	}
}

// FuzzRequest: whatever comes, the answer is an answer or an error in OpenAI's shape.
func FuzzRequest(f *testing.F) {
	f.Add(with(`"stream":true,"stream_options":{"include_usage":true},` + tool + `,"tool_choice":"auto"`))
	f.Add(saying(asked, rang1, rang2, `{"role":"user","content":[{"type":"text","text":"x"}]}`))
	f.Add(with(`"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}},"metadata":{"a":"b"},"stop":["a"],"seed":1`))
	f.Add(`{"model":"desk","messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"x"}}]}],"logit_bias":{},"n":1e0}`)
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld(t, chatapi.Options{})
		w.key = auth.Principal{Kind: auth.Key, Name: "desk", Agents: []string{"*"}}
		w.runs.Play(play(succeeded("ok"), words(1, "ok"), turned(1, "ok")))
		rec := w.post(body)
		switch {
		case rec.Status() == http.StatusOK && rec.Header().Get("Content-Type") == "application/json":
			if a := decode(t, rec); len(a.Choices) != 1 {
				t.Errorf("answered %s", rec.Body(true))
			}
		case rec.Status() == http.StatusOK:
			talk := w.runs.Talks()[0]
			s := chattest.Read(strings.NewReader(rec.Body(true)), chattest.Asked{Usage: strings.Contains(rec.Body(true), `"usage":null`)})
			if len(s.Broken) > 0 || talk.Run.Agent == "" {
				t.Errorf("streamed %q", s.Broken)
			}
		default:
			if a := decode(t, rec); a.Error == nil || a.Error.Message == "" || rec.Status() > 499 {
				t.Errorf("%d %s", rec.Status(), rec.Body(true))
			}
		}
	})
}

func TestImageForAModelThatCannotBeShownAnyIsRefused(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	w.key.Agents = []string{"*"}
	image := `{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}`
	got := w.post(strings.Replace(saying(image), "desk", "blind", 1))
	if body := got.Body(true); got.Status() != http.StatusBadRequest || !strings.Contains(body, `"param":"messages[0].content[1]"`) || !strings.Contains(body, "cannot be shown any") {
		t.Errorf("%d %s", got.Status(), body)
	}
}

func TestFileForAModelThatTakesNoneIsRefused(t *testing.T) {
	w := newWorld(t, chatapi.Options{})
	w.key.Agents = []string{"*"}
	file := saying(`{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}}]}`)
	e := refused(t, w.post(strings.Replace(file, "desk", "fileless", 1)), http.StatusBadRequest, "messages[0].content[1]", "unsupported_content")
	if !strings.Contains(e.Message, "takes none") || len(w.runs.Talks()) > 0 {
		t.Errorf("%+v, %d runs", e, len(w.runs.Talks()))
	}
	for _, other := range []string{"desk", "blind"} {
		w.post(strings.Replace(file, "desk", other, 1))
	}
	if n := len(w.runs.Talks()); n != 2 {
		t.Errorf("others were asked %d times, want 2", n)
	}
}

func TestWhatTheModelsAPILacksIsRefusedByNameBeforeThereIsARun(t *testing.T) {
	for param, body := range map[string]string{
		"seed":                   with(`"seed":1`),
		"stop":                   with(`"stop":"x"`),
		"max_completion_tokens":  with(`"max_tokens":5`),
		"messages[0].name":       saying(`{"role":"user","name":"Ann","content":"hi"}`),
		"messages[0].content[0]": saying(`{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}`),
	} {
		t.Run(param, func(t *testing.T) {
			w := newWorld(t, chatapi.Options{})
			w.key.Agents = []string{"*"}
			e := refused(t, w.post(strings.Replace(body, "desk", "responds", 1)), http.StatusBadRequest, param, "unsupported_parameter")
			if e.Type != "invalid_request_error" || !strings.Contains(e.Message, "Responses API") {
				t.Errorf("%+v", e)
			}
			if len(w.runs.Talks()) > 0 {
				t.Error("began a run")
			}
		})
	}
}
