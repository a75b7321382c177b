package bridge

import (
	"context"
	"fmt"
	"slices"
)

// write is entries on their way to the disk.
type write struct {
	done   chan struct{} // closed when err may be read
	err    error
	untold []Event
}

func (w *write) isDone() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// commit makes what was noted durable, and tells of it. It does so for a run that is
// being stopped as well: what happened has happened.
func (r *run) commit(ctx context.Context) error {
	if err := r.landed(); err != nil || len(r.pending) == 0 {
		return err
	}
	r.set()(ctx)
	return r.landed()
}

// commitBeside begins to make results, or the brief, durable, and returns: the model is
// asked about them meanwhile, which changes nothing. Whatever comes of that is not used,
// nor told to anybody, before landed has returned nil. failed is called if it cannot.
// Answers of the model are waited for: no crash of this process may have one asked for
// again. (But see intendBeside.)
func (r *run) commitBeside(ctx context.Context, failed func()) error {
	if !r.task.Beside || slices.ContainsFunc(r.pending, func(e Entry) bool { return e.Kind != EntryResult && e.Kind != EntryBrief }) {
		return r.commit(ctx)
	}
	if err := r.landed(); err != nil || len(r.pending) == 0 {
		return err
	}
	write := r.set()
	go func() {
		if write(ctx) != nil {
			failed()
		}
	}()
	return nil
}

// intendBeside begins to make the intents of reads durable, and returns: the reads may be
// made meanwhile.
func (r *run) intendBeside(ctx context.Context, reads []*call) error {
	if !r.task.Beside || len(reads) == 0 {
		return r.commit(ctx)
	}
	if err := r.landed(); err != nil || len(r.pending) == 0 {
		return err
	}
	write := r.set()
	go func() { _ = write(ctx) }() // landed gives its error
	return nil
}

// set takes what was noted, and gives what writes it.
func (r *run) set() func(context.Context) error {
	w, entries := &write{done: make(chan struct{}), untold: r.untold}, r.pending
	r.writing, r.pending, r.untold = w, nil, nil
	return func(ctx context.Context) error {
		defer close(w.done)
		r.pass(entries, BeforeIntent, BeforeResult)
		w.err = r.task.Journal.Append(context.WithoutCancel(ctx), r.task.Lease, entries...)
		if w.err == nil {
			r.pass(entries, AfterIntent, AfterResult)
		}
		return w.err
	}
}

// pass tells of the points that a commit of intents, or of results, comes to.
func (r *run) pass(entries []Entry, intent, result Point) {
	if r.options.Reached == nil {
		return
	}
	for _, e := range entries {
		switch e.Kind {
		case EntryIntent:
			r.reached(intent)
		case EntryResult:
			r.reached(result)
		}
	}
}

// landed waits until what is on its way is durable, and tells of it. After an error
// nothing more is written.
func (r *run) landed() error {
	w := r.writing
	if w == nil {
		return r.broken
	}
	<-w.done
	r.writing = nil
	if w.err != nil {
		r.broken = fmt.Errorf("journaling: %w", w.err)
		return r.broken
	}
	for _, event := range w.untold {
		r.tell(event)
	}
	return nil
}

// unwritten is an outcome with what is left to be written before it.
func (r *run) unwritten(o Outcome) Outcome {
	untold := r.untold
	o.entries, o.tell = r.pending, func() {
		for _, event := range untold {
			r.tell(event)
		}
	}
	r.pending, r.untold = nil, nil
	return o
}
