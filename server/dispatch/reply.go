package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"drawbridge/bridge"
)

// Reply carries a run on that waits for its caller.
//
// Errors: [ErrNotFound], [ErrEnded], [ErrNotWaiting], also for results of other calls
// than those that are open, *[MissingResultsError], [ErrKeyReused], [ErrStopping], a
// *bridge.ConversationError for what the agent cannot be asked.
func (d *Dispatcher) Reply(ctx context.Context, reply Reply) (Exchange, error) {
	if err := d.live.ready(ctx); err != nil {
		return nil, err
	}
	key := RequestKey{reply.Owner, reply.Key, reply.Digest}
	if x, err := d.joinKeyed(ctx, key, reply.CancelWhenGone); x != nil || err != nil {
		return x, err
	}
	run, entries, err := d.replied(ctx, reply)
	if err != nil {
		return nil, err
	}
	added, err := d.answer(reply, run, entries)
	if err == nil {
		var claimed *Claimed
		var place Place
		if claimed, place, err = d.store.Continue(ctx, run.ID, key, added, LeaseFor); claimed != nil {
			return d.carryLive(ctx, *claimed, append(entries, added...), place, reply.CancelWhenGone)
		} else if err == nil {
			return d.join(ctx, place, reply.CancelWhenGone)
		}
	}
	if errors.Is(err, ErrNotWaiting) {
		return d.rejoin(ctx, reply, err)
	}
	return nil, err
}

// replied is the run that a reply is for, and its journal.
func (d *Dispatcher) replied(ctx context.Context, reply Reply) (Run, []bridge.Entry, error) {
	run, err := d.store.Run(ctx, reply.Run)
	if err != nil {
		return Run{}, nil, err
	}
	if run.Owner != reply.Owner || run.Agent != reply.Agent {
		return Run{}, nil, fmt.Errorf("run %q: %w", reply.Run, ErrNotFound)
	}
	entries, err := d.store.Entries(ctx, reply.Run)
	return run, entries, err
}

// answer gives the entries that a reply adds.
func (d *Dispatcher) answer(reply Reply, run Run, entries []bridge.Entry) ([]bridge.Entry, error) {
	if run.State.Ended() {
		return nil, fmt.Errorf("run %q: %w", run.ID, ErrEnded)
	}
	open, err := bridge.OpenCalls(run.ID, entries)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, call := range open {
		if _, ok := reply.Results[call.ID]; !ok {
			missing = append(missing, call.ID)
		}
	}
	switch {
	case len(missing) == len(open) || len(reply.Results) > len(open)-len(missing):
		return nil, fmt.Errorf("run %q: %w of these calls", run.ID, ErrNotWaiting)
	case len(missing) > 0:
		return nil, &MissingResultsError{CallIDs: missing}
	}
	input := bridge.Input{Messages: reply.Messages, Functions: reply.Functions, Params: &reply.Params}
	return bridge.AnswerCalls(run.ID, entries, reply.Results, input, d.o.Now())
}

// rejoin listens to the exchange that these very results have begun, of a run that
// has not ended: whoever sent them has lost the connection and tries again. Else it
// gives the error why they cannot be taken.
func (d *Dispatcher) rejoin(ctx context.Context, reply Reply, why error) (Exchange, error) {
	run, entries, err := d.replied(ctx, reply)
	if err != nil {
		return nil, err
	}
	begun := replies(entries)
	if run.State.Ended() || len(begun) == 0 || !sameResults(reply, entries[begun[len(begun)-1]:]) {
		return nil, why
	}
	return d.join(ctx, Place{run.ID, int64(begun[len(begun)-1]) + 1}, reply.CancelWhenGone)
}

// sameResults reports whether a reply's results are those that entries open with.
func sameResults(reply Reply, entries []bridge.Entry) bool {
	given := 0
	for _, e := range entries {
		if !callersResult(e) {
			break
		}
		var result bridge.Result
		if json.Unmarshal(e.Body, &result) != nil {
			return false
		}
		content, ok := reply.Results[bridge.ClientCallID(reply.Run, result.Answer, result.Index)]
		if !ok || content != result.Content {
			return false
		}
		given++
	}
	return given == len(reply.Results)
}
