package rehearsal_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/rehearsal"
)

// The rehearsal model is asked in batches by the real client, as OpenAI's would be.
func TestBatchIsPlayedLineByLine(t *testing.T) {
	script, err := rehearsal.Load([]byte("scenes:\n  - when: {turn: 1, user: 'ticket'}\n    say: 'billing'\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(rehearsal.NewServer(script, rehearsal.Options{}))
	t.Cleanup(s.Close)
	b := openai.NewModels([]openai.ModelSettings{{Name: rehearsal.ModelName, BaseURL: s.URL + "/v1"}}, openai.ModelsOptions{}).Batches()
	var lines [][]byte
	for id, said := range map[string]string{"run_1": "a ticket", "run_2": "something else"} {
		line, err := b.Line(id, openai.Request{Messages: []openai.Message{{Role: openai.User, Content: said}}})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	file, err := b.Upload(t.Context(), "", "bat_1", lines)
	if err != nil {
		t.Fatal(err)
	}
	made, err := b.Create(t.Context(), "", file, "bat_1")
	if err != nil {
		t.Fatal(err)
	}
	if found, ok, err := b.Find(t.Context(), "", "bat_1", time.Now()); err != nil || !ok || found.ID != made.ID {
		t.Errorf("found %+v, %v (%v)", found, ok, err)
	}
	there, err := b.Retrieve(t.Context(), "", made.ID)
	if err != nil || there.Status != openai.BatchCompleted {
		t.Fatalf("%+v (%v)", there, err)
	}
	answers := map[string]*openai.Answer{}
	if err := b.Results(t.Context(), "", there.Output, 0, func(r openai.BatchResult) error {
		answers[r.ID] = r.Answer
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if a := answers["run_1"]; a == nil || a.Content != "billing" {
		t.Errorf("the scene was played as %+v", a)
	}
	if a := answers["run_2"]; a == nil || a.Refusal == "" {
		t.Errorf("what has no scene came to %+v, want a refusal", a)
	}
	if err := b.Delete(t.Context(), "", file); err != nil {
		t.Error(err)
	}
}
