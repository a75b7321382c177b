package openai

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// chunks writes a stream of chat completions, each line a chunk: a delta as JSON, or
// any other member with its name.
func chunks(lines ...string) string {
	var out strings.Builder
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "finish:"):
			line = `{"id":"c1","model":"m-2026","choices":[{"index":0,"delta":{},"finish_reason":"` + line[len("finish:"):] + `"}]}`
		case strings.HasPrefix(line, "{"):
			line = `{"id":"c1","model":"m-2026","choices":[{"index":0,"delta":` + line + `,"finish_reason":null}]}`
		case strings.HasPrefix(line, "raw:"):
			line = line[len("raw:"):]
		}
		out.WriteString("data: " + line + "\n\n")
	}
	return out.String()
}

const usageChunk = `raw:{"id":"c1","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":64},"completion_tokens_details":{"reasoning_tokens":3}}}`

func call(id, name, arguments string) Call { return Call{ID: id, Name: name, Arguments: arguments} }

func TestAnswerIsPutTogetherFromItsDeltas(t *testing.T) {
	done := []string{usageChunk, "[DONE]"}
	for name, c := range map[string]struct {
		stream []string
		want   Answer
		heard  string
	}{
		"text": {
			[]string{`{"role":"assistant","content":""}`, `{"content":"Hel"}`, `{"content":"lo"}`, "finish:stop"},
			Answer{Content: "Hello", Finish: FinishStop}, "Hel|lo",
		},
		"a role in each chunk, and thoughts": {
			[]string{`{"role":"assistant","reasoning_content":"hm"}`, `{"role":"assistant","content":"a","reasoning":"b"}`, "finish:stop"},
			Answer{Content: "a", Finish: FinishStop}, "a",
		},
		"a refusal": {
			[]string{`{"refusal":"I "}`, `{"refusal":"won't"}`, "finish:stop"},
			Answer{Refusal: "I won't", Finish: FinishStop}, "",
		},
		"content in parts": {
			[]string{`{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}`, "finish:stop"},
			Answer{Content: "ab", Finish: FinishStop}, "ab",
		},
		"a call in pieces": {
			[]string{
				`{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"crm_","arguments":""}}]}`,
				`{"tool_calls":[{"index":0,"function":{"name":"get"}}]}`,
				`{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]}`,
				`{"tool_calls":[{"index":0,"function":{"arguments":": 1}"}}]}`, "finish:tool_calls",
			},
			Answer{Calls: []Call{call("a", "crm_get", `{"x": 1}`)}, Finish: FinishCalls}, "",
		},
		"calls in turns and out of order": {
			[]string{
				`{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{\"y\""}}]}`,
				`{"content":"let me see"}`,
				`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}},{"index":1,"function":{"arguments":":2}"}}]}`,
				`{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}`, "finish:tool_calls",
			},
			Answer{Content: "let me see", Calls: []Call{call("a", "f", `{"x":1}`), call("b", "g", `{"y":2}`)}, Finish: FinishCalls}, "let me see",
		},
		"whole calls in one chunk without an index": {
			[]string{`{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"f","arguments":"{}"}}]}`, "finish:tool_calls"},
			Answer{Calls: []Call{call("a", "f", "{}"), call("b", "f", "{}")}, Finish: FinishCalls}, "",
		},
		"whole calls with neither index nor id": {
			[]string{`{"tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"f","arguments":"{}"}}]}`, "finish:tool_calls"},
			Answer{Calls: []Call{call("", "f", "{}"), call("", "f", "{}")}, Finish: FinishCalls}, "",
		},
		"pieces without an index go by the id, or to the last call": {
			[]string{
				`{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]}`, `{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{"}}]}`,
				`{"tool_calls":[{"function":{"arguments":"}"}}]}`, `{"tool_calls":[{"id":"a","function":{"arguments":"}"}}]}`, "finish:tool_calls",
			},
			Answer{Calls: []Call{call("a", "f", "{}"), call("b", "g", "{}")}, Finish: FinishCalls}, "",
		},
		"each call at index 0": {
			[]string{`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}`, `{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]}`, "finish:stop"},
			Answer{Calls: []Call{call("a", "f", "{}"), call("b", "g", "{}")}, Finish: FinishStop}, "",
		},
		"each call at index 0, the first without arguments": {
			[]string{`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}`, `{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]}`, "finish:stop"},
			Answer{Calls: []Call{call("a", "f", ""), call("b", "g", "{}")}, Finish: FinishStop}, "",
		},
		"id and name repeated": {
			[]string{`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}`, `{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}]}`, "finish:tool_calls"},
			Answer{Calls: []Call{call("a", "f", "{}")}, Finish: FinishCalls}, "",
		},
		"another id in each piece": {
			[]string{`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}`, `{"tool_calls":[{"index":0,"id":"b","function":{"arguments":"}"}}]}`, "finish:tool_calls"},
			Answer{Calls: []Call{call("a", "f", "{}")}, Finish: FinishCalls}, "",
		},
		"arguments as an object": {
			[]string{`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{"x": 1}}}]}`, "finish:tool_calls"},
			Answer{Calls: []Call{call("a", "f", `{"x": 1}`)}, Finish: FinishCalls}, "",
		},
		"length in the middle of arguments": {
			[]string{`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x"}}]}`, "finish:length"},
			Answer{Calls: []Call{call("a", "f", `{"x`)}, Finish: FinishLength}, "",
		},
		"withheld":               {[]string{`{"content":"so"}`, "finish:content_filter"}, Answer{Content: "so", Finish: FinishFiltered}, "so"},
		"cut, in other words":    {[]string{`{"content":"so"}`, "finish:model_length"}, Answer{Content: "so", Finish: FinishLength}, "so"},
		"withheld, in capitals":  {[]string{`{"content":"so"}`, "finish:SAFETY"}, Answer{Content: "so", Finish: FinishFiltered}, "so"},
		"another vendor's words": {[]string{`{"content":"so"}`, "finish:max_tokens"}, Answer{Content: "so", Finish: FinishLength}, "so"},
		"several choices": {
			[]string{`raw:{"id":"c1","model":"m-2026","choices":[{"index":1,"delta":{"content":"no"}},{"index":0,"delta":{"content":"yes"}}]}`, "finish:stop"},
			Answer{Content: "yes", Finish: FinishStop}, "yes",
		},
		"no finish but [DONE]": {[]string{`{"content":"so"}`}, Answer{Content: "so", Finish: FinishStop}, "so"},
		"nothing said":         {[]string{`{"role":"assistant"}`, "finish:stop"}, Answer{Finish: FinishStop}, ""},
		"an empty chunk first": {[]string{`raw:{"choices":[],"prompt_filter_results":[]}`, `{"content":"so"}`, "finish:stop"}, Answer{Content: "so", Finish: FinishStop}, "so"},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.ID, c.want.Model = "c1", "m-2026"
			c.want.Usage = Usage{Prompt: 100, Completion: 7, Cached: 64, Reasoning: 3}
			got, heard, err := listen(streaming(t, Chat, chunks(append(c.stream, done...)...)), question())
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
			if strings.Join(heard, "|") != c.heard {
				t.Errorf("heard %q, want %q", heard, c.heard)
			}
		})
	}
}

