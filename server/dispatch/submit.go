package dispatch

import (
	"cmp"
	"context"
	"fmt"
)

// Submit starts a run for a caller who does not wait for it. The run is on disk when
// Submit returns, and is carried by whoever works from the store. A prompt that is
// tainted is put behind a fence, as an event is: the agent works on it by its own
// instructions. fresh is false if the owner has used the run's key before: then id is
// that of the run it was used for.
//
// Errors: [ErrUnknownAgent], [ErrKeyReused].
func (d *Dispatcher) Submit(ctx context.Context, run NewRun) (id string, fresh bool, err error) {
	if _, ok := d.settings.Agents[run.Agent]; !ok {
		return "", false, fmt.Errorf("%w: %q", ErrUnknownAgent, run.Agent)
	}
	run.ID, run.Source = cmp.Or(run.ID, NewID("run_")), cmp.Or(run.Source, FromAPI)
	if run.Tainted {
		run.Prompt = fence(run.Source, "text/plain", marker(run.ID), []byte(run.Prompt), len(run.Prompt))
	}
	return d.store.Submit(ctx, run)
}
