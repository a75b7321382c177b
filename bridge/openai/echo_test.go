package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recording is a server that answers in turn, and keeps what it was asked.
func recording(t *testing.T, answers ...func(http.ResponseWriter)) (Options, *[]string) {
	t.Helper()
	var asked []string
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, string(body))
		answers[min(len(asked), len(answers))-1](w)
	}), &asked
}

func plays(lines ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { io.WriteString(w, chunks(append(lines, usageChunk, "[DONE]")...)) }
}

func refuses(said string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, said)
	}
}

// repeated is the question with an answer to it and the results of the calls.
func repeated(q Request, a Answer) Request {
	q.Messages = append(slices.Clone(q.Messages), Message{Role: Assistant, Content: a.Content, Calls: a.Calls, Items: a.Items})
	for _, call := range a.Calls {
		q.Messages = append(q.Messages, Message{Role: Tool, CallID: call.ID, Content: "done"})
	}
	return q
}

// Gemini refuses a call that comes back without the signature of the thought behind it.
func TestMarksOfCallsAreGivenBackToWhoMadeThem(t *testing.T) {
	o, asked := recording(t, plays(`{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"abc"}}},`+
		`{"index":1,"id":"y","function":{"name":"g","arguments":"{}"},"extra_content":null}]}`, "finish:tool_calls"))
	client := New(o)
	answer, err := client.Complete(t.Context(), question())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(answer) // as a journal has it
	var again Answer
	if err != nil || json.Unmarshal(raw, &again) != nil {
		t.Fatal(err)
	}
	if _, err := client.Complete(t.Context(), repeated(question(), again)); err != nil {
		t.Fatal(err)
	}
	const want = `"tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"abc"}}},{"id":"y","type":"function","function":{"name":"g","arguments":"{}"}}]`
	if !strings.Contains((*asked)[1], want) {
		t.Errorf("asked %s\nwant in it %s", (*asked)[1], want)
	}
	other := question()
	other.Model = "another"
	if _, err := client.Complete(t.Context(), repeated(other, again)); err != nil || strings.Contains((*asked)[2], "signature") {
		t.Errorf("another model is asked %s, %v", (*asked)[2], err)
	}
}

// DeepSeek and Kimi refuse answers of theirs that come back without what they thought.
func TestThoughtsAreGivenBackWhereTheyAreWanted(t *testing.T) {
	thinking := plays(`{"reasoning_content":"I should "}`, `{"reasoning_content":"call f."}`, `{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{}"}}]}`, "finish:tool_calls")
	o, asked := recording(t, thinking, refuses(`{"error":{"message":"Missing `+"`reasoning_content`"+` field in the assistant message at message index 2.","type":"invalid_request_error"}}`), thinking)
	client := New(o)
	q := question()
	for range 3 {
		answer, err := client.Complete(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		q = repeated(q, answer)
	}
	var thoughts [][]string
	for _, body := range *asked {
		var got struct {
			Messages []struct {
				Role     Role
				Thoughts *string `json:"reasoning_content"`
			}
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		var of []string
		for _, m := range got.Messages {
			if m.Thoughts != nil {
				of = append(of, string(m.Role)+":"+*m.Thoughts)
			}
		}
		thoughts = append(thoughts, of)
	}
	want := [][]string{nil, nil, {"assistant: ", "assistant: "}, {"assistant: ", "assistant: ", "assistant:I should call f."}}
	if diff := cmp.Diff(want, thoughts); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsKeptOfWhatNobodyWantsBack(t *testing.T) {
	o, _ := recording(t, plays(`{"reasoning_content":"hm"}`, `{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{}"}}]}`, "finish:tool_calls"))
	if answer, err := New(o).Complete(t.Context(), question()); err != nil || answer.Items != nil {
		t.Errorf("kept %s, %v", answer.Items, err)
	}
}
