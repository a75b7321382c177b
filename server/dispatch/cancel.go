package dispatch

import (
	"context"
	"errors"
	"time"

	"drawbridge/bridge"
)

// Cancel has a run cancelled, whatever it is doing. One that nobody carries has ended
// when Cancel returns, and the state is Cancelled. One under way is stopped, wherever
// it is carried: reads are broken off, a call that changes something is waited for
// and journaled, then it ends; the state is Running, as it is if a worker has taken
// the run up at this moment to end it. A run that has ended gives its state and
// [ErrEnded].
func (d *Dispatcher) Cancel(ctx context.Context, run, why string) (State, error) {
	state, err := d.store.RequestCancel(ctx, run, why)
	switch {
	case err != nil || state == Running:
		return state, err
	case state == Cancelled:
		d.lookAgain(ctx, run)
		return state, nil
	}
	// It owes a callback, which is made here: whoever claims the run ends it.
	begun := d.mono()
	claimed, _, err := d.store.ClaimRun(ctx, run, LeaseFor)
	switch {
	case errors.Is(err, ErrEnded):
		return Cancelled, nil
	case err != nil:
		return state, err
	case claimed == nil:
		return Running, nil
	}
	d.pool(RunJob, 1, nil).carryOne(context.WithoutCancel(ctx), work{run, func(h *hold) { d.carry(d.take(h.ctx, *claimed), h) }, begun})
	return Cancelled, nil
}

// lookAgain tells those who listen to a run that the store has changed.
func (d *Dispatcher) lookAgain(ctx context.Context, run string) {
	t := d.transcript(run)
	if t == nil {
		return
	}
	if err := d.lookUp(context.WithoutCancel(ctx), t); err != nil {
		d.o.Log.Error("telling of the end of a run", "run", run, "err", err) // who listens looks again soon
	}
}

// stopped is why a run's context has ended: somebody wants it cancelled.
type stopped struct{ why string }

func (s *stopped) Error() string { return "to be cancelled: " + s.why }

// watchCancels stops the runs carried here that are to be cancelled, whoever asked
// for it in whatever process.
func (d *Dispatcher) watchCancels(ctx context.Context) {
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-d.store.Wake(Cancels):
		case <-again.C:
		case <-ctx.Done():
			return
		}
		if !d.stopCancelled(ctx) {
			again.Reset(faultPause)
		}
	}
}

// stopCancelled stops what is to be cancelled. It reports false if there is more: a
// run that is just being taken, or is carried elsewhere.
func (d *Dispatcher) stopCancelled(ctx context.Context) bool {
	asked, err := d.store.CancelRequests(ctx)
	if err != nil && ctx.Err() == nil {
		d.o.Log.Error("looking for runs to cancel", "err", err)
	}
	all := err == nil
	for _, a := range asked {
		t := d.transcript(a.Run)
		all = t != nil && t.stop(&stopped{a.Why}) && all
	}
	return all
}

// stop ends the contexts of whoever carries the run; false if nobody does.
func (t *transcript) stop(cause error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range t.lives {
		l.stop(cause)
	}
	return len(t.lives) > 0
}

// cancelled ends a run that somebody wants cancelled.
func (d *Dispatcher) cancelled(ctx context.Context, l *life, why string) error {
	entries, err := d.store.Entries(ctx, l.Run.ID)
	if err != nil {
		return err
	}
	outcome, err := bridge.Cancel(l.Run.ID, entries, why)
	if err != nil {
		return d.fault(ctx, l, bridge.Outcome{Reason: "fault", Answer: err.Error()})
	}
	return d.finish(ctx, l, Cancelled, outcome)
}
