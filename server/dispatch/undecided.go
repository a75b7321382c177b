package dispatch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"drawbridge/bridge"
)

// Points of a run's end, beside those of the bridge.
const (
	AfterClaim   bridge.Point = "after_claim"   // a worker has the run, and has not looked at it
	BeforeFinish bridge.Point = "before_finish" // the end is known, and not on disk
	AfterFinish  bridge.Point = "after_finish"  // it is
)

func (d *Dispatcher) reached(p bridge.Point) {
	if d.o.Reached != nil {
		d.o.Reached(p)
	}
}

// Undecided reports whether the run waits for a person to say what became of a call.
func (r Run) Undecided() bool { return r.State == Waiting && r.Reason == string(bridge.OutcomeOpen) }

// untilDecided is when a run is due that waits for a person: never.
var untilDecided time.Time

// awaitPerson parks a run of which nobody knows what became of a call, until somebody
// has decided. It holds no worker and has no job. The exchange, if it is one, is over:
// nobody can say how long that takes.
func (d *Dispatcher) awaitPerson(ctx context.Context, l *life, outcome bridge.Outcome) error {
	entries, err := d.store.Entries(ctx, l.Run.ID)
	if err != nil {
		return err
	}
	calls, err := bridge.Unknown(l.Run.ID, entries)
	if err != nil {
		return err
	}
	if err := d.store.Park(ctx, l.Lease, untilDecided, string(outcome.Reason), l.Run.Attempts); err != nil {
		return err
	}
	for _, c := range calls {
		d.o.Log.Warn("run waits for a person: nobody knows whether a call took effect", "run", l.Run.ID, "agent", l.Run.Agent, "call", c.Call, "tool", c.Tool,
			"key", c.Key, "made", c.Made, "why", c.Why, "looked_up", c.LookedUp)
	}
	outcome.Answer = InDoubt(l.Run.ID, calls)
	l.transcript.ended(l, ExchangeEnd{State: Waiting, Outcome: outcome})
	return nil
}

// undecidedEnd is the end of an exchange whose run waits for a person. It is none if
// somebody has decided meanwhile.
func undecidedEnd(run string, entries []bridge.Entry) (end ExchangeEnd, ended bool, err error) {
	calls, err := bridge.Unknown(run, entries)
	if err != nil || len(calls) == 0 {
		return end, false, err
	}
	used, err := bridge.UsageOf(run, entries)
	end = ExchangeEnd{State: Waiting, Outcome: bridge.Outcome{Status: bridge.Waiting, Reason: bridge.OutcomeOpen, Answer: InDoubt(run, calls), Usage: used}}
	return end, err == nil, err
}

// InDoubt says of which calls of a run nobody knows whether they took effect, and who
// can help, in words for whoever waits for the run.
func InDoubt(run string, calls []bridge.UnknownCall) string {
	names := make([]string, len(calls))
	for i, c := range calls {
		names[i] = c.Tool
	}
	return fmt.Sprintf("It is not known whether this took effect: %s. A person has to look, and to decide: drawbridge runs resolve %s, or POST /v1/runs/%s/resolve.",
		strings.Join(names, ", "), run, run)
}

// Resolve has a run go on that waits for a person's word about a call.
//
// Errors: [ErrNotFound], [ErrEnded], [bridge.ErrNotUnknown], also if somebody was
// quicker, and those of [bridge.Decide].
func (d *Dispatcher) Resolve(ctx context.Context, run string, r bridge.Ruling) error {
	return Resolve(ctx, d.store, run, r, d.o.Now())
}

// Decisions is what Resolve needs of a store.
type Decisions interface {
	Run(ctx context.Context, id string) (Run, error)
	Entries(ctx context.Context, run string) ([]bridge.Entry, error)
	Decide(ctx context.Context, run string, entries []bridge.Entry, ready bool) error
}

// Resolve is [Dispatcher.Resolve] for a process that carries no runs.
func Resolve(ctx context.Context, store Decisions, id string, r bridge.Ruling, now time.Time) error {
	run, err := store.Run(ctx, id)
	switch {
	case err != nil:
		return err
	case run.State.Ended():
		return fmt.Errorf("run %q: %w", id, ErrEnded)
	case !run.Undecided() || run.Cancel != "":
		return fmt.Errorf("run %q: %w", id, bridge.ErrNotUnknown)
	}
	entries, err := store.Entries(ctx, id)
	if err != nil {
		return err
	}
	added, ready, err := bridge.Decide(id, entries, r, now)
	if err != nil {
		return err
	}
	return store.Decide(ctx, id, added, ready)
}
