package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// picky is a server that refuses a request which has the member, saying so.
func picky(t *testing.T, member, says string) (*Client, *[]map[string]json.RawMessage) {
	t.Helper()
	var asked []map[string]json.RawMessage
	return New(serve(t, func(w http.ResponseWriter, r *http.Request) {
		var got map[string]json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		if asked = append(asked, got); got[member] != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, says)
			return
		}
		io.WriteString(w, chunks(`{"content":"ok"}`, "finish:stop", usageChunk, "[DONE]"))
	})), &asked
}

func TestServerIsAskedByTheNamesThatItKnows(t *testing.T) {
	tokens := 7
	q := question()
	q.Params = Params{MaxTokens: &tokens, PromptCacheKey: "k", Metadata: map[string]string{"ticket": "7"}}
	for member, c := range map[string]struct{ says, then string }{
		"max_completion_tokens": {`{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted"}]}`, "max_tokens"},
		"prompt_cache_key":      {`{"error":{"message":"Unrecognized request argument supplied: prompt_cache_key"}}`, "max_completion_tokens"},
		"metadata":              {`{"error":{"message":"The 'metadata' parameter is only allowed when 'store' is enabled."}}`, "max_completion_tokens"}, // OpenAI's own
	} {
		client, asked := picky(t, member, c.says)
		for range 2 { // the second time it is known
			if _, err := client.Complete(t.Context(), q); err != nil {
				t.Errorf("%s: %v", member, err)
			}
		}
		if len(*asked) != 3 {
			t.Fatalf("%s: asked %d times, want 3", member, len(*asked))
		}
		for _, got := range (*asked)[1:] {
			if got[member] != nil || string(got[c.then]) != "7" {
				t.Errorf("%s: asked for %s", member, got)
			}
		}
	}
}

func TestValueThatIsWrongIsNoUnknownMember(t *testing.T) {
	tokens := 99999
	q := question()
	q.Params.MaxTokens = &tokens
	client, asked := picky(t, "max_completion_tokens", `{"error":{"message":"max_completion_tokens is too large: 99999."}}`)
	if _, err := client.Complete(t.Context(), q); err == nil || !strings.Contains(err.Error(), "too large") || len(*asked) != 1 {
		t.Errorf("asked %d times: %v", len(*asked), err)
	}
}

func TestMetadataGoToTheModel(t *testing.T) {
	q := question()
	q.Params.Metadata = map[string]string{"ticket": "7"}
	client, asked := picky(t, "nothing", "")
	if _, err := client.Complete(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if got := string((*asked)[0]["metadata"]); got != `{"ticket":"7"}` {
		t.Errorf("sent metadata %s", got)
	}
}

func TestErrorAboutSomethingCalledMetadataIsNotTakenForTheMember(t *testing.T) {
	const says = `{"error":{"message":"Invalid schema for function 'f': 'metadata' is not permitted."}}`
	for name, given := range map[string]map[string]string{"without any": nil, "with some": {"ticket": "7"}} {
		q := question()
		q.Params.Metadata = given
		client, asked := picky(t, "messages", says)
		for range 2 {
			if _, err := client.Complete(t.Context(), q); err == nil || !strings.Contains(err.Error(), "Invalid schema") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if most := 2 + len(given); len(*asked) != most { // once without them, to see
			t.Errorf("%s: asked %d times, want %d", name, len(*asked), most)
		}
	}
}

// Azure refuses a question that its filter does not like; others say so in the stream.
func TestQuestionThatIsFilteredIsAnAnswerWithheld(t *testing.T) {
	const said = `{"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400}}`
	refusing := New(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, said)
	}))
	for name, client := range map[string]*Client{"refused": refusing, "in the stream": streaming(t, Chat, chunks("raw:"+said))} {
		got, err := client.Complete(t.Context(), question())
		got.Usage = Usage{}
		if diff := cmp.Diff(Answer{Model: "m", Finish: FinishFiltered}, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestModelThatTakesOneSystemMessageGetsOne(t *testing.T) {
	var asked []Request
	client := New(serve(t, func(w http.ResponseWriter, r *http.Request) {
		var got struct{ Messages []Message }
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		if asked = append(asked, Request{Messages: got.Messages}); len(asked) == 1 {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"object":"error","message":"System message must be at the beginning. None","type":"BadRequestError","code":400}`)
			return
		}
		io.WriteString(w, chunks(`{"content":"ok"}`, "finish:stop", usageChunk, "[DONE]"))
	}))
	q := Request{Model: "m", Messages: []Message{{Role: System, Content: "a"}, {Role: Developer, Content: "b"}, {Role: User, Content: "c"}, {Role: System, Content: "d"}}}
	if _, err := client.Complete(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	want := []Message{{Role: System, Content: "a\n\nb"}, {Role: User, Content: "c"}, {Role: User, Content: "d"}}
	if diff := cmp.Diff(want, asked[1].Messages); diff != "" {
		t.Error(diff)
	}
}
