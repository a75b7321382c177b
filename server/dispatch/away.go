package dispatch

import (
	"context"
	"errors"
	"slices"
	"time"

	"drawbridge/bridge"
)

// ErrAway: the store cannot be reached at present. That is nobody's fault, and passes:
// whoever carries something waits for it. What was being written may have been.
var ErrAway = errors.New("the store is away")

// awayPause is how long somebody waits before the store is tried again.
const awayPause = 250 * time.Millisecond

// patiently does something in the store, again while that is away and ctx goes on.
func patiently(ctx context.Context, do func() error) error {
	for {
		err := do()
		if !errors.Is(err, ErrAway) || ctx.Err() != nil {
			return err
		}
		pause(ctx, awayPause)
	}
}

// appendPatiently journals entries. One who was cut off on the way looks whether they have
// come in when the store is back: an answer of the model that was paid for is not lost.
func (l *life) appendPatiently(ctx context.Context, lease bridge.Lease, entries []bridge.Entry) error {
	cutOff := false
	return patiently(l.ctx, func() error {
		err := l.journal.Append(ctx, lease, entries...)
		if cutOff && errors.Is(err, bridge.ErrFenced) {
			if there, lookErr := l.has(ctx, lease.Run, entries); there || lookErr != nil {
				return lookErr
			}
		}
		cutOff = cutOff || errors.Is(err, ErrAway)
		return err
	})
}

// has reports whether the journal ends with these very entries.
func (l *life) has(ctx context.Context, run string, entries []bridge.Entry) (bool, error) {
	all, err := l.journal.Entries(ctx, run)
	if err != nil || len(all) < len(entries) {
		return false, err
	}
	return slices.EqualFunc(all[len(all)-len(entries):], entries, func(a, b bridge.Entry) bool {
		return a.Seq == b.Seq && a.Kind == b.Kind && a.At.UnixMilli() == b.At.UnixMilli() && string(a.Body) == string(b.Body)
	}), nil
}

// finishPatiently ends a run, whose last answer is in no journal yet.
func (d *Dispatcher) finishPatiently(ctx context.Context, l *life, end Ending) error {
	cutOff := false
	return patiently(l.ctx, func() error {
		err := d.store.Finish(ctx, l.Lease, end)
		if cutOff && errors.Is(err, bridge.ErrFenced) {
			run, lookErr := d.store.Run(ctx, l.Run.ID)
			if lookErr != nil || run.State == end.State && run.FinishedAt.UnixMilli() == end.At.UnixMilli() {
				return lookErr
			}
		}
		cutOff = cutOff || errors.Is(err, ErrAway)
		return err
	})
}
