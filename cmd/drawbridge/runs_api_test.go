package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
)

// startedRun starts a run as a program does, and gives its id.
func startedRun(t *testing.T, base, key, body string, headers ...string) string {
	t.Helper()
	status, header, text := sendAs(t, http.MethodPost, base+"/v1/runs", key, body, headers...)
	var run struct{ ID string }
	if err := json.Unmarshal([]byte(text), &run); err != nil || status != http.StatusAccepted || header.Get("Location") != "/v1/runs/"+run.ID {
		t.Fatalf("starting a run: %d %v %s", status, header, text)
	}
	return run.ID
}

// endOf waits for a run of a key by long polls.
func endOf(t *testing.T, base, key, run string) (end struct{ State, Reason, Answer string }) {
	t.Helper()
	for range 10 {
		status, _, text := sendAs(t, http.MethodGet, base+"/v1/runs/"+run+"?wait=30s", key, "")
		if err := json.Unmarshal([]byte(text), &end); err != nil || status != http.StatusOK {
			t.Fatalf("waiting for a run: %d %s", status, text)
		}
		if dispatch.State(end.State).Ended() {
			return end
		}
	}
	t.Fatalf("the run does not end: %+v", end)
	return end
}

// TestStartedRunDoesForItsKeyWhatThatMayDo: a run that a program started is the agent's
// within what the key may do, and is on record as a run's, not as a conversation's.
func TestStartedRunDoesForItsKeyWhatThatMayDo(t *testing.T) {
	fake := openaitest.New(t)
	fake.Func(taskAnyway)
	file, path := liveFile(t, ownersText(fake.URL(), `"crm_get_*", "crm_list_*", "crm_search_*"`))
	server := serve(t, file)
	run := startedRun(t, server.base, frontKey, `{"agent":"desk","prompt":"See to Ada."}`)
	if end := endOf(t, server.base, frontKey, run); end.State != "succeeded" || end.Answer != "Done, or not." {
		t.Errorf("it ended as %+v", end)
	}
	if n := rows(t, look(t, path), tasksOfTest); n != 0 {
		t.Errorf("%d tasks were made for a key that may make none", n)
	}
	if n := rows(t, look(t, path), `SELECT COUNT(*) FROM audit WHERE tool = 'crm_create_task' AND decision <> 'allowed' AND door = 'agent' AND run = '`+run+`'`); n != 1 {
		t.Errorf("%d attempts on record, want one", n)
	}
	run = startedRun(t, server.base, backKey, `{"agent":"desk","prompt":"See to Ada."}`)
	if end := endOf(t, server.base, backKey, run); end.State != "succeeded" {
		t.Errorf("it ended as %+v", end)
	}
	if n := rows(t, look(t, path), tasksOfTest); n != 1 {
		t.Errorf("%d tasks were made for a key that may make one", n)
	}
	for key, want := range map[string]int{frontKey: 1, backKey: 1} {
		if _, _, list := sendAs(t, http.MethodGet, server.base+"/v1/runs", key, ""); strings.Count(list, `"object":"run"`) != want {
			t.Errorf("a key lists %s, want its own run", list)
		}
	}
	server.stop(t)
}

// TestAcceptedRunSurvivesAKill: a 202 is a promise.
func TestAcceptedRunSurvivesAKill(t *testing.T) {
	fake := openaitest.New(t)
	fake.Func(func(openaitest.Request) openaitest.Reply { return openaitest.Say("Done.") })
	file, _ := liveFile(t, ownersText(fake.URL(), `"*"`))
	server := serve(t, file)
	var ids []string
	for i := range 20 {
		ids = append(ids, startedRun(t, server.base, frontKey, fmt.Sprintf(`{"agent":"desk","prompt":"%d"}`, i), "Idempotency-Key", fmt.Sprint(i)))
	}
	server.kill(t)
	server = serve(t, file)
	for i, id := range ids {
		if again := startedRun(t, server.base, frontKey, fmt.Sprintf(`{"agent":"desk","prompt":"%d"}`, i), "Idempotency-Key", fmt.Sprint(i)); again != id {
			t.Errorf("the request %d, sent again, made the run %s besides %s", i, again, id)
		}
		if end := endOf(t, server.base, frontKey, id); end.State != "succeeded" || end.Answer != "Done." {
			t.Errorf("%s ended as %+v", id, end)
		}
	}
	if _, _, list := sendAs(t, http.MethodGet, server.base+"/v1/runs?limit=100", frontKey, ""); strings.Count(list, `"object":"run"`) != len(ids) {
		t.Errorf("there are other runs than the %d: %s", len(ids), list)
	}
	server.stop(t)
}

// TestStopAnswersWhoWaits: a server that stops does not hold on to long polls and
// streams, nor they to it.
func TestStopAnswersWhoWaits(t *testing.T) {
	fake := openaitest.New(t)
	file, _ := liveFile(t, strings.Replace(ownersText(fake.URL(), `"*"`), `tools: ["*"]}`, `tools: ["*"], concurrent: 2}`, 1))
	server := serve(t, file)
	run := startedRun(t, server.base, frontKey, `{"agent":"desk","prompt":"Later.","delay":"1h"}`)
	read := func(query string) <-chan string {
		all := make(chan string, 1)
		go func() {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.base+"/v1/runs/"+run+query, nil)
			if err != nil {
				all <- err.Error()
				return
			}
			request.Header.Set("Authorization", "Bearer "+frontKey)
			response, err := http.DefaultClient.Do(request)
			for err == nil && response.StatusCode == http.StatusTooManyRequests { // the question below was in the way
				_ = response.Body.Close()
				response, err = http.DefaultClient.Do(request)
			}
			if err != nil {
				all <- err.Error()
				return
			}
			defer func() { _ = response.Body.Close() }()
			text, err := io.ReadAll(response.Body)
			all <- fmt.Sprint(response.Status, " ", string(text), err)
		}()
		return all
	}
	polled, streamed := read("?wait=5m"), read("?stream=true")
	if err := poll(t.Context(), func() (bool, error) { // until both are under way, which is as many as may be
		status, _, _ := sendAs(t, http.MethodGet, server.base+"/v1/runs", frontKey, "")
		return status == http.StatusTooManyRequests, nil
	}); err != nil {
		t.Fatal(err)
	}
	server.stop(t)
	if got := <-streamed; !strings.Contains(got, "the server is being stopped") || !strings.HasSuffix(got, "<nil>") {
		t.Errorf("the stream ended as %s", got)
	}
	if got := <-polled; !strings.HasPrefix(got, "200 ") || !strings.Contains(got, `"state":"queued"`) {
		t.Errorf("the poll was answered %s", got)
	}
}
