package openai

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"drawbridge/bridge/openaitest"

	"github.com/google/go-cmp/cmp"
)

// asking is a client of a fake server that judges what it is sent.
func asking(t *testing.T, api API) (*Client, *openaitest.Server) {
	t.Helper()
	fake := openaitest.New(t)
	client := newHTTPClient()
	t.Cleanup(client.CloseIdleConnections)
	return New(Options{BaseURL: fake.URL(), APIKey: key, API: api, HTTPClient: client}), fake
}

func TestBothAPIsGiveTheSameAnswer(t *testing.T) {
	calls := []openaitest.ToolCall{{ID: "call_1", Name: "f", Arguments: `{"x":1}`}, {ID: "call_2", Name: "g", Arguments: `{}`}}
	uses := openaitest.Uses(openaitest.Usage{Prompt: 100, Completion: 7, Cached: 64, Reasoning: 3})
	for name, c := range map[string]struct {
		reply openaitest.Reply
		want  Answer
	}{
		"words":          {openaitest.Say("Hello there, you", uses), Answer{Content: "Hello there, you", Finish: FinishStop}},
		"in one piece":   {openaitest.Say("Hello", openaitest.Plain(), uses), Answer{Content: "Hello", Finish: FinishStop}},
		"with a comment": {openaitest.Say("Hello", openaitest.Comments(), openaitest.CRLF(), uses), Answer{Content: "Hello", Finish: FinishStop}},
		"calls": {
			openaitest.Calls(calls, openaitest.WithText("Let me see."), openaitest.Pieces(3), uses),
			Answer{Content: "Let me see.", Calls: []Call{call("call_1", "f", `{"x":1}`), call("call_2", "g", `{}`)}, Finish: FinishCalls},
		},
		"refusal":  {openaitest.Decline("I won't.", uses), Answer{Refusal: "I won't.", Finish: FinishStop}},
		"length":   {openaitest.Say("Hel", openaitest.Finish("length"), uses), Answer{Content: "Hel", Finish: FinishLength}},
		"filtered": {openaitest.Say("Hel", openaitest.Finish("content_filter"), uses), Answer{Content: "Hel", Finish: FinishFiltered}},
		"no usage": {openaitest.Say("Hello", openaitest.NoUsage()), Answer{Content: "Hello", Finish: FinishStop, Usage: Usage{Estimated: true}}},
	} {
		for _, api := range []API{Chat, Responses} {
			t.Run(name+", "+string(api), func(t *testing.T) {
				client, fake := asking(t, api)
				if !c.want.Usage.Estimated {
					c.want.Usage = Usage{Prompt: 100, Completion: 7, Cached: 64, Reasoning: 3}
				}
				fake.Answer(c.reply)
				got, heard, err := listen(client, question())
				if err != nil {
					t.Fatal(err)
				}
				if got.ID == "" || got.Model != "m" || got.Usage.Estimated && got.Usage.Prompt < 20 {
					t.Errorf("answer %+v", got)
				}
				if c.want.Usage.Estimated {
					got.Usage = Usage{Estimated: got.Usage.Estimated}
				}
				got.ID, got.Model = "", ""
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				if strings.Join(heard, "") != c.want.Content {
					t.Errorf("heard %q", heard)
				}
			})
		}
	}
}

