// Package hubspotfake plays a HubSpot account for tests: contacts, companies, deals,
// tickets, orders with their lines, products, tasks, notes, calls, mails and meetings, what
// they are associated with, and a search that lags behind, over real HTTP, as HubSpot's
// published reference says. It knows nothing of the code that it tests.
//
// Each request is held against contract.yaml, and against what the reference says in words:
// properties that do not exist, stages of no pipeline, owners that are nobody, a second
// contact with one address are refused; a search has its limits. A request that breaks the
// contract fails the test by itself.
//
// What others do in the account is done by the methods of [Server]. [Server.Disturb] makes
// a request go wrong, [Server.Lag] has the search show writes late.
package hubspotfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// Token is the only one that the account takes.
const Token = "pat-eu1-00000000-fake-0000-0000-000000000000"

// Request is one that the account was sent, for tests to look at.
type Request struct {
	Method, Path, Query string
	Header              http.Header
	Body                []byte
	Status              int // that was answered; 0 if nothing was
}

// Server is the account.
type Server struct {
	URL string

	mu       sync.Mutex
	now      func() time.Time
	last     int
	tables   map[string]map[string]*object // by type and id
	index    map[string]map[string]object  // what the search knows
	behind   []indexed                     // what it does not know yet
	lag      int
	ties     map[tie]int // associations, with their type
	defined  map[string]map[string]property
	owners   []owner
	lacking  string
	faults   []*disturbance
	requests []Request
	headers  http.Header
}

// New starts an account, for as long as the test runs. Times are taken from now.
func New(t testing.TB, now func() time.Time) *Server {
	s := &Server{now: now, last: 100, tables: map[string]map[string]*object{}, index: map[string]map[string]object{}, ties: map[tie]int{}, defined: standard(), headers: http.Header{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(t, w, r) }))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Requests are all that the account was sent so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Lag has the search miss the last n writes.
func (s *Server) Lag(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = n
	s.catchUp()
}

// Lack has the account answer as to a token without a scope.
func (s *Server) Lack(scope string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lacking = scope
}

// Say adds a header to all answers from now on.
func (s *Server) Say(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.headers[name] = []string{value}
}

// reply is an answer to be given.
type reply struct {
	status int
	body   any
}

func (s *Server) serve(t testing.TB, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	input, broken := judgeRequest(r)
	s.mu.Lock()
	at := len(s.requests)
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body})
	fault := s.fault(r.Method, r.URL.Path)
	answer := reply{http.StatusBadRequest, problem("VALIDATION_ERROR", fmt.Sprint("Invalid input: ", broken))}
	if broken == nil && (fault == nil || fault.Effect) {
		answer = s.answer(r, body)
	}
	if fault == nil {
		s.requests[at].Status = answer.status
	}
	header := s.headers.Clone()
	s.mu.Unlock()
	if broken != nil {
		t.Errorf("%s %s breaks the contract: %v\n%s", r.Method, r.URL, broken, body)
	}
	if fault != nil {
		fault.play(w, r)
		return
	}
	raw, err := json.Marshal(answer.body)
	if err != nil {
		panic(err)
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json")
	if input != nil {
		if err := judgeAnswer(input, answer.status, w.Header(), raw); err != nil {
			t.Errorf("the fake's own answer to %s %s breaks the contract: %v\n%s", r.Method, r.URL, err, raw)
		}
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(raw)
}

// problem is the body of an error.
func problem(category, message string) map[string]any {
	return map[string]any{"status": "error", "message": message, "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf", "category": category}
}

func refuse(status int, category, format string, args ...any) reply {
	return reply{status, problem(category, fmt.Sprintf(format, args...))}
}
