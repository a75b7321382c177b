package runapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
	"drawbridge/server/runapi"
)

// shelf is a store of runs that are given to it, and a canceller that notes.
type shelf struct {
	runapi.Reader
	runapi.Runs
	kept      map[string]dispatch.Run
	broken    error
	cancelled []string
	resolved  []string
	quicker   dispatch.State // what the run is by the time that it is cancelled
}

func (s *shelf) Run(_ context.Context, id string) (dispatch.Run, error) {
	run, ok := s.kept[id]
	switch {
	case s.broken != nil:
		return run, s.broken
	case !ok:
		return run, dispatch.ErrNotFound
	}
	return run, nil
}

func (s *shelf) Cancel(_ context.Context, id, why string) (dispatch.State, error) {
	s.cancelled = append(s.cancelled, id+": "+why)
	run := s.kept[id]
	if s.quicker != "" {
		run.State = s.quicker
		s.kept[id] = run
		return s.quicker, dispatch.ErrEnded
	}
	run.State = dispatch.Cancelled
	s.kept[id] = run
	return dispatch.Cancelled, nil
}

func (s *shelf) Resolve(_ context.Context, id string, r bridge.Ruling) error {
	s.resolved = append(s.resolved, id)
	return bridge.ErrNotUnknown
}

func (s *shelf) Entries(context.Context, string) ([]bridge.Entry, error)        { return nil, nil }
func (s *shelf) Callbacks(context.Context, string) ([]dispatch.Callback, error) { return nil, nil }

func newShelf() *shelf {
	at := time.Unix(1_700_000_000, 0)
	return &shelf{kept: map[string]dispatch.Run{
		"run_1": {ID: "run_1", Agent: "desk", Source: "api", Owner: "key:desk", State: dispatch.Running, Created: at, Started: at.Add(time.Second)},
		"run_2": {ID: "run_2", Agent: "desk", Owner: "key:desk", Source: "shop", Event: "evt_1", Tainted: true, Priority: dispatch.High, StartAt: at,
			Metadata: map[string]string{"ticket": "<T>"}, CallbackURL: "https://example.com/done", State: dispatch.Succeeded, Reason: "answered", Answer: "<Paid>", Created: at, Started: at, FinishedAt: at.Add(time.Minute),
			Usage: bridge.Usage{Turns: 2, Calls: 3, PromptTokens: 4, CompletionTokens: 5, CachedTokens: 6, ReasoningTokens: 7, Cost: 8, Currency: "USD"}},
		"run_3": {ID: "run_3", Agent: "desk", Owner: "key:shop", State: dispatch.Running, Created: at},
		"run_4": {ID: "run_4", Agent: "desk", Event: "evt_1", State: dispatch.Running, Created: at},
	}}
}

var (
	desk  = auth.Principal{Kind: auth.Key, Name: "desk"}
	local = auth.Principal{Kind: auth.Local, Name: "http"}
)

func ask(s *shelf, p auth.Principal, method, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	w := httptest.NewRecorder()
	runapi.New(s, s, runapi.Options{}).ServeHTTP(w, r.WithContext(auth.With(r.Context(), p)))
	return w
}

