// Package stripefake plays a Stripe account for tests: what customers, payments, refunds,
// invoices, links, subscriptions, disputes and the balance do, over real HTTP, as Stripe's
// published reference says: forms with brackets, lists with has_more and starting_after,
// errors as objects, idempotency keys with their first answers. It knows nothing of the
// code that it tests. It is stricter than it needs to be: a parameter that it does not know
// is refused, and a key keeps refusals as well.
//
// What is no part of the account's doing is done by the methods of [Server]: paying,
// subscribing, disputing. [Server.Disturb] makes a request go wrong.
package stripefake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Key and NextKey are the API keys that the account takes; they are of test mode.
const (
	Key     = "rk_test_stripefake0000000000000000"
	NextKey = "rk_test_stripefake1111111111111111"
)

// object is a thing of Stripe's. References to others are their ids.
type object = map[string]any

// Request is one that the account was sent, for tests to look at.
type Request struct {
	Method, Path string
	Form         url.Values // of the query or the body
	Header       http.Header
	Status       int // that was answered; 0 if nothing was
	Replayed     bool
}

// Server is the account.
type Server struct {
	URL string

	mu       sync.Mutex
	now      func() time.Time
	n        int
	byID     map[string]object
	tables   map[string][]object // newest last
	answers  map[string]*answer  // by idempotency key
	faults   []*disturbance
	requests []Request
}

// answer is the first one that a key got.
type answer struct {
	request string
	status  int
	body    []byte
}

// New starts an account, for as long as the test runs. Times are taken from now.
func New(t testing.TB, now func() time.Time) *Server {
	s := &Server{now: now, byID: map[string]object{}, tables: map[string][]object{}, answers: map[string]*answer{}}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
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

// Forget drops all answers that were kept for keys, as Stripe does after a day or more.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = map[string]*answer{}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	form := r.PostForm
	if r.Method != http.MethodPost {
		form = r.URL.Query()
	}
	s.mu.Lock()
	at := len(s.requests)
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.Path, Form: form, Header: r.Header.Clone()})
	fault := s.fault(r.Method, r.URL.Path)
	var status int
	var body []byte
	var replayed bool
	if fault == nil || fault.Effect {
		status, body, replayed = s.answerTo(r, form)
	}
	if fault != nil && fault.Kept && r.Header.Get("Idempotency-Key") != "" {
		s.answers[r.Header.Get("Idempotency-Key")] = &answer{request: fingerprint(r, form), status: fault.Status, body: fault.body()}
	}
	if fault == nil || fault.Status != 0 {
		s.requests[at].Status, s.requests[at].Replayed = status, replayed
	}
	s.mu.Unlock()
	if fault != nil {
		fault.play(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", fmt.Sprintf("req_%d", at))
	if key := r.Header.Get("Idempotency-Key"); key != "" && r.Method == http.MethodPost {
		w.Header().Set("Idempotency-Key", key)
	}
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func fingerprint(r *http.Request, form url.Values) string {
	return r.Method + " " + r.URL.Path + "?" + form.Encode()
}

// answerTo answers a request, or gives the first answer of its key again.
func (s *Server) answerTo(r *http.Request, form url.Values) (status int, body []byte, replayed bool) {
	if shown := r.Header.Get("Authorization"); shown != "Bearer "+Key && shown != "Bearer "+NextKey {
		status, body = refuse(http.StatusUnauthorized, "invalid_request_error", "", "", "Invalid API Key provided: "+r.Header.Get("Authorization")).write()
		return status, body, false
	}
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost {
		key = "" // it has no effect there
	}
	if first, known := s.answers[key]; known && key != "" {
		if first.request != fingerprint(r, form) {
			status, body = refuse(http.StatusBadRequest, "idempotency_error", "", "",
				"Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '"+key+"' if you meant to execute a different request.").write()
			return status, body, false
		}
		return first.status, first.body, true
	}
	out, problem := s.route(r, &params{values: form, tree: tree(form)})
	if problem != nil {
		status, body = problem.write()
	} else {
		status, body = http.StatusOK, encode(out)
	}
	if key != "" && (problem == nil || !problem.early) {
		s.answers[key] = &answer{request: fingerprint(r, form), status: status, body: body}
	}
	return status, body, false
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("stripefake: " + err.Error())
	}
	return raw
}

// problem is an error of the API.
type problem struct {
	status                     int
	kind, code, param, message string
	// early: it was found before the endpoint began, so that no key keeps it.
	early bool
}

func refuse(status int, kind, code, param, message string) *problem {
	return &problem{status: status, kind: kind, code: code, param: param, message: message}
}

func (p *problem) write() (int, []byte) {
	e := object{"type": p.kind, "message": p.message}
	if p.code != "" {
		e["code"] = p.code
	}
	if p.param != "" {
		e["param"] = p.param
	}
	return p.status, encode(object{"error": e})
}

func invalid(param, message string) *problem {
	p := refuse(http.StatusBadRequest, "invalid_request_error", "", param, message)
	p.early = true
	return p
}

func stateOf(code, message string) *problem {
	return refuse(http.StatusBadRequest, "invalid_request_error", code, "", message)
}

func noSuch(kind, param, id string) *problem {
	p := refuse(http.StatusNotFound, "invalid_request_error", "resource_missing", param, fmt.Sprintf("No such %s: '%s'", kind, id))
	p.early = true
	return p
}

// id makes one that was not there.
func (s *Server) id(prefix string) string {
	s.n++
	return fmt.Sprintf("%s_1Fake%016d", prefix, s.n)
}

// put adds a thing to its table.
func (s *Server) put(table string, o object) object {
	if o["created"] == nil {
		o["created"] = s.now().Unix()
	}
	o["livemode"] = false
	s.n++
	o["_order"] = s.n
	s.byID[o["id"].(string)] = o
	s.tables[table] = append(s.tables[table], o)
	return o
}

// find is a thing of a kind.
func (s *Server) find(kind, id string) (object, *problem) {
	o, known := s.byID[id]
	if !known || o["object"] != kind {
		return nil, noSuch(kind, "id", id)
	}
	return o, nil
}

// newest are the things of a table that fit, the newest first.
func (s *Server) newest(table string, fits func(object) bool) []object {
	var found []object
	for _, o := range s.tables[table] {
		if fits == nil || fits(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b object) int {
		if c := number(b["created"]) - number(a["created"]); c != 0 {
			return sign(c)
		}
		return sign(number(b["_order"]) - number(a["_order"]))
	})
	return found
}

func sign(n int64) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func number(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case int:
		return int64(n)
	}
	return 0
}

// path is a request's, without the version.
func path(r *http.Request) []string {
	return strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/v1"), "/"), "/")
}
