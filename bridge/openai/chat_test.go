package openai

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"drawbridge/bridge/openaitest"

	"github.com/google/go-cmp/cmp"
)

func TestChatRequestCarriesEverythingWordForWord(t *testing.T) {
	client, fake := asking(t, Chat)
	fake.Always(openaitest.Say("ok"))
	zero, seed, tokens, no := 0.0, int64(0), 5, false
	q := Request{
		Model: "m",
		Messages: []Message{
			{Role: Developer, Content: "be <brief>"},
			{Role: User, Name: "Ann", Parts: raws(`{"type":"text","text":"a"}`, `{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}`)},
			{Role: Assistant, Content: "a moment", Calls: []Call{call("a", "f", "{}")}},
			{Role: Tool, CallID: "a", Content: ""},
			{Role: Assistant, Refusal: "no"},
			{Role: User, Content: "why?"},
		},
		Functions: question().Functions[:1],
		Params: Params{
			Temperature: &zero, TopP: &zero, FrequencyPenalty: &zero, PresencePenalty: &zero, MaxTokens: &tokens, Seed: &seed, Stop: []string{"."}, User: "u",
			ReasoningEffort: "low", Verbosity: "high", ServiceTier: "flex", ParallelCalls: &no, SafetyIdentifier: "s", PromptCacheKey: "p",
			ResponseFormat: json.RawMessage(`{"type":"text"}`), ToolChoice: json.RawMessage(`"required"`),
		},
	}
	if _, err := client.Complete(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	const want = `{"model":"m","stream":true,"stream_options":{"include_usage":true},
	"tools":[{"type":"function","function":{"name":"f","description":"does","parameters":{"type":"object","properties":{"z":{"if":{}},"a":{}}}}}],
	"messages":[{"role":"system","content":"be <brief>"},
		{"role":"user","content":[{"type":"text","text":"a"},{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}],"name":"Ann"},
		{"role":"assistant","content":"a moment","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","content":"","tool_call_id":"a"},{"role":"assistant","content":null,"refusal":"no"},{"role":"user","content":"why?"}],
	"temperature":0,"top_p":0,"frequency_penalty":0,"presence_penalty":0,"max_completion_tokens":5,"seed":0,"stop":["."],"user":"u","reasoning_effort":"low",
	"verbosity":"high","service_tier":"flex","parallel_tool_calls":false,"safety_identifier":"s","prompt_cache_key":"p","response_format":{"type":"text"},"tool_choice":"required"}`
	if diff := cmp.Diff(squeezed(want), string(fake.Requests()[0].Body)); diff != "" {
		t.Error(diff)
	}
}

func TestRequestWithoutFunctionsSaysNothingOfCalls(t *testing.T) {
	for _, api := range []API{Chat, Responses} {
		client, fake := asking(t, api)
		fake.Always(openaitest.Say("ok"))
		yes := true
		q := Request{Model: "m", Messages: []Message{{Role: User, Content: "hi"}}, Params: Params{ParallelCalls: &yes, ToolChoice: json.RawMessage(`"none"`)}}
		if _, err := client.Complete(t.Context(), q); err != nil {
			t.Error(err)
		}
		if body := string(fake.Requests()[0].Body); strings.Contains(body, "tool") {
			t.Errorf("sent %s", body)
		}
	}
}

func TestNextTurnsRequestBeginsAsTheLastOneDid(t *testing.T) {
	for _, api := range []API{Chat, Responses} {
		client, fake := asking(t, api)
		fake.Always(openaitest.Say("ok"))
		q := question()
		for range 3 {
			if _, err := client.Complete(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			q.Messages = append(q.Messages, Message{Role: Assistant, Content: "ok"}, Message{Role: User, Content: "and?"})
		}
		asked := fake.Requests()
		for i, r := range asked[1:] {
			if r.Shared != len(asked[i].Prompt) {
				t.Errorf("%s, turn %d: %d bytes as before of %d", api, i+2, r.Shared, len(asked[i].Prompt))
			}
		}
	}
}

func TestIDThatIsTooLongIsReplacedTheSameEverywhere(t *testing.T) {
	long := strings.Repeat("x", 41)
	for api, most := range map[API]int{Chat: 40, Responses: 64} {
		client, fake := asking(t, api)
		fake.Always(openaitest.Say("ok"))
		q := question()
		id := strings.Repeat(long, 2)[:most+1]
		q.Messages[2].Calls[0].ID, q.Messages[3].CallID = id, id
		if _, err := client.Complete(t.Context(), q); err != nil {
			t.Errorf("%s: %v", api, err)
		}
	}
	if a, b := shortID(long, 40), shortID(long+"y", 40); a == b || shortID(long, 41) != long {
		t.Errorf("ids %q and %q", a, b)
	}
}

func TestImagesAreNoFloodOfTokens(t *testing.T) {
	image := fmt.Sprintf(`{"type":"image_url","image_url":{"url":"data:image/png;base64,%s"}}`, strings.Repeat("A", 1<<20))
	text := fmt.Sprintf(`{"type":"text","text":%q}`, strings.Repeat("word ", 10_000))
	got := promptTokens(Request{Messages: []Message{{Role: User, Parts: raws(image, text)}}})
	if got < 12_500 || got > 14_000 {
		t.Errorf("%d tokens", got)
	}
}

func TestDefinitionsAreKeptWithinBoundsAndGoodForAll(t *testing.T) {
	d := &definitions{write: chatDefinition}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 20_000 {
				f := Function{Name: fmt.Sprint("f", i%9000), Parameters: json.RawMessage(`{}`)}
				got, err := d.of(f)
				if want := `,{"type":"function","function":{"name":"` + f.Name + `","parameters":{}}}`; err != nil || string(got) != want {
					t.Errorf("%s, %v", got, err)
					return
				}
			}
		})
	}
	all.Wait()
	if len(d.kept) > 8192 {
		t.Errorf("%d kept", len(d.kept))
	}
}
