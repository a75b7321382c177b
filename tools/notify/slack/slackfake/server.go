// Package slackfake plays a Slack workspace for tests, over real HTTP, as Slack's published
// reference says: people, channels, messages and threads behind the Web API, answers whose
// body says whether something was done, scopes of the token, and the requests that Slack
// makes when somebody presses a button. It knows nothing of the code that it tests.
//
// It is stricter than Slack: an argument that the reference does not name for a method, a
// value that is not of its form, and blocks that break a rule of Block Kit fail the test by
// themselves (contract.go, blocks.go). [Server.Disturb] makes a request go wrong.
package slackfake

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

// Token is the only token that the workspace takes, SigningSecret what it signs with.
const (
	Token         = "xoxb-1234567890-slackfake0000000000"
	SigningSecret = "slackfake-signing-secret-0123456789"
	// Team is the workspace, Bot the app's own user.
	Team = "T0FAKE001"
	Bot  = "U0FAKEBOT"
)

// Scopes are those that the token has at first.
var Scopes = []string{"chat:write", "channels:read", "groups:read", "im:read", "mpim:read", "im:write", "users:read", "users:read.email", "channels:history", "groups:history", "im:history"}

// object is a thing of the API's.
type object = map[string]any

// Request is one that the workspace was sent, for tests to look at.
type Request struct {
	Method string // "chat.postMessage"
	Form   url.Values
	Header http.Header
	At     time.Time
	Status int    // that was answered; 0 if nothing was
	Error  string // "" if it was done
}

// Server is the workspace.
type Server struct {
	// URL is the address of the Web API, as Slack's own https://slack.com/api/.
	URL string

	t        testing.TB
	mu       sync.Mutex
	n        int
	token    string
	scopes   []string
	people   []*Person
	channels []*Channel
	faults   []*disturbance
	requests []Request
	changed  chan struct{}
	clicks   int
}

// New starts a workspace, for as long as the test runs.
func New(t testing.TB) *Server {
	s := &Server{t: t, token: Token, scopes: slices.Clone(Scopes), changed: make(chan struct{})}
	s.people = []*Person{{ID: Bot, Name: "drawbridge", Bot: true, Team: Team}}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL + "/api/"
	return s
}

// Requests are all that the workspace was sent so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Asked is how often a method was called.
func (s *Server) Asked(method string) (n int) {
	for _, r := range s.Requests() {
		if r.Method == method {
			n++
		}
	}
	return n
}

// Grant gives the token other scopes.
func (s *Server) Grant(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = scopes
}

// Reissue has the workspace take another token, and the old one no more.
func (s *Server) Reissue(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	method, found := strings.CutPrefix(r.URL.Path, "/api/")
	if !found || contracts[method] == nil {
		s.t.Errorf("slackfake: asked for %s %s, which it does not play", r.Method, r.URL.Path)
		http.NotFound(w, r)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	at := len(s.requests)
	s.requests = append(s.requests, Request{Method: method, Form: r.Form, Header: r.Header.Clone(), At: time.Now()})
	fault := s.fault(method)
	out := object{"ok": true}
	if fault == nil || fault.Effect {
		out = s.answer(method, r)
	}
	if fault == nil || fault.Status != 0 {
		s.requests[at].Status = http.StatusOK
		s.requests[at].Error, _ = out["error"].(string)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	if fault != nil {
		fault.play(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(encode(out))
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("slackfake: " + err.Error())
	}
	return raw
}

func refuse(name string) object { return object{"ok": false, "error": name} }

// answer does what a request asks for.
func (s *Server) answer(method string, r *http.Request) object {
	c := contracts[method]
	if problem := c.broken(r); problem != "" {
		s.t.Errorf("slackfake: %s breaks the contract: %s", method, problem)
		return object{"ok": false, "error": "invalid_arguments", "response_metadata": object{"messages": []string{"[ERROR] " + problem}}}
	}
	token := r.Form.Get("token")
	if token == "" {
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	switch {
	case token == "":
		return refuse("not_authed")
	case token != s.token:
		return refuse("invalid_auth")
	}
	for _, scope := range c.scopes {
		if !slices.Contains(s.scopes, scope) {
			return object{"ok": false, "error": "missing_scope", "needed": scope, "provided": strings.Join(s.scopes, ",")}
		}
	}
	out := c.do(s, r.Form)
	if out["ok"] == nil {
		out["ok"] = true
	}
	return out
}

// Await waits until something holds of the workspace, which is looked at after each
// request; it fails the test when the context of the test ends, or after so long that
// nothing will come.
func (s *Server) Await(what string, holds func() bool) {
	s.t.Helper()
	end := time.NewTimer(3 * time.Minute)
	defer end.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-end.C:
			s.t.Fatalf("slackfake: waited in vain for %s; asked for were %s", what, s.log())
		}
	}
}

func (s *Server) log() string {
	var all []string
	for _, r := range s.Requests() {
		all = append(all, fmt.Sprintf("%s (%s)", r.Method, r.Error))
	}
	return strings.Join(all, ", ")
}