func TestResponsesRequestSaysTheSameInItsOwnWords(t *testing.T) {
	client, fake := asking(t, Responses)
	fake.Always(openaitest.Say("ok"))
	zero, tokens, yes := 0.0, 64, true
	q := Request{
		Model: "m",
		Messages: []Message{
			{Role: System, Content: "be brief"},
			{Role: Developer, Content: "answer in JSON"},
			{Role: User, Parts: raws(
				`{"type":"text","text":"what is <this>?"}`, `{"type":"image_url","image_url":{"url":"https://x.test/a.png","detail":"low"}}`,
				`{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}`)},
			{Role: Assistant, Content: "a moment", Calls: []Call{call("a", "f", "{}"), call("b", "g", "{}")}},
			{Role: Tool, CallID: "a", Content: "done"},
			{Role: Tool, CallID: "b", Parts: raws(`{"type":"text","text":"done too"}`)},
			{Role: Assistant, Refusal: "no"},
			{Role: Assistant, Parts: raws(`{"type":"text","text":"or"}`, `{"type":"refusal","refusal":"no"}`)},
			{Role: User, Content: "why?"},
		},
		Functions: question().Functions,
		Params: Params{
			Temperature: &zero, TopP: &zero, MaxTokens: &tokens, User: "u", SafetyIdentifier: "s", PromptCacheKey: "p", Metadata: map[string]string{"k": "v"}, ReasoningEffort: "low", Verbosity: "high",
			ServiceTier: "flex", ParallelCalls: &yes, ResponseFormat: json.RawMessage(`{"type":"json_schema","json_schema":{"name":"n","strict":false,"schema":{"type":"object"}}}`),
			ToolChoice: json.RawMessage(`{"type":"function","function":{"name":"f"}}`),
		},
	}
	if _, err := client.Complete(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	const want = `{"model":"m","stream":true,"store":false,"include":["reasoning.encrypted_content"],
	"tools":[{"type":"function","name":"f","description":"does","strict":false,"parameters":{"type":"object","properties":{"z":{"if":{}},"a":{}}}},
		{"type":"function","name":"g","strict":true,"parameters":{"type":"object","properties":{},"required":[],"additionalProperties":false}}],
	"input":[{"role":"system","content":"be brief"},{"role":"developer","content":"answer in JSON"},
		{"role":"user","content":[{"type":"input_text","text":"what is <this>?"},{"type":"input_image","image_url":"https://x.test/a.png","detail":"low"},
			{"file_data":"data:application/pdf;base64,AAAA","filename":"a.pdf","type":"input_file"}]},
		{"role":"assistant","content":"a moment"},{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call","call_id":"b","name":"g","arguments":"{}"},
		{"type":"function_call_output","call_id":"a","output":"done"},{"type":"function_call_output","call_id":"b","output":[{"type":"input_text","text":"done too"}]},
		{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},{"role":"assistant","content":[{"type":"output_text","text":"or"},{"type":"refusal","refusal":"no"}]},
		{"role":"user","content":"why?"}],
	"temperature":0,"top_p":0,"max_output_tokens":64,"user":"u","safety_identifier":"s","prompt_cache_key":"p","metadata":{"k":"v"},"service_tier":"flex","reasoning":{"effort":"low"},
	"text":{"format":{"name":"n","schema":{"type":"object"},"strict":false,"type":"json_schema"},"verbosity":"high"},
	"tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":true}`
	if diff := cmp.Diff(squeezed(want), string(fake.Requests()[0].Body)); diff != "" {
		t.Error(diff)
	}
}

func raws(texts ...string) []json.RawMessage {
	var out []json.RawMessage
	for _, text := range texts {
		out = append(out, json.RawMessage(text))
	}
	return out
}

// squeezed takes out the line breaks and tabs.
func squeezed(text string) string { return strings.NewReplacer("\n", "", "\t", "").Replace(text) }

func TestToolChoiceIsTranslated(t *testing.T) {
	for chat, want := range map[string]string{
		`"auto"`: `"auto"`, `"required"`: `"required"`,
		`{"type":"function","function":{"name":"f"}}`:                                                                    `{"type":"function","name":"f"}`,
		`{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}}`: `{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]}`,
	} {
		choice, err := choiceOf(json.RawMessage(chat))
		got, _ := json.Marshal(choice)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", chat, got, err)
		}
	}
}

