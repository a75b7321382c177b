package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"drawbridge/bridge"
	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
	"drawbridge/server/mcpserver"
)

// sessions are the connections in process through which runs call tools. What a
// session lists depends on who asks, and is read once; so there is one for each
// agent and what its caller may do, made when it is first needed. There are never
// more than agents times keys.
type sessions struct {
	server *mcpserver.Server
	agents map[string]config.Agent
	within map[string][]string // by key: what its holder may call

	mu   sync.Mutex
	open map[string]*bridge.Session
}

func newSessions(cfg *config.Config, server *mcpserver.Server) *sessions {
	s := &sessions{server: server, agents: cfg.Agents, within: map[string][]string{}, open: map[string]*bridge.Session{}}
	for _, key := range cfg.Server.Keys {
		s.within[auth.Principal{Kind: auth.Key, Name: key.Name}.String()] = key.Tools
	}
	return s
}

// of gives the session of a run, and the context that says to the guard who calls:
// the agent, within what the run's owner may do.
func (s *sessions) of(ctx context.Context, run dispatch.Run) (context.Context, *bridge.Session, error) {
	within, err := s.bounds(run.Owner)
	if err != nil {
		return ctx, nil, err
	}
	principal := auth.Principal{Kind: auth.Agent, Name: run.Agent, Tools: s.agents[run.Agent].Tools, Within: within, Run: run.ID, Tainted: run.Tainted}
	door := auth.DoorAgent
	if run.Talked() {
		door = auth.DoorChat
	}
	session, err := s.get(ctx, run.Agent, within)
	return auth.WithDoor(auth.With(ctx, principal), door), session, err
}

// bounds are the patterns that a run's tools have to fit besides its agent's: those
// of the key that started it. An event, and somebody at this machine, bounds nothing.
func (s *sessions) bounds(owner string) ([]string, error) {
	if !strings.HasPrefix(owner, string(auth.Key)+":") {
		return nil, nil
	}
	within, known := s.within[owner]
	if !known {
		return nil, fmt.Errorf("%w: the API key of %s, who started the run, is not configured now", dispatch.ErrUnconfigured, owner)
	}
	return within, nil
}

func (s *sessions) get(ctx context.Context, agent string, within []string) (*bridge.Session, error) {
	id := agent
	if within != nil {
		id += "\n" + strings.Join(within, "\n")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if session := s.open[id]; session != nil {
		return session, nil
	}
	session, err := bridge.Connect(context.WithoutCancel(ctx), s.server.InProcess())
	if err != nil {
		return nil, fmt.Errorf("connecting agent %q: %w", agent, err)
	}
	s.open[id] = session
	return session, nil
}

// close ends all sessions. No run is carried any more.
func (s *sessions) close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var problems []error
	for id, session := range s.open {
		problems = append(problems, session.Close())
		delete(s.open, id)
	}
	return errors.Join(problems...)
}
