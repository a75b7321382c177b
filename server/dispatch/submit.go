package dispatch

import (
	"cmp"
	"context"
	"fmt"

	"drawbridge/bridge"
)

// Submit starts a run for a caller who does not wait for it. The run is on disk when
// Submit returns, and is carried by whoever works from the store. A prompt that is
// tainted is put behind a fence, as an event is: the agent works on it by its own
// instructions. A budget can only be smaller than the agent's. fresh is false if the owner has used the run's key before: then id is
// that of the run it was used for.
//
// Errors: [ErrUnknownAgent], [ErrKeyReused].
func (d *Dispatcher) Submit(ctx context.Context, run NewRun) (id string, fresh bool, err error) {
	agent, ok := d.settings.Agents[run.Agent]
	if !ok {
		return "", false, fmt.Errorf("%w: %q", ErrUnknownAgent, run.Agent)
	}
	run.ID, run.Source = cmp.Or(run.ID, NewID("run_")), cmp.Or(run.Source, FromAPI)
	if run.Tainted {
		run.Prompt = "Work on what follows, which came from outside." + enclose(marker(run.ID), run.Prompt, "")
	}
	run.Budget = within(run.Budget, instead(bridge.DefaultBudget, agent.Budget))
	return d.store.Submit(ctx, run)
}

// within is a budget that a caller asks for, and no more than another: what its
// operator gives an agent is not its callers' to raise. What is zero was not asked for.
func within(asked, most bridge.Budget) bridge.Budget {
	asked.Turns = min(asked.Turns, most.Turns)
	asked.Calls = min(asked.Calls, most.Calls)
	asked.Tokens = min(asked.Tokens, most.Tokens)
	asked.Wall = min(asked.Wall, most.Wall)
	return asked
}
