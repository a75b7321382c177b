package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"drawbridge/bridge"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/agents"
)

// agentRuns starts and shows runs for the tools of the family agents. The catalog is
// made before what carries runs, so it is told of that later.
type agentRuns struct{ carried atomic.Pointer[carriage] }

type carriage struct {
	worker *dispatch.Dispatcher
	store  *state.Store
	names  []string
}

var _ agents.Driver = (*agentRuns)(nil)

func (r *agentRuns) carriedBy(worker *dispatch.Dispatcher, store *state.Store, names []string) {
	r.carried.Store(&carriage{worker, store, names})
}

// errNoRuns: the process has no part that knows of runs.
var errNoRuns = tools.Errorf(tools.Unavailable, "this process starts no runs. Ask where drawbridge serves.")

// Names are the agents of the settings.
func (r *agentRuns) Names() []string {
	if c := r.carried.Load(); c != nil {
		return c.names
	}
	return nil
}

// Start has the run on disk when it returns.
func (r *agentRuns) Start(ctx context.Context, owner string, draft agents.Draft) (string, error) {
	c := r.carried.Load()
	if c == nil {
		return "", errNoRuns
	}
	run := dispatch.NewRun{Agent: draft.Agent, Prompt: draft.Prompt, Tainted: draft.Untrusted, Owner: owner}
	if p, known := auth.From(ctx); known && p.String() == owner {
		run.Bounds = auth.NotedBounds(p)
	}
	if key := tools.Key(ctx); key != "" {
		asked, err := json.Marshal(draft)
		if err != nil {
			return "", fmt.Errorf("encoding a draft: %w", err)
		}
		run.Key, run.Digest = "tool-"+hashed([]byte(key)), hashed(asked) // a key of /v1/runs cannot be meant
	}
	id, _, err := c.worker.Submit(ctx, run)
	switch {
	case errors.Is(err, dispatch.ErrUnknownAgent):
		return "", tools.Errorf(tools.NotFound, "agent: there is no %q", draft.Agent)
	case errors.Is(err, dispatch.ErrKeyReused):
		return "", tools.Errorf(tools.Conflict, "the key was used for another run. Call again under a key of its own.")
	}
	return id, err
}

func hashed(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// List gives the owner's runs, without what they called.
func (r *agentRuns) List(ctx context.Context, owner string, most int) ([]agents.Run, error) {
	c := r.carried.Load()
	if c == nil {
		return nil, errNoRuns
	}
	list, err := c.store.ListRuns(ctx, dispatch.RunFilter{Owner: owner}, most)
	if err != nil {
		return nil, err
	}
	shown := make([]agents.Run, len(list))
	for i, run := range list {
		shown[i] = shownRun(run, nil, 0)
	}
	return shown, nil
}

// Follow tells of a run of the owner's, as its journal grows.
func (r *agentRuns) Follow(ctx context.Context, owner, id string, tell func(agents.Run) bool) error {
	c := r.carried.Load()
	if c == nil {
		return errNoRuns
	}
	following := c.worker.FollowJournal(id, 0)
	defer following.Leave()
	var journal []bridge.Entry
	for {
		run, entries, err := following.Next(ctx)
		switch {
		case errors.Is(err, dispatch.ErrNotFound), err == nil && run.Owner != owner:
			return tools.Errorf(tools.NotFound, "id: you have started no run %.100q", id)
		case ctx.Err() != nil, errors.Is(err, dispatch.ErrStopping):
			return nil
		case err != nil:
			return err
		}
		journal = append(journal, entries...)
		calls, err := dispatch.Calls(journal)
		if err != nil {
			return err
		}
		if !tell(shownRun(run, calls, int64(len(journal)))) {
			return nil
		}
	}
}

func shownRun(run dispatch.Run, calls []dispatch.CallReport, steps int64) agents.Run {
	shown := agents.Run{ID: run.ID, Agent: run.Agent, State: string(run.State), Ended: run.State.Ended(), Reason: run.Reason, Answer: run.Answer,
		Created: run.Created, FinishedAt: run.FinishedAt, Steps: steps, Calls: []agents.Call{}}
	for _, call := range calls {
		shown.Calls = append(shown.Calls, agents.Call{Tool: call.Tool, Status: call.Status})
	}
	return shown
}
