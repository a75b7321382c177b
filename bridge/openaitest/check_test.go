package openaitest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// pair is a request that breaks one rule, and the nearest one that does not.
type pair struct{ it, param, bad, good string }

// judge sends a body to a fresh server and gives what it found, after making sure
// that what it answered agrees with that.
func judge(t *testing.T, path, body string) []Violation {
	t.Helper()
	h := NewHandler(Options{})
	h.Always(Say("ok"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/v1"+path, strings.NewReader(body)))
	found := h.Violations()
	var answer struct{ Error *problem }
	switch err := json.Unmarshal(w.Body.Bytes(), &answer); {
	case w.Code != 200 && err != nil:
		t.Errorf("answered %q: %v", w.Body, err)
	case len(found) == 0 && w.Code != 200, len(found) > 0 && w.Code != 400:
		t.Errorf("%d with the violations %v", w.Code, found)
	case len(found) > 0 && (answer.Error == nil || answer.Error.Message != found[0].Text || answer.Error.Type != "invalid_request_error"):
		t.Errorf("answered %s for %v", w.Body, found)
	}
	return found
}

func (p pair) run(t *testing.T, path string) {
	t.Run(p.it, func(t *testing.T) {
		found := judge(t, path, p.bad)
		if len(found) == 0 || found[0].Param != p.param {
			t.Errorf("found %v, want the first at %q\nin %s", found, p.param, p.bad)
		}
		if found := judge(t, path, p.good); len(found) != 0 {
			t.Errorf("needless: %v\nin %s", found, p.good)
		}
	})
}

const user = `{"role":"user","content":"hi"}`

// chatWith is a chat request with more members.
func chatWith(members string) string {
	return fmt.Sprintf(`{"model":"m","messages":[%s],%s}`, user, members)
}

// talk is a chat request of these messages, after the user's.
func talk(messages ...string) string {
	return fmt.Sprintf(`{"model":"m","messages":[%s]}`, strings.Join(append([]string{user}, messages...), ","))
}

const f = `{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}`

// strictly is a strict function with a schema.
func strictly(parameters string) string {
	return `"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":` + parameters + `}}]`
}

// many is a list of n functions, each with another name.
func many(n int) string {
	var tools []string
	for i := range n {
		tools = append(tools, strings.Replace(f, `"f"`, fmt.Sprintf(`"f%d"`, i), 1))
	}
	return `"tools":[` + strings.Join(tools, ",") + `]`
}

func letters(n int) string { return strings.Repeat("x", n) }

// metadata is metadata with n members.
func metadata(n int) string {
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprintf(`"k%d":"v"`, i))
	}
	return `"store":true,"metadata":{` + strings.Join(pairs, ",") + `}`
}

