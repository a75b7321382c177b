package openaitest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const asks = `{"role":"user","content":"hi"}`

// put is a Responses request of these items, after the user's.
func put(items ...string) string {
	return fmt.Sprintf(`{"model":"m","input":[%s]}`, strings.Join(append([]string{asks}, items...), ","))
}

// putWith is a Responses request with more members.
func putWith(members string) string { return `{"model":"m","input":"hi",` + members + `}` }

func made(id string) string {
	return fmt.Sprintf(`{"type":"function_call","call_id":"%s","name":"f","arguments":"{}"}`, id)
}

func gave(id string) string {
	return fmt.Sprintf(`{"type":"function_call_output","call_id":"%s","output":"ok"}`, id)
}

const flat = `"tools":[{"type":"function","name":"f","strict":false,"parameters":{"type":"object","properties":{}}}]`

func TestEveryBrokenRuleOfAResponsesRequestIsCaught(t *testing.T) {
	for _, p := range []pair{
		{"no input", "input", `{"model":"m"}`, put()},
		{"empty input", "input", `{"model":"m","input":[]}`, `{"model":"m","input":"hi"}`},
		{"the chat API's messages", "messages", putWith(`"messages":[]`), put()},
		{"a member that only the chat API has", "seed", putWith(`"seed":1`), putWith(`"user":"u"`)},
		{"a previous response", "previous_response_id", putWith(`"previous_response_id":"resp_1"`), putWith(`"store":false`)},
		{"15 tokens", "max_output_tokens", putWith(`"max_output_tokens":15`), putWith(`"max_output_tokens":16`)},
		{"an unknown include", "include", putWith(`"include":["everything"]`), putWith(`"include":["reasoning.encrypted_content"]`)},
		{"an unknown effort", "reasoning.effort", putWith(`"reasoning":{"effort":"heroic"}`), putWith(`"reasoning":{"effort":"low","summary":"auto"}`)},
		{"an unknown verbosity", "text.verbosity", putWith(`"text":{"verbosity":"none"}`), putWith(`"text":{"verbosity":"low"}`)},
		{"the chat API's wrapped format", "text.format.json_schema", putWith(`"text":{"format":{"type":"json_schema","name":"a","schema":{},"json_schema":{}}}`), putWith(`"text":{"format":{"type":"json_schema","name":"a","schema":{}}}`)},
		{"a format without a name", "text.format.name", putWith(`"text":{"format":{"type":"json_schema","schema":{}}}`), putWith(`"text":{"format":{"type":"text"}}`)},
		{"a schema for plain text", "text.format.schema", putWith(`"text":{"format":{"type":"text","schema":{}}}`), putWith(`"text":{}`)},
		{"a schema for any JSON", "text.format.schema", `{"model":"m","input":"as JSON","text":{"format":{"type":"json_object","schema":{}}}}`, `{"model":"m","input":"as JSON","text":{"format":{"type":"json_object"}}}`},
		{"JSON that nobody mentions", "messages", putWith(`"text":{"format":{"type":"json_object"}}`), `{"model":"m","input":"as JSON","text":{"format":{"type":"json_object"}}}`},
		{"usage asked for", "stream_options.include_usage", putWith(`"stream":true,"stream_options":{"include_usage":true}`), putWith(`"stream":true,"stream_options":{"include_obfuscation":false}`)},
		{"stream options without stream", "stream_options", putWith(`"stream_options":{}`), put()},
		{"a temperature above 2", "temperature", putWith(`"temperature":3`), putWith(`"temperature":1.5`)},
		{"17 metadata", "metadata", putWith(metadata(17)), putWith(`"metadata":{"a":"b"}`)},

		{"a tool in the chat API's wrapping", "tools[0].function", putWith(strings.Replace(flat, `"name"`, `"function":{},"name"`, 1)), putWith(flat)},
		{"a tool that does not say strict", "tools[0].strict", putWith(strings.Replace(flat, `"strict":false,`, ``, 1)), putWith(flat)},
		{"a choice in the chat API's wrapping", "tool_choice.function", putWith(flat + `,"tool_choice":{"type":"function","name":"f","function":{"name":"f"}}`), putWith(flat + `,"tool_choice":{"type":"function","name":"f"}`)},
		{"a choice that is not offered", "tool_choice", putWith(flat + `,"tool_choice":{"type":"function","name":"g"}`), putWith(flat + `,"tool_choice":"required"`)},
		{"an allowed tool that is not offered", "tool_choice.tools[0]", putWith(flat + `,"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"g"}]}`),
			putWith(flat + `,"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]}`)},

		{"an unknown item", "input[1].type", put(`{"type":"thought"}`), put(asks)},
		{"an unknown role", "input[1].role", put(`{"role":"tool","content":"x"}`), put(`{"role":"developer","content":"x"}`)},
		{"the user's part said by the assistant", "input[1].content[0].type", put(`{"role":"assistant","content":[{"type":"input_text","text":"x"}]}`), put(`{"role":"assistant","content":[{"type":"output_text","text":"x"}]}`)},
		{"the chat API's part", "input[1].content[0].type", put(`{"role":"user","content":[{"type":"text","text":"x"}]}`), put(`{"role":"user","content":[{"type":"input_text","text":"x"}]}`)},
		{"an image from nowhere", "input[1].content[0].image_url", put(`{"role":"user","content":[{"type":"input_image"}]}`), put(`{"role":"user","content":[{"type":"input_image","image_url":"https://e.com/a.png"}]}`)},
		{"a file from two places", "input[1].content[0]", put(`{"role":"user","content":[{"type":"input_file","file_id":"a","file_url":"https://e.com/a.pdf"}]}`), put(`{"role":"user","content":[{"type":"input_file","file_id":"a"}]}`)},
		{"an unanswered call", "input", put(made("a")), put(made("a"), gave("a"))},
		{"a call that a message comes before the answer of", "input[2]", put(made("a"), asks), put(made("a"), gave("a"), asks)},
		{"an orphan output", "input[1].call_id", put(gave("a")), put(made("a"), gave("a"))},
		{"a call answered twice", "input[3].call_id", put(made("a"), gave("a"), gave("a")), put(made("a"), made("b"), gave("b"), gave("a"))},
		{"an id twice", "input[2].call_id", put(made("a"), made("a"), gave("a"), gave("a")), put(made("a"), gave("a"), made("a"), gave("a"))},
		{"an id of 65 characters", "input[1].call_id", put(made(letters(65)), strings.Replace(gave("x"), `"x"`, `"`+letters(65)+`"`, 1)), put(made(letters(64)), gave(letters(64)))},
		{"arguments that are no object", "input[1].arguments", put(strings.Replace(made("a"), `"{}"`, `"1"`, 1), gave("a")), put(made("a"), gave("a"))},
		{"an output of another kind", "input[2].output", put(made("a"), strings.Replace(gave("a"), `"ok"`, `1`, 1)), put(made("a"), strings.Replace(gave("a"), `"ok"`, `[{"type":"input_text","text":"ok"}]`, 1))},
	} {
		p.run(t, "/responses")
	}
}

