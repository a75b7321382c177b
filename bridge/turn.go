package bridge

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// act makes our calls of a turn that have not come back: side by side if all are
// reads, else one after the other in the order given. An outcome means that the run
// has to wait: for the tool server, its caller, or somebody who knows what became of a
// call.
func (r *run) act(ctx context.Context, t *turn) (*Outcome, error) {
	switch {
	case t.clipped():
		return nil, r.decline(ctx, t, "your answer was cut off at its limit of tokens in the middle of this call. Nothing was called. Write less at once.")
	case r.history.demand.mute():
		return nil, r.decline(ctx, t, "nothing was called: whoever asks wants an answer in words, without calls.")
	case len(r.history.callersTurn()) > 0:
		return r.settled(), nil
	}
	var outcome *Outcome
	var err error
	if r.allReads(t) {
		outcome, err = r.sideBySide(ctx, t)
	} else {
		outcome, err = r.inOrder(ctx, t)
	}
	var away *unreachable
	if errors.As(err, &away) {
		return r.history.waiting(ToolsUnavailable, away.Error(), 0), nil
	}
	return outcome, err
}

// decline answers all calls of a turn without making any.
func (r *run) decline(ctx context.Context, t *turn, why string) error {
	for _, c := range t.unanswered() {
		if !c.theirs {
			r.record(ctx, r.functions.tool(c.asked.Name), c, why)
		}
		r.note(EntryResult, Result{Answer: t.seq, Index: c.index, CallID: c.id, IsError: true, Code: NotMade, Content: why})
	}
	return r.commit(ctx)
}

func (r *run) allReads(t *turn) bool {
	for _, c := range ours(t.calls) {
		if r.effect(c) != Read {
			return false
		}
	}
	return true
}

// inOrder commits each result together with the next intent: one commit a call. The
// last result is committed while the model is asked. A call whose outcome is not known
// holds up those behind it: they may rest on it.
func (r *run) inOrder(ctx context.Context, t *turn) (*Outcome, error) {
	for _, c := range ours(t.unanswered()) {
		outcome, err := r.make(ctx, t, c)
		if outcome != nil || err != nil {
			return outcome, err
		}
	}
	return nil, ctx.Err()
}

// sideBySide makes reads while their intents, and the answer that asked for them, are made
// durable: they change nothing. Nothing is done with what they gave before that has landed,
// and their results are committed while the model is asked. What did not come back, because
// the run is being stopped or the server is gone, is called again later.
//
// Those that people have to agree to wait for that together, when all others have come back.
func (r *run) sideBySide(ctx context.Context, t *turn) (*Outcome, error) {
	var begun []*call
	for _, c := range ours(t.unanswered()) {
		held, err := r.held(ctx, t, c)
		if err != nil {
			return nil, err
		}
		if !held && ctx.Err() == nil && r.begin(ctx, t, c) {
			begun = append(begun, c)
		}
	}
	if err := r.callBeside(ctx, t, begun); err != nil {
		return nil, err
	}
	if waiting := slices.DeleteFunc(ours(t.unanswered()), func(c *call) bool { return !c.pending() }); len(waiting) > 0 {
		return r.history.awaiting(waiting, r.options.Now()), nil
	}
	return nil, nil
}

// callBeside makes reads that have an intent each, and notes what came of them.
func (r *run) callBeside(ctx context.Context, t *turn, begun []*call) error {
	if err := r.intendBeside(ctx, begun); err != nil {
		return err
	}
	results, errs := r.reads(ctx, t, begun)
	early := r.writing != nil && !r.writing.isDone()
	if err := r.landed(); err != nil {
		return err
	}
	if early {
		r.readAgain(ctx, t, begun, results, errs)
	}
	for i, c := range begun {
		approval := new(needed)
		switch {
		case errs[i] == nil:
			r.note(EntryResult, results[i])
		case errors.As(errs[i], &approval):
			r.asked(t, c, approval)
			errs[i] = nil
		}
	}
	return errors.Join(ctx.Err(), errors.Join(errs...))
}

// reads makes calls side by side.
func (r *run) reads(ctx context.Context, t *turn, calls []*call) ([]Result, []error) {
	results, errs := make([]Result, len(calls)), make([]error, len(calls))
	var all sync.WaitGroup
	places := make(chan struct{}, r.options.Concurrency)
	for i, c := range calls {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			results[i], errs[i] = r.call(ctx, t, c)
		})
	}
	all.Wait()
	return results, errs
}

// readAgain makes those reads again that came to a fault before the journal took their
// intents: it may have waited for a store that was away, which they had no use of either.
func (r *run) readAgain(ctx context.Context, t *turn, calls []*call, results []Result, errs []error) {
	var faulty []*call
	var places []int
	for i, c := range calls {
		if errs[i] == nil && c.fault {
			faulty, places = append(faulty, c), append(places, i)
		}
	}
	again, failed := r.reads(ctx, t, faulty)
	for n, i := range places {
		results[i], errs[i] = again[n], failed[n]
	}
}
