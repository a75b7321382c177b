package mcpserver

import (
	"crypto/rand"
	"errors"
	"net/http"
	"sync"

	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
)

// sessions are the open sessions of one transport and whose they are. A session
// serves its owner only: whoever else learned its id gets the same answer as for an
// id that was never given out. Ended ones are forgotten, so that the memory they
// take is bounded by the open ones.
type sessions struct {
	mu    sync.RWMutex
	owner map[string]string
}

var _ server.SessionIdManagerResolver = (*sessions)(nil)

func newSessions() *sessions { return &sessions{owner: map[string]string{}} }

// open makes a session of the owner's and gives its id.
func (s *sessions) open(owner string) string {
	id := "session-" + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner[id] = owner
	return id
}

// belongs reports whether the session is open and the owner's.
func (s *sessions) belongs(id, owner string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	actual, open := s.owner[id]
	return open && actual == owner
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.owner, id)
}

func (s *sessions) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.owner)
}

// ownerOf names who sent the request.
func ownerOf(r *http.Request) string {
	principal, _ := auth.From(r.Context())
	return principal.String()
}

// ResolveSessionIdManager gives mcp-go the sessions of whoever sent the request.
// Without a request it is mcp-go itself that ends sessions nobody uses.
func (s *sessions) ResolveSessionIdManager(r *http.Request) server.SessionIdManager {
	if r == nil {
		return sweeper{s}
	}
	return owned{sessions: s, owner: ownerOf(r)}
}

// owned are one owner's sessions.
type owned struct {
	sessions *sessions
	owner    string
}

func (o owned) Generate() string { return o.sessions.open(o.owner) }

// Validate fails for a session that is not open, which answers 404: the client is
// to start anew (MCP 2025-11-25, transports, session management).
func (o owned) Validate(id string) (isTerminated bool, err error) {
	if !o.sessions.belongs(id, o.owner) {
		return false, errors.New("no such session")
	}
	return false, nil
}

func (o owned) Terminate(id string) (isNotAllowed bool, err error) {
	if !o.sessions.belongs(id, o.owner) {
		return true, nil
	}
	o.sessions.end(id)
	return false, nil
}

// sweeper ends anybody's sessions and can do nothing else.
type sweeper struct{ sessions *sessions }

func (w sweeper) Generate() string { return w.sessions.open("") }

func (w sweeper) Validate(string) (bool, error) { return false, errors.New("no such session") }

func (w sweeper) Terminate(id string) (bool, error) {
	w.sessions.end(id)
	return false, nil
}