func TestOwnerSeesWhereItsRunStands(t *testing.T) {
	for id, want := range map[string]string{
		"run_1": `{"id":"run_1","object":"run","agent":"desk","state":"running","answer":"","usage":{"turns":0,"calls":0,"prompt_tokens":0,"completion_tokens":0,"cached_tokens":0,"reasoning_tokens":0,"cost_micros":0},"source":"api","owner":"key:desk","untrusted":false,"priority":"normal","metadata":{},"created_at":1700000000,"start_at":null,"started_at":1700000001,"finished_at":null,"calls":[],"unknown":[],"approvals":[],"callbacks":[]}`,
		"run_2": `{"id":"run_2","object":"run","agent":"desk","state":"succeeded","reason":"answered","answer":"<Paid>","usage":{"turns":2,"calls":3,"prompt_tokens":4,"completion_tokens":5,"cached_tokens":6,"reasoning_tokens":7,"cost_micros":8,"currency":"USD"},"source":"shop","event":"evt_1","owner":"key:desk","untrusted":true,"priority":"high","metadata":{"ticket":"<T>"},"callback_url":"https://example.com/done","created_at":1700000000,"start_at":1700000000,"started_at":1700000000,"finished_at":1700000060,"calls":[],"unknown":[],"approvals":[],"callbacks":[]}`,
	} {
		if w := ask(newShelf(), desk, http.MethodGet, "/v1/runs/"+id); strings.TrimSpace(w.Body.String()) != want || w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

func TestRunOfSomebodyElseIsNotThere(t *testing.T) {
	s := newShelf()
	missing := ask(s, desk, http.MethodGet, "/v1/runs/run_9").Body.String()
	for _, id := range []string{"run_3", "run_4", "run_9"} {
		for method, path := range map[string]string{http.MethodGet: "/v1/runs/" + id, http.MethodPost: "/v1/runs/" + id + "/cancel", http.MethodPost + " ": "/v1/runs/" + id + "/resolve"} {
			method = strings.TrimSpace(method)
			if w := ask(s, desk, method, path); w.Code != http.StatusNotFound || w.Body.String() != missing {
				t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
		}
	}
	if len(s.cancelled)+len(s.resolved) != 0 {
		t.Errorf("cancelled %q, decided %v", s.cancelled, s.resolved)
	}
}

func TestCallerWithoutAKeySeesAllRuns(t *testing.T) {
	for _, id := range []string{"run_1", "run_3", "run_4"} {
		if w := ask(newShelf(), local, http.MethodGet, "/v1/runs/"+id); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
		}
	}
}

func TestOwnerCancelsItsRun(t *testing.T) {
	s := newShelf()
	w := ask(s, desk, http.MethodPost, "/v1/runs/run_1/cancel")
	if w.Body.String() != `{"id":"run_1","state":"cancelled"}`+"\n" || len(s.cancelled) != 1 || s.cancelled[0] != "run_1: cancelled by key:desk" {
		t.Errorf("%s, cancelled %q", w.Body, s.cancelled)
	}
}

func TestRunThatHasEndedKeepsItsEnd(t *testing.T) {
	s := newShelf()
	if w := ask(s, desk, http.MethodPost, "/v1/runs/run_2/cancel"); w.Body.String() != `{"id":"run_2","state":"succeeded"}`+"\n" || len(s.cancelled) != 0 {
		t.Errorf("%s, cancelled %q", w.Body, s.cancelled)
	}
	s.quicker = dispatch.Failed
	if w := ask(s, desk, http.MethodPost, "/v1/runs/run_1/cancel"); w.Body.String() != `{"id":"run_1","state":"failed"}`+"\n" {
		t.Errorf("%s", w.Body)
	}
}

func TestErrorsHaveOpenAIsShape(t *testing.T) {
	broken := newShelf()
	broken.broken = errors.New("disk on fire")
	for name, test := range map[string]struct {
		shelf        *shelf
		method, path string
		status       int
	}{
		"method":          {newShelf(), http.MethodDelete, "/v1/runs/run_1", 405},
		"cancel by GET":   {newShelf(), http.MethodGet, "/v1/runs/run_1/cancel", 405},
		"unknown path":    {newShelf(), http.MethodGet, "/v1/runs/run_1/steps", 404},
		"a broken store":  {broken, http.MethodGet, "/v1/runs/run_1", 500},
		"a broken cancel": {broken, http.MethodPost, "/v1/runs/run_1/cancel", 500},
	} {
		w := ask(test.shelf, desk, test.method, test.path)
		body := w.Body.String()
		if w.Code != test.status || !strings.HasPrefix(body, `{"error":{"message":"`) || strings.Contains(body, "fire") {
			t.Errorf("%s: %d %s", name, w.Code, body)
		}
	}
	w := httptest.NewRecorder()
	runapi.New(broken, broken, runapi.Options{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/runs/run_1", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("nobody: %d %s", w.Code, w.Body)
	}
}

func TestWebPageMayNotCancelWithoutAKey(t *testing.T) {
	s := newShelf()
	r := httptest.NewRequest(http.MethodPost, "/v1/runs/run_1/cancel", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	runapi.New(s, s, runapi.Options{}).ServeHTTP(w, r.WithContext(auth.With(r.Context(), local)))
	if w.Code != http.StatusForbidden || len(s.cancelled) != 0 {
		t.Errorf("%d %s, cancelled %q", w.Code, w.Body, s.cancelled)
	}
}
