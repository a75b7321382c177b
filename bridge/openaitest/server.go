package openaitest

import (
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// Server is a [Handler] that listens, for the length of a test.
type Server struct {
	*Handler
	http     *httptest.Server
	tolerant atomic.Bool
}

// New starts a server. When the test ends, the server stops, and the test fails
// if a request broke a rule or came when there was no reply for it.
func New(t testing.TB) *Server { return NewWith(t, Options{}) }

// NewWith is New with options.
func NewWith(t testing.TB, o Options) *Server {
	t.Helper()
	h := NewHandler(o)
	s := &Server{Handler: h, http: httptest.NewServer(h)}
	t.Cleanup(func() {
		s.Close()
		if s.tolerant.Load() {
			return
		}
		for _, v := range s.Violations() {
			t.Errorf("the client broke OpenAI's protocol: %s", v)
		}
	})
	return s
}

// URL is the address of the API, ending in /v1.
func (s *Server) URL() string { return s.http.URL + "/v1" }

// Tolerate is for tests that break rules on purpose: what is wrong is still answered
// with 400 and listed by Violations, but does not fail the test.
func (s *Server) Tolerate() { s.tolerant.Store(true) }

// Close stops the server before the test ends: from now on it cannot be reached.
// Replies that are held up break off.
func (s *Server) Close() {
	s.Handler.Close()
	s.http.Close()
}
