package dispatch

import (
	"context"
	"encoding/json"
	"fmt"

	"drawbridge/bridge"
)

// lookUp brings the transcript of a run that nobody carries here up to what the store
// has of it.
func (d *Dispatcher) lookUp(ctx context.Context, t *transcript) error {
	seq, carried := t.known()
	if carried {
		return nil // it tells by itself
	}
	run, err := d.store.Run(ctx, t.run)
	if err != nil {
		return err
	}
	news, err := d.store.EntriesAfter(ctx, t.run, seq)
	if err != nil || len(news) == 0 && !over(run) {
		return err
	}
	entries := news
	if seq > 0 {
		if entries, err = d.store.Entries(ctx, t.run); err != nil {
			return err
		}
	}
	return t.lookedUp(run, entries)
}

// known is how much of the journal the transcript tells, and whether somebody who
// carries the run tells the rest.
func (t *transcript) known() (seq int64, carried bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seq, len(t.lives) > 0
}

// over reports whether nothing more comes of an exchange with the run, as it stands.
func over(run Run) bool {
	return run.State.Ended() || run.State == Waiting && run.Reason == string(bridge.ClientCalls) || run.AwaitsPeople()
}

// lookedUp takes over what the store has.
func (t *transcript) lookedUp(run Run, entries []bridge.Entry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lives) > 0 || int64(len(entries)) < t.seq {
		return nil // somebody has carried it since the store was read, and has told more
	}
	t.unsay()
	if err := t.learn(entries); err != nil {
		return err
	}
	end, ended, err := endOf(run, entries)
	if ended {
		t.close(end)
	}
	t.tell()
	return err
}

// endOf is how the last exchange of a run ended, if it did.
func endOf(run Run, entries []bridge.Entry) (end ExchangeEnd, ended bool, err error) {
	switch {
	case run.State.Ended():
		end.State = run.State
		if len(entries) > 0 {
			err = json.Unmarshal(entries[len(entries)-1].Body, &end.Outcome)
		}
		if err != nil {
			err = fmt.Errorf("reading the outcome of run %q: %w", run.ID, err)
		}
		return end, true, err
	case run.State == Waiting && run.Reason == string(bridge.ClientCalls):
		end, err = waitingEnd(run.ID, entries)
		return end, len(end.Calls) > 0, err // none: they were answered meanwhile
	case run.Undecided():
		return undecidedEnd(run.ID, entries)
	case run.AwaitsApproval():
		return approvalEnd(run.ID, entries)
	}
	return ExchangeEnd{}, false, nil
}