// think has the model think and then call f twice, and gives the items it said.
func think(t *testing.T, s *Server) []json.RawMessage {
	t.Helper()
	s.Answer(Calls([]ToolCall{{Name: "f", Arguments: "{}"}, {Name: "f", Arguments: "{}"}}, WithReasoning("hm")))
	_, _, body, _ := post(t, s, "/responses", putWith(`"store":false,"include":["reasoning.encrypted_content"]`))
	var answer struct{ Output []json.RawMessage }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Output) != 3 {
		t.Fatalf("answered %s: %v", body, err)
	}
	return answer.Output
}

func TestReasoningHasToComeBackAsItWas(t *testing.T) {
	for it, c := range map[string]struct {
		items func(thought, first, second string) []string
		want  string
	}{
		"whole":                       {func(r, a, b string) []string { return []string{r, a, b} }, ""},
		"left out":                    {func(r, a, b string) []string { return []string{a, b} }, "without its required 'reasoning' item: 'rs_0'"},
		"left out, item ids too":      {func(r, a, b string) []string { return []string{without(a, "id"), without(b, "id")} }, "without its required 'reasoning' item: 'rs_0'"},
		"behind what it was before":   {func(r, a, b string) []string { return []string{a, r, b} }, "without its required"},
		"with what followed left out": {func(r, a, b string) []string { return []string{r, b, without(a, "id")} }, "without its required following item"},
		"with another content":        {func(r, a, b string) []string { return []string{strings.Replace(r, "sealed", "forged", 1), a, b} }, "could not be verified"},
		"without its content":         {func(r, a, b string) []string { return []string{without(r, "encrypted_content"), a, b} }, "could not be verified"},
		"with nothing behind it":      {func(r, a, b string) []string { return []string{r, a, b, r} }, "without its required following item"},
		"alone at the end":            {func(r, a, b string) []string { return []string{r} }, "without its required following item"},
		"with more than it had":       {func(r, a, b string) []string { return []string{strings.Replace(r, "{", `{"zz":1,`, 1), a, b} }, "input[1].zz"},
		"without its summary":         {func(r, a, b string) []string { return []string{without(r, "summary"), a, b} }, "input[1].summary"},
		"all of the turn left out":    {func(r, a, b string) []string { return nil }, ""},
	} {
		t.Run(it, func(t *testing.T) {
			s := New(t)
			s.Tolerate()
			said := think(t, s)
			items := c.items(string(said[0]), string(said[1]), string(said[2]))
			if len(items) > 1 {
				items = append(items, gave("call_0_0"), gave("call_0_1"))
			}
			s.Answer(Say("done"))
			_, _, body, _ := post(t, s, "/responses", put(items...))
			switch found := s.Violations(); {
			case c.want == "" && len(found) > 0:
				t.Errorf("needless: %v", found)
			case !strings.Contains(body, c.want):
				t.Errorf("answered %s, want %q", body, c.want)
			}
		})
	}
}

// without is an object without one of its members.
func without(raw, name string) string {
	var members map[string]any
	if err := json.Unmarshal([]byte(raw), &members); err != nil {
		panic(err)
	}
	delete(members, name)
	return string(encoded(members))
}