func TestWhatTheResponsesAPILacksIsRefusedByName(t *testing.T) {
	one, few, half := int64(1), 5, 0.5
	for name, change := range map[string]func(*Request){
		"seed":                      func(q *Request) { q.Params.Seed = &one },
		"stop":                      func(q *Request) { q.Params.Stop = []string{"."} },
		"frequency_penalty":         func(q *Request) { q.Params.FrequencyPenalty = &half },
		"presence_penalty":          func(q *Request) { q.Params.PresencePenalty = &half },
		"max_completion_tokens":     func(q *Request) { q.Params.MaxTokens = &few },
		"input_audio":               func(q *Request) { q.Messages[1].Parts = raws(`{"type":"input_audio","input_audio":{}}`) },
		"name for who speaks":       func(q *Request) { q.Messages[1].Name = "Ann" },
		`tool_choice of type "mcp"`: func(q *Request) { q.Params.ToolChoice = json.RawMessage(`{"type":"mcp"}`) },
		`a tool of type "custom"`: func(q *Request) {
			q.Params.ToolChoice = json.RawMessage(`{"type":"allowed_tools","allowed_tools":{"tools":[{"type":"custom"}]}}`)
		},
		"reading tool_choice":       func(q *Request) { q.Params.ToolChoice = json.RawMessage(`7`) },
		"reading response_format":   func(q *Request) { q.Params.ResponseFormat = json.RawMessage(`7`) },
		"message 1: content part 0": func(q *Request) { q.Messages[1].Parts = raws(`7`) },
	} {
		t.Run(name, func(t *testing.T) {
			client, fake := asking(t, Responses)
			q := question()
			change(&q)
			_, err := client.Complete(t.Context(), q)
			if e := asError(t, err); e.Kind != Permanent || e.Reason != BadRequest || !strings.Contains(e.Message, name) {
				t.Errorf("%+v", e)
			}
			if len(fake.Requests()) > 0 {
				t.Error("it was sent all the same")
			}
		})
	}
}

func TestWhatAnAPILacksIsKnownBeforeItIsAsked(t *testing.T) {
	one, few, enough, half := int64(1), 5, 16, 0.5
	said := func(raw ...string) []Message {
		return []Message{{Role: User, Content: "hi"}, {Role: User, Parts: raws(raw...)}}
	}
	for param, c := range map[string]struct {
		messages []Message
		params   Params
	}{
		"seed":                   {nil, Params{Seed: &one}},
		"stop":                   {nil, Params{Stop: []string{"."}}},
		"frequency_penalty":      {nil, Params{FrequencyPenalty: &half}},
		"presence_penalty":       {nil, Params{PresencePenalty: &half}},
		"max_completion_tokens":  {nil, Params{MaxTokens: &few}},
		"messages[0].name":       {[]Message{{Role: User, Name: "Ann"}}, Params{}},
		"messages[1].content[1]": {said(`{"type":"text","text":"a"}`, `{"type":"input_audio","input_audio":{}}`), Params{}},
		"": {
			said(`{"type":"text","text":"a"}`, `{"type":"image_url","image_url":{"url":"https://x"}}`, `{"type":"file","file":{"file_data":"x"}}`),
			Params{Temperature: &half, MaxTokens: &enough, Metadata: map[string]string{"a": "b"}, ReasoningEffort: "low"},
		},
	} {
		t.Run(param, func(t *testing.T) {
			if got, what := Responses.Lacks(c.messages, c.params); got != param || (what != "") != (param != "") {
				t.Errorf("the Responses API lacks %q (%q), want %q", got, what, param)
			}
			if got, _ := Chat.Lacks(c.messages, c.params); got != "" {
				t.Errorf("chat completions lack %q", got)
			}
			// The request that is sent is of the same opinion.
			_, err := responsesDialect.body(New(Options{API: Responses}), Request{Model: "m", Messages: c.messages, Params: c.params})
			if (err != nil) != (param != "") {
				t.Errorf("writing it: %v", err)
			}
		})
	}
}

// reasoned is a conversation whose last answer has items to give back.
func reasoned(t *testing.T, client *Client, fake *openaitest.Server) Request {
	t.Helper()
	q := question()
	q.Messages = q.Messages[:2]
	fake.Answer(openaitest.Calls([]openaitest.ToolCall{{ID: "call_1", Name: "f", Arguments: "{}"}, {ID: "call_2", Name: "g", Arguments: "{}"}},
		openaitest.WithText("Let me see."), openaitest.WithReasoning("hm")))
	answer, err := client.Complete(t.Context(), q)
	if err != nil || len(answer.Items) != 4 {
		t.Fatalf("answer %+v, error %v", answer, err)
	}
	q.Messages = append(q.Messages, Message{Role: Assistant, Content: answer.Content, Calls: answer.Calls, Items: answer.Items},
		Message{Role: Tool, CallID: "call_1", Content: "1"}, Message{Role: Tool, CallID: "call_2", Content: "2"})
	return q
}

