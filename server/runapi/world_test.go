package runapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/auth"
	"drawbridge/server/callback"
	"drawbridge/server/dispatch"
	"drawbridge/server/runapi"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// world is the API over a real store, served over HTTP. Nobody carries its runs but
// the test.
type world struct {
	t     *testing.T
	store *countingStore
	url   string
	key   auth.Principal // who asks
}

func newWorld(t *testing.T, o runapi.Options) *world {
	t.Helper()
	opened, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), state.Owned, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	w := &world{t: t, store: &countingStore{Store: opened, watched: make(chan string, 2000)},
		key: auth.Principal{Kind: auth.Key, Name: "desk", Agents: []string{"desk", "clerk*", "nobody"}}}
	agents := map[string]bridge.Agent{"desk": {Name: "desk"}, "clerk-a": {Name: "clerk-a", Budget: bridge.Budget{Turns: 5, Wall: 2 * time.Minute}}, "billing": {Name: "billing"}}
	d := dispatch.New(w.store, nil, nil, callback.NewSender(callback.Options{}), dispatch.Settings{Agents: agents}, dispatch.Options{})
	api := runapi.New(w.store, d, o)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		api.ServeHTTP(rw, r.WithContext(auth.With(r.Context(), w.key)))
	}))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// countingStore tells of watches that begin, and counts how often a run is read.
type countingStore struct {
	*state.Store
	watched chan string

	mu    sync.Mutex
	reads int
}

func (s *countingStore) Watch(run string) (<-chan struct{}, func()) {
	changed, stop := s.Store.Watch(run)
	s.watched <- run
	return changed, stop
}

func (s *countingStore) Run(ctx context.Context, id string) (dispatch.Run, error) {
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	return s.Store.Run(ctx, id)
}

func (s *countingStore) read() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// answered is what came of a request.
type answered struct {
	status int
	header http.Header
	body   string
}

// as decodes the body.
func (a answered) as(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v in %d %s", err, a.status, a.body)
	}
}

// code is that of an error.
func (a answered) code() string {
	var e struct{ Error struct{ Code, Param string } }
	_ = json.Unmarshal([]byte(a.body), &e)
	return strings.TrimSuffix(e.Error.Code+" "+e.Error.Param, " ")
}

// do sends a request; headers are pairs of name and value.
func (w *world) do(method, path, body string, headers ...string) answered {
	w.t.Helper()
	response := w.open(w.t.Context(), method, path, body, headers...)
	defer func() { _ = response.Body.Close() }()
	var text strings.Builder
	if _, err := bufio.NewReader(response.Body).WriteTo(&text); err != nil {
		w.t.Error(err)
	}
	return answered{response.StatusCode, response.Header, text.String()}
}

func (w *world) open(ctx context.Context, method, path, body string, headers ...string) *http.Response {
	w.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	return response
}

// run is what tests look at of a run.
type run struct {
	ID, State, Reason, Answer, Priority string
	Untrusted                           bool
	Metadata                            map[string]string
	Usage                               struct{ Turns int }
	StartAt                             *int64 `json:"start_at"`
	Calls                               []dispatch.CallReport
}

// start starts a run that is new, and gives its id.
func (w *world) start(body string, headers ...string) string {
	w.t.Helper()
	got := w.do(http.MethodPost, "/v1/runs", body, headers...)
	var r run
	got.as(w.t, &r)
	if got.status != http.StatusAccepted || r.ID == "" || got.header.Get("Idempotent-Replayed") != "" {
		w.t.Fatalf("starting a run: %d %s", got.status, got.body)
	}
	return r.ID
}

// claim takes a run up, as a worker does.
func (w *world) claim(id string) bridge.Lease {
	w.t.Helper()
	c, _, err := w.store.ClaimRun(w.t.Context(), id, time.Hour)
	if err != nil || c == nil {
		w.t.Fatalf("claiming %s: %+v (%v)", id, c, err)
	}
	return c.Lease
}

// journal appends an entry.
func (w *world) journal(lease bridge.Lease, seq int64, kind bridge.EntryKind, body string) {
	w.t.Helper()
	e := bridge.Entry{Seq: seq, Kind: kind, At: time.UnixMilli(1_700_000_000_000 + seq), Body: json.RawMessage(body)}
	if err := w.store.Append(w.t.Context(), lease, e); err != nil {
		w.t.Fatal(err)
	}
}

// finish ends a run.
func (w *world) finish(lease bridge.Lease, words string) {
	w.t.Helper()
	end := dispatch.Ending{State: dispatch.Succeeded, At: time.UnixMilli(1_700_000_060_000), Outcome: bridge.Outcome{Status: bridge.Succeeded, Reason: bridge.Answered, Answer: words,
		Usage: bridge.Usage{Turns: 1}}}
	if err := w.store.Finish(w.t.Context(), lease, end); err != nil {
		w.t.Fatal(err)
	}
}

// awaitWatch waits until somebody watches a run.
func (w *world) awaitWatch(id string) {
	w.t.Helper()
	select {
	case got := <-w.store.watched:
		if got != id {
			w.t.Fatalf("%s is watched, want %s", got, id)
		}
	case <-time.After(20 * time.Second): // a failing test must end
		w.t.Fatalf("nobody watches %s", id)
	}
}

// event is one server-sent event, or a comment.
type event struct{ id, name, data, comment string }

// events reads a stream strictly, block by block.
func readEvents(r *bufio.Reader) (event, error) {
	var e event
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return e, err
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "":
			return e, nil
		case field == "":
			e.comment = value
		case field == "id":
			e.id = value
		case field == "event":
			e.name = value
		case field == "data":
			e.data = value
		case field == "retry":
		default:
			return e, fmt.Errorf("a line that is none of a stream: %q", line)
		}
	}
}
