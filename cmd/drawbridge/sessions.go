package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"drawbridge/bridge"
	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
	"drawbridge/server/mcpserver"
)

// sessions are the connections in process through which runs call tools. What a
// session lists depends on who asks, and is read once; so there is one for each
// agent and what it may do for its trigger, made when it is first needed. There are
// never more than agents times triggers.
type sessions struct {
	server   *mcpserver.Server
	agents   map[string]config.Agent
	triggers triggers

	mu   sync.Mutex
	open map[string]*bridge.Session
}

func newSessions(cfg *config.Config, keys *auth.Keys, server *mcpserver.Server) *sessions {
	return &sessions{server: server, agents: cfg.Agents, triggers: triggersOf(cfg, keys), open: map[string]*bridge.Session{}}
}

// of gives the session of a run, and the context that says to the guard who calls:
// the agent, within what its trigger may do.
func (s *sessions) of(ctx context.Context, run dispatch.Run) (context.Context, *bridge.Session, error) {
	trigger := triggerOf(run)
	within, err := s.triggers.of(run, trigger)
	if err != nil {
		return ctx, nil, err
	}
	agent := s.agents[run.Agent]
	principal := auth.Principal{Kind: auth.Agent, Name: run.Agent, Tools: agent.Tools, Effects: agent.Effects, Run: run.ID, Tainted: run.Tainted, DryRun: agent.DryRun}.
		Acting(trigger, within)
	door := auth.DoorAgent
	if run.Talked() {
		door = auth.DoorChat
	}
	session, err := s.get(ctx, principal)
	return auth.WithDoor(auth.With(ctx, principal), door), session, err
}

func (s *sessions) get(ctx context.Context, p auth.Principal) (*bridge.Session, error) {
	// Quoted, so that nil is told from none.
	id := fmt.Sprintf("%s %#v %#v %#v", p.Name, p.Within, p.Effects, p.Pairs)
	s.mu.Lock()
	defer s.mu.Unlock()
	if session := s.open[id]; session != nil {
		return session, nil
	}
	session, err := bridge.Connect(context.WithoutCancel(ctx), s.server.InProcess())
	if err != nil {
		return nil, fmt.Errorf("connecting agent %q: %w", p.Name, err)
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