func TestEveryBrokenRuleOfAChatRequestIsCaught(t *testing.T) {
	for _, p := range []pair{
		{"no object", "", `[]`, talk()},
		{"no JSON", "", `{"model":`, talk()},
		{"no model", "model", `{"messages":[` + user + `]}`, talk()},
		{"a model that is no text", "model", `{"model":1,"messages":[` + user + `]}`, talk()},
		{"no messages", "messages", `{"model":"m"}`, talk()},
		{"empty messages", "messages", `{"model":"m","messages":[]}`, talk()},
		{"an unknown member", "surprise", chatWith(`"surprise":1`), chatWith(`"user":"u"`)},
		{"stream that is no boolean", "stream", chatWith(`"stream":"yes"`), chatWith(`"stream":false`)},
		{"stream options without stream", "stream_options", chatWith(`"stream_options":{"include_usage":true}`), chatWith(`"stream_options":null`)},
		{"unknown stream options", "stream_options.x", chatWith(`"stream":true,"stream_options":{"x":1}`), chatWith(`"n":1`)},
		{"a temperature above 2", "temperature", chatWith(`"temperature":2.1`), chatWith(`"temperature":2`)},
		{"a temperature below 0", "temperature", chatWith(`"temperature":-0.1`), chatWith(`"temperature":0`)},
		{"a temperature in words", "temperature", chatWith(`"temperature":"hot"`), chatWith(`"temperature":null`)},
		{"top_p above 1", "top_p", chatWith(`"top_p":1.5`), chatWith(`"top_p":1`)},
		{"a presence penalty above 2", "presence_penalty", chatWith(`"presence_penalty":3`), chatWith(`"presence_penalty":-2`)},
		{"a frequency penalty below -2", "frequency_penalty", chatWith(`"frequency_penalty":-3`), chatWith(`"frequency_penalty":2`)},
		{"no tokens", "max_completion_tokens", chatWith(`"max_completion_tokens":0`), chatWith(`"max_completion_tokens":1`)},
		{"half a token", "max_tokens", chatWith(`"max_tokens":1.5`), chatWith(`"max_tokens":2`)},
		{"both bounds of tokens", "max_tokens", chatWith(`"max_tokens":1,"max_completion_tokens":1`), chatWith(`"max_tokens":1`)},
		{"a seed that is no integer", "seed", chatWith(`"seed":1.5`), chatWith(`"seed":-7`)},
		{"five stops", "stop", chatWith(`"stop":["a","b","c","d","e"]`), chatWith(`"stop":["a","b","c","d"]`)},
		{"no stops", "stop", chatWith(`"stop":[]`), chatWith(`"stop":"a"`)},
		{"metadata without store", "metadata", chatWith(`"metadata":{"a":"b"}`), chatWith(`"store":true,"metadata":{"a":"b"}`)},
		{"17 metadata", "metadata", chatWith(metadata(17)), chatWith(metadata(16))},
		{"a long metadata key", "metadata", chatWith(`"store":true,"metadata":{"` + letters(65) + `":""}`), chatWith(`"store":true,"metadata":{"` + letters(64) + `":""}`)},
		{"a long metadata value", "metadata.a", chatWith(`"store":true,"metadata":{"a":"` + letters(513) + `"}`), chatWith(`"store":true,"metadata":{"a":"` + letters(512) + `"}`)},
		{"a metadata value that is no text", "metadata.a", chatWith(`"store":true,"metadata":{"a":1}`), chatWith(`"store":true,"metadata":{"a":"1"}`)},
		{"an unknown effort", "reasoning_effort", chatWith(`"reasoning_effort":"heroic"`), chatWith(`"reasoning_effort":"low"`)},
		{"an unknown verbosity", "verbosity", chatWith(`"verbosity":"none"`), chatWith(`"verbosity":"high"`)},
		{"an unknown tier", "service_tier", chatWith(`"service_tier":"gold"`), chatWith(`"service_tier":"flex"`)},
		{"a long cache key", "prompt_cache_key", chatWith(`"prompt_cache_key":"` + letters(65) + `"`), chatWith(`"prompt_cache_key":"` + letters(64) + `"`)},

		{"an unknown role", "messages[1].role", talk(`{"role":"narrator","content":"x"}`), talk(`{"role":"developer","content":"x"}`)},
		{"no role", "messages[1].role", talk(`{"content":"x"}`), talk(user)},
		{"no content", "messages[1].content", talk(`{"role":"user"}`), talk(user)},
		{"content that is null", "messages[1].content", talk(`{"role":"system","content":null}`), talk(`{"role":"system","content":""}`)},
		{"content of another kind", "messages[1].content", talk(`{"role":"user","content":{}}`), talk(user)},
		{"empty parts", "messages[1].content", talk(`{"role":"user","content":[]}`), talk(`{"role":"user","content":[{"type":"text","text":"x"}]}`)},
		{"an unknown part", "messages[1].content[0].type", talk(`{"role":"user","content":[{"type":"video"}]}`), talk(user)},
		{"an image in a system message", "messages[1].content[0].type", talk(`{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://e.com/a.png"}}]}`),
			talk(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://e.com/a.png"}}]}`)},
		{"an image in a tool message", "messages[2].content[0].type", talk(calling("a"), `{"role":"tool","tool_call_id":"a","content":[{"type":"image_url","image_url":{"url":"https://e.com/a.png"}}]}`), talk(calling("a"), returned("a"))},
		{"an image without an address", "messages[1].content[0].image_url.url", talk(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///a.png"}}]}`),
			talk(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]}`)},
		{"audio of an unknown format", "messages[1].content[0].input_audio.format", talk(`{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"ogg"}}]}`),
			talk(`{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}`)},
		{"a file from nowhere", "messages[1].content[0].file", talk(`{"role":"user","content":[{"type":"file","file":{}}]}`), talk(`{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}`)},
		{"file data without a name", "messages[1].content[0].file.filename", talk(`{"role":"user","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA"}}]}`),
			talk(`{"role":"user","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA","filename":"a.pdf"}}]}`)},
		{"file data that says not what it is", "messages[1].content[0].file.file_data", talk(`{"role":"user","content":[{"type":"file","file":{"file_data":"AAAA","filename":"a.pdf"}}]}`),
			talk(`{"role":"user","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA","filename":"a.pdf"}}]}`)},
		{"a member that the role has not", "messages[1].reasoning_content", talk(`{"role":"assistant","content":"x","reasoning_content":"y"}`), talk(`{"role":"assistant","content":"x"}`)},
		{"a name with a space", "messages[1].name", talk(`{"role":"user","content":"x","name":"a b"}`), talk(`{"role":"user","content":"x","name":"a_b"}`)},
		{"an assistant that says nothing", "messages[1].content", talk(`{"role":"assistant","content":null}`), talk(`{"role":"assistant","content":null,"refusal":"no"}`)},
		{"empty tool calls", "messages[1].tool_calls", talk(`{"role":"assistant","content":"x","tool_calls":[]}`), talk(`{"role":"assistant","content":"x"}`)},

		{"an unanswered call at the end", "messages", talk(calling("a")), talk(calling("a"), returned("a"))},
		{"an unanswered call in the middle", "messages[2]", talk(calling("a"), user), talk(calling("a"), returned("a"), user)},
		{"one of two calls unanswered", "messages", talk(calling("a", "b"), returned("a")), talk(calling("a", "b"), returned("b"), returned("a"))},
		{"a call answered twice", "messages[3].role", talk(calling("a"), returned("a"), returned("a")), talk(calling("a"), returned("a"))},
		{"an orphan tool message", "messages[1].role", talk(returned("a")), talk(calling("a"), returned("a"))},
		{"an answer that comes late", "messages[4].role", talk(calling("a"), returned("a"), user, returned("a")), talk(calling("a"), returned("a"), user, calling("a"), returned("a"))},
		{"a call without an id", "messages[1].tool_calls[0].id", talk(strings.Replace(calling("a"), `"id":"a",`, ``, 1)), talk(calling("a"), returned("a"))},
		{"an id twice in a message", "messages[1].tool_calls[1].id", talk(calling("a", "a"), returned("a"), returned("a")), talk(calling("a", "b"), returned("a"), returned("b"))},
		{"an id of 41 characters", "messages[1].tool_calls[0].id", talk(calling(letters(41)), returned(letters(41))), talk(calling(letters(40)), returned(letters(40)))},
		{"a call of another type", "messages[1].tool_calls[0].type", talk(strings.Replace(calling("a"), `"type":"function"`, `"type":"custom"`, 1), returned("a")), talk(calling("a"), returned("a"))},
		{"a call by an impossible name", "messages[1].tool_calls[0].function.name", talk(strings.Replace(calling("a"), `"name":"f"`, `"name":"a.b"`, 1), returned("a")), talk(calling("a"), returned("a"))},
		{"arguments that are no JSON", "messages[1].tool_calls[0].function.arguments", talk(strings.Replace(calling("a"), `"{}"`, `"{"`, 1), returned("a")), talk(calling("a"), returned("a"))},
		{"arguments that are a list", "messages[1].tool_calls[0].function.arguments", talk(strings.Replace(calling("a"), `"{}"`, `"[]"`, 1), returned("a")), talk(calling("a"), returned("a"))},
		{"arguments that are null", "messages[1].tool_calls[0].function.arguments", talk(strings.Replace(calling("a"), `"{}"`, `"null"`, 1), returned("a")), talk(calling("a"), returned("a"))},
		{"an index in a whole call", "messages[1].tool_calls[0].index", talk(strings.Replace(calling("a"), `"id"`, `"index":0,"id"`, 1), returned("a")), talk(calling("a"), returned("a"))},
		{"a tool message without content", "messages[2].content", talk(calling("a"), `{"role":"tool","tool_call_id":"a"}`), talk(calling("a"), `{"role":"tool","tool_call_id":"a","content":""}`)},

		{"an empty list of tools", "tools", chatWith(`"tools":[]`), chatWith(`"tools":[` + f + `]`)},
		{"129 tools", "tools", chatWith(many(129)), chatWith(many(128))},
		{"two tools of one name", "tools", chatWith(`"tools":[` + f + `,` + f + `]`), chatWith(many(2))},
		{"a tool of another type", "tools[0].type", chatWith(strings.Replace(many(1), `"type":"function"`, `"type":"web"`, 1)), chatWith(many(1))},
		{"a flat tool", "tools[0].name", chatWith(`"tools":[{"type":"function","name":"f","function":{"name":"f"}}]`), chatWith(`"tools":[{"type":"function","function":{"name":"f"}}]`)},
		{"a strict schema that is open", "tools[0]", chatWith(strictly(`{"type":"object","properties":{}}`)), chatWith(strictly(`{"type":"object","properties":{},"required":[],"additionalProperties":false}`))},
		{"a schema that is no object", "tools[0]", chatWith(strings.Replace(many(1), `{"type":"object","properties":{}}`, `{"type":"string"}`, 1)), chatWith(many(1))},
		{"a choice without tools", "tool_choice", chatWith(`"tool_choice":"auto"`), chatWith(many(1) + `,"tool_choice":"auto"`)},
		{"parallel calls without tools", "parallel_tool_calls", chatWith(`"parallel_tool_calls":false`), chatWith(many(1) + `,"parallel_tool_calls":false`)},
		{"an unknown choice", "tool_choice", chatWith(many(1) + `,"tool_choice":"any"`), chatWith(many(1) + `,"tool_choice":"required"`)},
		{"a choice that is not offered", "tool_choice", chatWith(many(1) + `,"tool_choice":{"type":"function","function":{"name":"g"}}`), chatWith(many(1) + `,"tool_choice":{"type":"function","function":{"name":"f0"}}`)},
		{"an allowed tool that is not offered", "tool_choice.allowed_tools.tools[0]",
			chatWith(many(1) + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}}`),
			chatWith(many(1) + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f0"}}]}}`)},

		{"an unknown format", "response_format.type", chatWith(`"response_format":{"type":"xml"}`), chatWith(`"response_format":{"type":"text"}`)},
		{"a schema for plain text", "response_format.json_schema", chatWith(`"response_format":{"type":"text","json_schema":{}}`), chatWith(`"response_format":{"type":"text"}`)},
		{"a schema for any JSON", "response_format.json_schema", `{"model":"m","messages":[{"role":"user","content":"as JSON"}],"response_format":{"type":"json_object","json_schema":{}}}`, talk()},
		{"JSON that nobody mentions", "messages", chatWith(`"response_format":{"type":"json_object"}`), `{"model":"m","messages":[{"role":"user","content":"as JSON"}],"response_format":{"type":"json_object"}}`},
		{"a schema without a name", "response_format.json_schema.name", chatWith(`"response_format":{"type":"json_schema","json_schema":{"schema":{}}}`), chatWith(`"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}`)},
		{"a strict format that is open", "response_format.json_schema.schema", chatWith(`"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object","properties":{}}}}`),
			chatWith(`"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object","properties":{},"required":[],"additionalProperties":false}}}`)},
	} {
		p.run(t, "/chat/completions")
	}
}

// calling is an assistant message with a call of f under each id.
func calling(ids ...string) string {
	var calls []string
	for _, id := range ids {
		calls = append(calls, fmt.Sprintf(`{"id":"%s","type":"function","function":{"name":"f","arguments":"{}"}}`, id))
	}
	return `{"role":"assistant","content":null,"tool_calls":[` + strings.Join(calls, ",") + `]}`
}

func returned(id string) string {
	return fmt.Sprintf(`{"role":"tool","tool_call_id":"%s","content":"ok"}`, id)
}
