package dispatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"drawbridge/bridge"
)

// Reply carries a run on that waits for its caller.
//
// Errors: [ErrNotFound], [ErrEnded], [ErrCancelled], [ErrExpired],
// [ErrNotWaiting], also for results of other calls
// than those that are open, *[MissingResultsError], [ErrKeyReused], [ErrStopping], a
// *bridge.ConversationError for what the agent cannot be asked.
func (d *Dispatcher) Reply(ctx context.Context, reply Reply) (Exchange, error) {
	if err := d.live.ready(ctx); err != nil {
		return nil, err
	}
	key := RequestKey{reply.Owner, reply.Key, reply.Digest}
	if x, err := d.joinFirst(ctx, key, reply.Again, reply.CancelWhenGone); x != nil || err != nil {
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
		since := d.mono()
		if claimed, place, err = d.store.Continue(ctx, run.ID, key, added, LeaseFor); claimed != nil {
			return d.carryLive(ctx, begun{*claimed, append(entries, added...), place, since}, reply.CancelWhenGone), nil
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
	switch {
	case run.State == Cancelled || run.Cancel != "":
		return nil, fmt.Errorf("run %q: %w", run.ID, ErrCancelled)
	case run.Reason == string(bridge.ClientGone) && run.Usage.Calls > 0:
		return nil, fmt.Errorf("run %q: %w", run.ID, ErrExpired)
	case run.State.Ended():
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
	return bridge.AnswerCalls(run.ID, entries, reply.Results, reply.input(), d.o.Now())
}

// input is what a reply brings beside results.
func (r *Reply) input() bridge.Input {
	return bridge.Input{Messages: r.Messages, Functions: r.Functions, Params: &r.Params}
}

// rejoin listens to the exchange that this very reply has begun, of a run that has
// not ended: whoever sent it has lost the connection and tries again. Else it gives
// the error why the reply cannot be taken.
func (d *Dispatcher) rejoin(ctx context.Context, reply Reply, why error) (Exchange, error) {
	run, entries, err := d.replied(ctx, reply)
	if err != nil {
		return nil, err
	}
	begun := replies(entries)
	if run.State.Ended() || len(begun) == 0 || !reply.began(entries, begun[len(begun)-1]) {
		return nil, why
	}
	return d.join(ctx, Place{run.ID, int64(begun[len(begun)-1]) + 1}, reply.CancelWhenGone)
}

// began reports whether the journal's entries from an index on are those that this
// reply adds to what is before them. One that says more, or less, is another reply:
// to join would be to pass over its words.
func (r *Reply) began(entries []bridge.Entry, at int) bool {
	added, err := bridge.AnswerCalls(r.Run, entries[:at], r.Results, r.input(), entries[at].At)
	if err != nil || len(added) > len(entries)-at {
		return false
	}
	rest := entries[at+len(added):]
	return slices.EqualFunc(added, entries[at:at+len(added)], func(a, b bridge.Entry) bool {
		return a.Kind == b.Kind && bytes.Equal(a.Body, b.Body)
	}) && (len(rest) == 0 || rest[0].Kind != bridge.EntryInput)
}
