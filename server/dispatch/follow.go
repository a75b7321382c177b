package dispatch

import (
	"context"

	"drawbridge/bridge"
)

// Await gives a run as soon as it fits, wherever it is carried. Until then nothing is
// looked at but when the store tells of a change. When ctx ends, or this process is
// being stopped ([ErrStopping]), it gives the run as it stands, with that error.
func (d *Dispatcher) Await(ctx context.Context, id string, fits func(Run) bool) (Run, error) {
	changed, stop := d.store.Watch(id)
	defer stop()
	for {
		run, err := d.store.Run(ctx, id)
		if err != nil || fits(run) {
			return run, err
		}
		if err := d.asleep(ctx, changed); err != nil {
			return run, err
		}
	}
}

// asleep sleeps until a run that is watched may have changed.
func (d *Dispatcher) asleep(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.live.stopped:
		return ErrStopping
	}
}

// Following is a place in a run's journal, which is read as it grows, wherever the run
// is carried. It is for one goroutine.
type Following struct {
	d       *Dispatcher
	run     string
	seq     int64 // of the last entry that was given
	changed <-chan struct{}
	stop    func()

	looked bool
	state  State // as they were given last
	reason string
}

// FollowJournal follows the journal of a run behind one of its entries; 0 is before the
// first. Leave has to be called when nobody calls Next any more.
func (d *Dispatcher) FollowJournal(run string, behind int64) *Following {
	f := &Following{d: d, run: run, seq: behind}
	f.changed, f.stop = d.store.Watch(run)
	return f
}

// Next gives the entries that were not given yet, and the run as it stands: at once
// when it is called first, then when there are entries or the run stands otherwise. Of
// a run that has ended it gives the last entries together with that end. The end of
// ctx, and [ErrStopping], change nothing: Next may be called again.
func (f *Following) Next(ctx context.Context) (Run, []bridge.Entry, error) {
	for {
		// The run first: what ends it is in the journal by then.
		run, err := f.d.store.Run(ctx, f.run)
		if err != nil {
			return run, nil, err
		}
		entries, err := f.d.store.EntriesAfter(ctx, f.run, f.seq)
		if err != nil {
			return run, nil, err
		}
		if !f.looked || len(entries) > 0 || run.State != f.state || run.Reason != f.reason {
			f.looked, f.state, f.reason = true, run.State, run.Reason
			if n := len(entries); n > 0 {
				f.seq = entries[n-1].Seq
			}
			return run, entries, nil
		}
		if err := f.d.asleep(ctx, f.changed); err != nil {
			return run, nil, err
		}
	}
}

// Leave ends the following.
func (f *Following) Leave() { f.stop() }