func TestStreamIsUnderstoodHoweverItIsWritten(t *testing.T) {
	plain := chunks(`{"content":"Hel"}`, `{"content":"lo"}`, "finish:stop", usageChunk, "[DONE]")
	for name, stream := range map[string]string{
		"LF":                      plain,
		"CRLF":                    strings.ReplaceAll(plain, "\n", "\r\n"),
		"comments":                ": hi\n\n" + strings.ReplaceAll(plain, "data:", ": keep-alive\ndata:"),
		"other fields":            strings.ReplaceAll(plain, "data:", "id: 7\nretry: 5\nevent: chunk\nunknown\ndata:"),
		"no space":                strings.ReplaceAll(plain, "data: ", "data:"),
		"no empty lines":          strings.ReplaceAll(plain, "\n\n", "\n"),
		"signs of life":           "data:\n\ndata: \n\n" + strings.ReplaceAll(plain, "data: {", "data:  \n\ndata: {"),
		"an error that is none":   strings.ReplaceAll(plain, `"choices"`, `"error":"","choices"`),
		"a null that is text":     strings.ReplaceAll(plain, `"finish_reason":null}]`, `"finish_reason":"null"}],"usage":{"prompt_tokens":100}`),
		"no error":                strings.ReplaceAll(plain, `"choices"`, `"error":false,"choices"`),
		"an event without data":   "event: error\n\n" + plain,
		"data over several lines": strings.ReplaceAll(plain, `,"model"`, ",\ndata: \"model\""),
		"no end":                  strings.TrimSuffix(plain, "\n\n"),
		"no [DONE]":               strings.TrimSuffix(plain, "data: [DONE]\n\n"),
		"neither":                 strings.TrimSuffix(plain, "\n\ndata: [DONE]\n\n"),
		"more behind [DONE]":      plain + chunks(`{"content":"!"}`),
		"usage with the finish":   chunks(`{"content":"Hello"}`, `raw:{"id":"c1","model":"m-2026","choices":[{"delta":{},"finish_reason":"stop"}],`+usageChunk[len(`raw:{"id":"c1","choices":[],`):]),
		"usage as it grows":       chunks(`raw:{"id":"c1","model":"m-2026","choices":[{"delta":{"content":"Hello"}}],"usage":{"prompt_tokens":100}}`, "finish:stop", usageChunk, `raw:{"choices":[],"usage":{"prompt_tokens":0}}`),
		"an error after the end":  strings.Replace(plain, "data: [DONE]", `data: {"error":{"message":"oops"}}`, 1),
		"in one piece": `{"id":"c1","model":"m-2026","choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],
			` + usageChunk[len(`raw:{"id":"c1","choices":[],`):],
		"in one piece, indented": "\n\t{\"id\":\"c1\",\"model\":\"m-2026\",\n\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"Hello\"}]}}],\n" + usageChunk[len(`raw:{"id":"c1","choices":[],`):],
	} {
		t.Run(name, func(t *testing.T) {
			got, heard, err := listen(streaming(t, Chat, stream), question())
			want := Answer{ID: "c1", Model: "m-2026", Content: "Hello", Finish: FinishStop, Usage: Usage{Prompt: 100, Completion: 7, Cached: 64, Reasoning: 3}}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
			if strings.Join(heard, "") != "Hello" {
				t.Errorf("heard %q", heard)
			}
		})
	}
}

func TestStreamThatEndsTooSoonIsNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		stream string
		want   Error
	}{
		"before the finish": {chunks(`{"content":"Hel"}`), Error{Kind: Transient, Reason: Cut, Message: "the model's answer broke off: unexpected EOF"}},
		"in a chunk":        {chunks(`{"content":"Hel"}`) + `data: {"choices":[{"delta":{"con`, Error{Kind: Transient, Reason: Cut, Message: "the model's answer broke off: unexpected EOF"}},
		"with a whole call": {chunks(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}`), Error{Kind: Transient, Reason: Cut, Message: "the model's answer broke off: unexpected EOF"}},
		"without a chunk":   {": hello\n\n", Error{Kind: Transient, Reason: EmptyChoices, Status: 200, Message: "the model server answered without a choice"}},
		"without a choice":  {chunks(usageChunk, "[DONE]"), Error{Kind: Transient, Reason: EmptyChoices, Status: 200, Message: "the model server answered without a choice"}},
		"garbage":           {chunks(`{"content":"Hel"}`, "raw:<html>"), Error{Kind: Transient, Reason: Unreadable, Message: "the model server's answer cannot be read: invalid character '<' looking for beginning of value"}},
		"by an error":       {chunks(`{"content":"Hel"}`, `raw:{"error":{"message":"overloaded `+key+`","type":"server_error","code":null}}`), Error{Kind: Transient, Reason: Unavailable, Status: 503, Message: "the model server is not ready (503 Service Unavailable): overloaded [redacted]"}},
		"by an error that says it is the last": {
			chunks(`raw:{"choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"upstream"}}]}`),
			Error{Kind: Transient, Reason: Unavailable, Status: 502, Message: "the model server is not ready (502 Bad Gateway): upstream"},
		},
		"by an error with no words": {"data: " + `{"choices":[{"delta":{},"finish_reason":"error"}]}` + "\n\ndata: [DONE]\n\n", Error{Kind: Transient, Reason: Unavailable, Status: 503, Message: "the model server is not ready (503 Service Unavailable): it stopped with error"}},
		"by lack of room":           {chunks(`{"content":"Hel"}`, "finish:insufficient_system_resource", "[DONE]"), Error{Kind: Transient, Reason: Unavailable, Status: 503, Message: "the model server is not ready (503 Service Unavailable): it stopped with insufficient_system_resource"}},
		"by an error event":         {"event: error\ndata: {\"message\":\"too many\",\"code\":\"rate_limit_exceeded\"}\n\n", Error{Kind: Transient, Reason: RateLimited, Status: 429, Message: "the model server takes no more requests for now (429): too many"}},
		"by an odd code":            {chunks(`raw:{"error":{"message":"oops","code":7}}`), Error{Kind: Transient, Reason: Unavailable, Status: 503, Message: "the model server is not ready (503 Service Unavailable): oops"}},
		"by what the request did":   {chunks(`raw:{"error":{"message":"max 8","code":"context_length_exceeded"}}`), Error{Kind: Permanent, Reason: TooLong, Status: 400, Message: `the request is too long for the model "m" (400): max 8`}},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := streaming(t, Chat, c.stream).Complete(t.Context(), question())
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("answer %+v, error %v; want an *Error", answer, err)
			}
			if diff := cmp.Diff(c.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEventThatIsTooLargeIsCutOff(t *testing.T) {
	events := &events{r: newReader(strings.Repeat("data: "+strings.Repeat("x", 1<<20)+"\n", maxEvent>>20+1))}
	if _, err := events.next(); !errors.Is(err, errEventSize) {
		t.Errorf("of many lines: %v", err)
	}
	for _, field := range []string{"data: ", ": "} {
		events.r = newReader(field + strings.Repeat("x", maxEvent+1<<16) + "\n\n")
		if _, err := events.next(); !errors.Is(err, errEventSize) {
			t.Errorf("of one line: %v", err)
		}
	}
}

func TestUsageThatMakesNoSenseIsMended(t *testing.T) {
	const usage = `raw:{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":-7,"prompt_tokens_details":{"cached_tokens":64},"completion_tokens_details":{"reasoning_tokens":3}}}`
	got, err := streaming(t, Chat, chunks(`{"content":"a"}`, "finish:stop", usage, "[DONE]")).Complete(t.Context(), question())
	if want := (Usage{Prompt: 10, Cached: 10}); err != nil || got.Usage != want {
		t.Errorf("usage %+v, error %v", got.Usage, err)
	}
}