func TestReasoningIsGivenBackInItsPlace(t *testing.T) {
	client, fake := asking(t, Responses)
	q := reasoned(t, client, fake)
	fake.Answer(openaitest.Say("done"))
	if _, err := client.Complete(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, item := range fake.Requests()[1].Items {
		var head struct{ Type, ID string }
		_ = json.Unmarshal(item, &head)
		kinds = append(kinds, strings.TrimSpace(head.Type+" "+head.ID))
	}
	want := []string{"", "", "reasoning rs_0", "message msg_0", "function_call fc_0_0", "function_call fc_0_1", "function_call_output", "function_call_output"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestReasoningIsLeftOutWhereItDoesNotBelong(t *testing.T) {
	for name, change := range map[string]func(*Request){
		"another model":    func(q *Request) { q.Model = "n" },
		"a call less":      func(q *Request) { q.Messages[2].Calls = q.Messages[2].Calls[:1]; q.Messages = q.Messages[:4] },
		"other words":      func(q *Request) { q.Messages[2].Content = "(left out)" },
		"somebody else's":  func(q *Request) { q.Messages[2].Items = raws(`{"type":"reasoning"}`, `{}`, `{}`, `{}`) },
		"no item in truth": func(q *Request) { q.Messages[2].Items = raws(`7`) },
	} {
		t.Run(name, func(t *testing.T) {
			client, fake := asking(t, Responses)
			q := reasoned(t, client, fake)
			change(&q)
			input, err := inputOf(q.Messages, client.mark(q), true)
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range input {
				if _, ok := item.(inputReasoning); ok {
					t.Errorf("sent %+v", item)
				}
			}
		})
	}
}

func TestItemThatComesWholeIsTakenWhole(t *testing.T) {
	items := []string{
		`{"type":"reasoning","id":"rs_1","summary":null,"encrypted_content":"x"}`, `{"type":"message","content":[{"type":"output_text","text":"Hel"},{"type":"output_text","text":"lo"}]}`,
		`{"type":"message","content":[{"type":"refusal","refusal":"no"}]}`, `{"type":"function_call","call_id":"a","name":"f","arguments":"{}"}`, `{"type":"web_search_call"}`,
	}
	streamed := ""
	for i, item := range items {
		streamed += fmt.Sprintf("data: {\"type\":\"response.output_item.done\",\"output_index\":%d,\"item\":%s}\n\n", i, item)
	}
	for name, body := range map[string]string{
		"in events":    streamed + `data: {"type":"response.completed","response":{"status":"completed"}}` + "\n\n",
		"at the end":   `data: {"type":"response.completed","response":{"status":"completed","output":[` + strings.Join(items, ",") + "]}}\n\n",
		"in one piece": `{"status":"completed","output":[` + strings.Join(items, ",") + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, heard, err := listen(streaming(t, Responses, body), question())
			got.Usage = Usage{}
			want := Answer{Content: "Hello", Refusal: "no", Calls: []Call{call("a", "f", "{}")}, Finish: FinishCalls}
			if diff := cmp.Diff(want, got); diff != "" || err != nil || strings.Join(heard, "") != "Hello" {
				t.Errorf("heard %q, error %v\n%s", heard, err, diff)
			}
		})
	}
}

func TestAnswerOfTheResponsesAPIEndsWithItsLastEvent(t *testing.T) {
	const text = `data: {"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"msg_1","content":[]}}` + "\n\n" +
		`data: {"type":"response.output_text.delta","output_index":0,"delta":"Hel"}` + "\n\n"
	const call = `data: {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"a","name":"f","arguments":""}}` + "\n\n" +
		`data: {"type":"response.function_call_arguments.done","output_index":0,"arguments":"{}"}` + "\n\n"
	for name, c := range map[string]struct {
		stream string
		want   Error
	}{
		"cut":             {text, Error{Kind: Transient, Reason: Cut, Message: "the model's answer broke off: unexpected EOF"}},
		"ended by [DONE]": {text + "data: [DONE]\n\n", Error{Kind: Transient, Reason: Cut, Message: "the model's answer broke off: unexpected EOF"}},
		"cut behind call": {call, Error{Kind: Transient, Reason: Cut, Message: "the model's answer broke off: unexpected EOF"}},
		"nothing":         {"\n", Error{Kind: Transient, Reason: EmptyChoices, Status: 200, Message: "the model server answered without a choice"}},
		"no output":       {`data: {"type":"response.completed","response":{"status":"completed","output":[]}}` + "\n\n", Error{Kind: Transient, Reason: EmptyChoices, Status: 200, Message: "the model server answered without a choice"}},
		"no response":     {`data: {"type":"response.completed"}` + "\n\n", Error{Kind: Transient, Reason: Unavailable, Status: 503, Message: "the model server is not ready (503 Service Unavailable): it ended without a response"}},
		"failed":          {text + `data: {"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"oops"}}}` + "\n\n", Error{Kind: Transient, Reason: Unavailable, Status: 503, Message: "the model server is not ready (503 Service Unavailable): oops"}},
		"failed in peace": {`{"object":"response","status":"failed","error":null}`, Error{Kind: Transient, Reason: Unavailable, Status: 503, Message: "the model server is not ready (503 Service Unavailable): the response is failed"}},
		"limited":         {`data: {"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"}}}` + "\n\n", Error{Kind: Transient, Reason: RateLimited, Status: 429, Message: "the model server takes no more requests for now (429): slow"}},
		"error":           {text + `data: {"type":"error","code":"server_error","message":"oops","param":null}` + "\n\n", Error{Kind: Transient, Reason: Unavailable, Status: 503, Message: "the model server is not ready (503 Service Unavailable): oops"}},
		"error apart":     {`data: {"type":"error","error":{"type":"invalid_request_error","code":"context_length_exceeded","message":"long"}}` + "\n\n", Error{Kind: Permanent, Reason: TooLong, Status: 400, Message: `the request is too long for the model "m" (400): long`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := streaming(t, Responses, c.stream).Complete(t.Context(), question())
			if diff := cmp.Diff(&c.want, asError(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatAServerDoesNotTakeIsLeftOutFromThenOn(t *testing.T) {
	for name, c := range map[string]struct {
		api    API
		member string
		said   string
	}{
		"stream_options":    {Chat, `"stream_options"`, `{"error":{"message":"Unknown parameter: 'stream_options'."}}`},
		"encrypted content": {Responses, `"include"`, `{"error":{"message":"Encrypted content is not supported with this model.","param":"include"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []bool
			o := serve(t, func(w http.ResponseWriter, r *http.Request) {
				var body map[string]json.RawMessage
				_ = json.NewDecoder(r.Body).Decode(&body)
				_, with := body[strings.Trim(c.member, `"`)]
				asked = append(asked, with)
				switch {
				case with:
					w.WriteHeader(400)
					w.Write([]byte(c.said))
				case c.api == Responses:
					w.Write([]byte(`{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"yes"}]}]}`))
				default:
					says("yes")(w, r)
				}
			})
			o.API = c.api
			client := New(o)
			for range 2 {
				if answer, err := client.Complete(t.Context(), question()); err != nil || answer.Content != "yes" {
					t.Errorf("answer %+v, error %v", answer, err)
				}
			}
			if diff := cmp.Diff([]bool{true, false, false}, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReasoningThatCannotBeReadAnyMoreIsGivenUp(t *testing.T) {
	asked := 0
	o := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 1 {
			w.WriteHeader(400)
			w.Write([]byte(`{"error":{"message":"The encrypted content for item rs_1 could not be verified."}}`))
			return
		}
		w.Write([]byte(`{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"yes"}]}]}`))
	})
	o.API = Responses
	client := New(o)
	q := question()
	q.Messages[2].Items = raws(`{"by":"m","item":{"type":"reasoning","id":"rs_1","encrypted_content":"x"}}`, `{"by":"m","item":{"type":"function_call","id":"fc_1"}}`)
	answer, err := client.Complete(t.Context(), q)
	if err != nil || answer.Content != "yes" || asked != 2 {
		t.Errorf("answer %+v, error %v, asked %d times", answer, err, asked)
	}
	if client.unwanted.by("m", encrypted) || q.Messages[2].Items == nil {
		t.Error("more was given up than the items of this one request")
	}
}
