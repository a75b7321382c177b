package openai_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/openaitest"
)

// batches are those of one model, priced, at a server for tests.
func batches(t *testing.T, api openai.API) (*openai.Batches, *openaitest.Server) {
	fake := openaitest.NewWith(t, openaitest.Options{Key: "sk-test"})
	models := openai.NewModels([]openai.ModelSettings{{Name: "small", Model: "gpt-small", BaseURL: fake.URL(), APIKey: "sk-test", API: api}},
		openai.ModelsOptions{Currency: "USD", Prices: map[string]openai.Prices{"small": {Input: 1_000_000, Output: 3_000_000}}})
	return models.Batches(), fake
}

func question(text string) openai.Request {
	return openai.Request{Model: "small", Messages: []openai.Message{{Role: openai.System, Content: "Classify."}, {Role: openai.User, Content: text}},
		Params: openai.Params{ResponseFormat: []byte(`{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":{"type":"object","properties":{},"required":[],"additionalProperties":false}}}`)}}
}

// submit makes a batch of n questions.
func submit(t *testing.T, b *openai.Batches, n int) openai.Batch {
	t.Helper()
	var lines [][]byte
	for i := range n {
		line, err := b.Line(fmt.Sprintf("run_%d", i), question(fmt.Sprintf("Mail %d", i)))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	file, err := b.Upload(t.Context(), "small", "bat_1", lines)
	if err != nil {
		t.Fatal(err)
	}
	made, err := b.Create(t.Context(), "small", file, "bat_1")
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// results reads a file of results, by the questions' ids.
func results(t *testing.T, b *openai.Batches, file string) map[string]openai.BatchResult {
	t.Helper()
	all := map[string]openai.BatchResult{}
	err := b.Results(t.Context(), "small", file, 50, func(r openai.BatchResult) error {
		all[r.ID] = r
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBatchGivesEachQuestionItsAnswer(t *testing.T) {
	for _, api := range []openai.API{openai.Chat, openai.Responses} {
		t.Run(string(api), func(t *testing.T) {
			b, fake := batches(t, api)
			fake.Func(func(r openaitest.Request) openaitest.Reply {
				return openaitest.Say("Answer to "+r.Last().Text, openaitest.Uses(openaitest.Usage{Prompt: 1000, Completion: 333}))
			})
			made := submit(t, b, 3)
			if got := fake.Batches(); len(got) != 1 || len(got[0].Lines) != 3 || got[0].Lines[2].Request.Model != "gpt-small" {
				t.Fatalf("the server has %+v", got)
			}
			if got, err := b.Retrieve(t.Context(), "small", made.ID); err != nil || got.Status.Over() {
				t.Fatalf("%v, %+v, want it under way", err, got)
			}
			fake.End(made.ID, openaitest.Ending{Backwards: true})
			ended, err := b.Retrieve(t.Context(), "small", made.ID)
			if err != nil || ended.Status != openai.BatchCompleted || ended.Errors != "" {
				t.Fatalf("%v, %+v", err, ended)
			}
			got := results(t, b, ended.Output)
			for i := range 3 {
				r := got[fmt.Sprintf("run_%d", i)]
				if r.Answer == nil || r.Answer.Content != fmt.Sprintf("Answer to Mail %d", i) || r.Answer.By != "small" || r.Answer.Finish != openai.FinishStop {
					t.Errorf("question %d came to %+v", i, r.Answer)
				}
				// 1000 and 3 times 333 millionths, halved and rounded up.
				if r.Answer.Cost != 1000 || r.Answer.Currency != "USD" || r.Answer.Usage.Prompt != 1000 {
					t.Errorf("question %d cost %d %s for %+v", i, r.Answer.Cost, r.Answer.Currency, r.Answer.Usage)
				}
			}
		})
	}
}

func TestBatchTellsApartWhatWentWrong(t *testing.T) {
	b, fake := batches(t, openai.Chat)
	fake.Answer(openaitest.Fail(429), openaitest.Fail(500), openaitest.Fail(400), openaitest.Fail(400, openaitest.ErrorIs("invalid_request_error", "context_length_exceeded", "too long")),
		openaitest.Fail(400, openaitest.ErrorIs("invalid_request_error", "content_filter", "filtered")), openaitest.Decline("I would rather not."), openaitest.Say("", openaitest.NoChoices()))
	made := submit(t, b, 8)
	fake.End(made.ID, openaitest.Ending{Status: "expired", Fate: func(i int) openaitest.Fate {
		if i == 7 {
			return openaitest.Expired
		}
		return openaitest.Answered
	}, Extra: []string{"{", "{}", "", `{"custom_id":"run_8","response":null,"error":{"code":"batch_cancelled","message":"x"}}`,
		`{"custom_id":"run_9","response":{"status_code":200,"body":{"choices":7}},"error":null}`}})
	ended, err := b.Retrieve(t.Context(), "small", made.ID)
	if err != nil || ended.Status != openai.BatchExpired {
		t.Fatalf("%v, %+v", err, ended)
	}
	got := results(t, b, ended.Errors)
	for id, r := range results(t, b, ended.Output) {
		got[id] = r
	}
	for id, want := range map[string]openai.Reason{"run_0": openai.RateLimited, "run_1": openai.Unavailable, "run_2": openai.BadRequest, "run_3": openai.TooLong,
		"run_6": openai.EmptyChoices, "run_9": openai.Unreadable} {
		r := got[id]
		if r.Answer != nil || r.Failure == nil || r.Failure.Reason != want {
			t.Errorf("%s came to %+v, want %s", id, r, want)
		}
	}
	if r := got["run_4"]; r.Answer == nil || r.Answer.Finish != openai.FinishFiltered {
		t.Errorf("an answer that was withheld is %+v", r)
	}
	if r := got["run_5"]; r.Answer == nil || r.Answer.Refusal != "I would rather not." {
		t.Errorf("a refusal is %+v", r)
	}
	if !got["run_7"].Expired || !got["run_8"].Cancelled {
		t.Errorf("what nobody came to is %+v and %+v", got["run_7"], got["run_8"])
	}
	if r, odd := got[""]; !odd || r.Answer != nil {
		t.Errorf("a line that makes no sense is %+v", r)
	}
}

func TestBatchIsFoundByItsMark(t *testing.T) {
	b, fake := batches(t, openai.Chat)
	first := submit(t, b, 1)
	line, err := b.Line("run_0", question("x"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := b.Upload(t.Context(), "small", "other", [][]byte{line})
	for i := range 205 { // a batch of ours is on the third page by now
		if err == nil {
			_, err = b.Create(t.Context(), "small", file, fmt.Sprintf("bat_other_%d", i))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := b.Find(t.Context(), "small", "bat_1", time.Now()); err != nil || !ok || got.ID != first.ID {
		t.Errorf("found %+v, %v, %v; want %s", got, ok, err, first.ID)
	}
	if got, ok, err := b.Find(t.Context(), "small", "bat_2", time.Now()); err != nil || ok {
		t.Errorf("found %+v, %v, want nothing", got, err)
	}
	if n := len(fake.Batches()); n != 206 {
		t.Errorf("%d batches, want that looking makes none", n)
	}
}

func TestBatchNotTakenSaysWhy(t *testing.T) {
	b, fake := batches(t, openai.Chat)
	made := submit(t, b, 2)
	fake.Refuse(made.ID, "token_limit_exceeded", 0)
	fake.Refuse(made.ID, "invalid_request", 2)
	got, err := b.Retrieve(t.Context(), "small", made.ID)
	if err != nil || got.Status != openai.BatchFailed || len(got.Problems) != 2 {
		t.Fatalf("%v, %+v", err, got)
	}
	if p := got.Problems; !p[0].Passing() || p[0].Line != 0 || p[1].Passing() || p[1].Line != 2 {
		t.Errorf("problems %+v", p)
	}
}

func TestBatchRequestThatFailsIsExplained(t *testing.T) {
	page := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(page.Close)
	models := openai.NewModels([]openai.ModelSettings{{Name: "local", BaseURL: page.URL + "/v1"}}, openai.ModelsOptions{})
	var e *openai.Error
	_, err := models.Batches().Upload(t.Context(), "local", "bat_1", [][]byte{[]byte("{}")})
	if !errors.As(err, &e) || e.Kind != openai.Permanent || !strings.Contains(e.Message, `the server of model "local" has no /v1/files (404)`) {
		t.Errorf("a server without batches: %v", err)
	}

	b, fake := batches(t, openai.Chat)
	for status, want := range map[int]openai.Reason{429: openai.RateLimited, 500: openai.Unavailable, 401: openai.WrongKey} {
		fake.Disturb(openaitest.Create, openaitest.Disturbance{Status: status})
		if _, err := b.Create(t.Context(), "small", "file", "bat_1"); !errors.As(err, &e) || e.Reason != want {
			t.Errorf("%d: %v, want %s", status, err, want)
		}
	}
	if n := len(fake.Batches()); n != 0 {
		t.Errorf("%d batches were made", n)
	}
	made := submit(t, b, 3)
	fake.Always(openaitest.Say("x"))
	fake.End(made.ID, openaitest.Ending{})
	ended, err := b.Retrieve(t.Context(), "small", made.ID)
	if err != nil {
		t.Fatal(err)
	}
	fake.Disturb(openaitest.Content, openaitest.Disturbance{Lines: 2})
	read := 0
	err = b.Results(t.Context(), "small", ended.Output, 0, func(openai.BatchResult) error { read++; return nil })
	if !errors.As(err, &e) || e.Reason != openai.Cut || read != 2 {
		t.Errorf("after %d results: %v, want that it was cut", read, err)
	}
	own := errors.New("disk is full")
	if err := b.Results(t.Context(), "small", ended.Output, 0, func(openai.BatchResult) error { return own }); !errors.Is(err, own) {
		t.Errorf("gave %v, want the reader's own error", err)
	}
	if _, err := b.Retrieve(t.Context(), "small", "batch_99"); !errors.As(err, &e) || e.Reason != openai.NoSuchModel {
		t.Errorf("a batch that is not there: %v", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Retrieve(stopped, "small", made.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("gave %v, want the context's own error", err)
	}
}

func TestResponseIsFetchedWordForWord(t *testing.T) {
	b, fake := batches(t, openai.Responses)
	const whole = `{"id":"resp_1","object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Hi","annotations":[]}]}],"future":{"a":[1]},"model":"gpt-small"}`
	fake.Store("resp_1", whole)
	got, err := b.Response(t.Context(), "", "resp_1")
	if err != nil || string(got) != whole {
		t.Errorf("%v, %s", err, got)
	}
	fake.Store("resp_2", `{"id":"resp_2","status":{"is":"of a form that go-openai does not know"}}`)
	if got, err := b.Response(t.Context(), "small", "resp_2"); err != nil || !strings.Contains(string(got), "does not know") {
		t.Errorf("%v, %s", err, got)
	}
	var e *openai.Error
	if _, err := b.Response(t.Context(), "small", "resp_3"); !errors.As(err, &e) || e.Reason != openai.NoSuchModel {
		t.Errorf("one that is not there: %v", err)
	}
}
