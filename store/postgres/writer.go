package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// ErrClosed: the store is closing; nothing was written.
var ErrClosed = errors.New("the store is closed")

const (
	// maxBatch bounds how many operations share a commit: other nodes wait for it.
	maxBatch = 64
	// mostTries is how often a transaction is carried out that met another one.
	mostTries = 5
	// metPause is half the longest pause before the second of them, and doubles with each.
	metPause = 5 * time.Millisecond
)

// operation is a write that somebody waits for.
type operation struct {
	fn  func(tx sqldb.Tx) error
	how state.How

	err    error
	result chan error // buffered: nobody waits for a caller
}

// writer carries out ordered operations. Those that queue up while others are committed
// share the next transaction.
type writer struct {
	db *DB

	mu      sync.Mutex
	waiting []*operation
	busy    bool // somebody takes what is waiting
	closed  bool
	working sync.WaitGroup // operations, keyed ones as well
}

// Write runs fn in an ordered transaction, and returns when the commit is on disk. A
// context that ends before fn has begun stops it; one that ends later does not, because
// the answer would be a guess. fn may be run several times, of which one counts.
func (d *DB) Write(ctx context.Context, fn func(tx sqldb.Tx) error) error {
	return d.Do(ctx, state.How{}, fn)
}

// Do is Write with a say in how.
func (d *DB) Do(ctx context.Context, how state.How, fn func(tx sqldb.Tx) error) error {
	op := &operation{fn: fn, how: how, result: make(chan error, 1)}
	if d.mode == state.ReadOnly {
		return fmt.Errorf("writing to %s: opened for reading only", d.place)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !d.writer.add(ctx, op) {
		return ErrClosed
	}
	select {
	case err := <-op.result: // whatever was added is answered
		return err
	case <-ctx.Done():
	}
	if d.writer.remove(op) {
		return ctx.Err()
	}
	if op.how.Impatient {
		return fmt.Errorf("waiting for a commit that is under way: %w", ctx.Err())
	}
	return <-op.result
}

// add has an operation carried out; false if no more are.
func (w *writer) add(ctx context.Context, op *operation) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	if op.how.Keyed {
		w.working.Go(func() { w.alone(ctx, op) })
		return true
	}
	if w.waiting = append(w.waiting, op); !w.busy {
		w.busy = true
		w.working.Go(w.drain)
	}
	return true
}

// remove takes an operation back; false if it has been taken to be carried out.
func (w *writer) remove(op *operation) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.waiting, op)
	if i < 0 {
		return false
	}
	w.waiting = slices.Delete(w.waiting, i, i+1)
	return true
}

// close lets nothing more in, and waits for what is in.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.working.Wait()
}

// drain carries out what is waiting, until there is nothing.
func (w *writer) drain() {
	for {
		batch := w.take()
		if len(batch) == 0 {
			return
		}
		w.carry(batch)
	}
}

func (w *writer) take() []*operation {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.waiting), maxBatch)
	batch := slices.Clone(w.waiting[:n])
	w.waiting = slices.Delete(w.waiting, 0, n)
	w.busy = n > 0
	return batch
}

// carry commits a batch in one transaction. If one of them spoils it, nothing has
// happened: each is carried out in its own then.
func (w *writer) carry(batch []*operation) {
	err := w.db.commit(context.Background(), batch)
	if spoilt := (*spoiltError)(nil); len(batch) > 1 && errors.As(err, &spoilt) {
		for _, op := range batch {
			w.carry([]*operation{op})
		}
		return
	}
	answer(batch, err)
}

// alone carries out a keyed operation. Whoever asked may give up while it waits for a
// connection.
func (w *writer) alone(ctx context.Context, op *operation) {
	batch := []*operation{op}
	answer(batch, w.db.commit(ctx, batch))
}

func answer(batch []*operation, err error) {
	err = passing(err)
	for _, op := range batch {
		if err != nil {
			op.err = err
		}
		op.result <- passing(op.err)
	}
}

// spoiltError: an operation failed so that the transaction was lost with it.
type spoiltError struct{ err error }

func (e *spoiltError) Error() string { return e.err.Error() }
func (e *spoiltError) Unwrap() error { return e.err }

// commit carries a batch out, again if it met another transaction on the way or its
// connection was dead. The commit itself is asked for once.
func (d *DB) commit(ctx context.Context, batch []*operation) error {
	for try := 1; ; try++ {
		committing, err := d.transact(ctx, batch)
		if err == nil || committing || try == mostTries {
			return err
		}
		var connect *connectError
		switch code := codeOf(err); {
		case errors.As(err, &connect):
			return err
		case code == serializationFailure || code == deadlockDetected:
			// The other one is about to go on, or was undone as well and is back at once.
			time.Sleep(rand.N(metPause << try))
		case code == uniqueViolation && try == 1:
			// Somebody else may have written the key since it looked: let it look again.
		case cutCodes[code] || code == "" && lost(err):
			// The commit was not asked for, so nothing has happened.
		default:
			return err
		}
	}
}

// transact runs the operations of a batch in a transaction. committing: the commit has
// been asked for, and whether it happened is not known.
func (d *DB) transact(ctx context.Context, batch []*operation) (committing bool, err error) {
	relaxed := !slices.ContainsFunc(batch, func(op *operation) bool { return !op.how.Relaxed })
	s, err := d.begin(ctx, !batch[0].how.Keyed, relaxed)
	if err != nil {
		return false, err
	}
	for _, op := range batch {
		if err := d.rehearse(s, op); err != nil {
			s.rollback()
			return false, err
		}
		s.changed = false
		before := len(s.due)
		if op.err = s.run(op.fn); op.err != nil {
			s.due = s.due[:before]
		}
		if op.err != nil && (s.changed || s.broken()) {
			s.rollback()
			return false, &spoiltError{op.err}
		}
	}
	if err := d.wakes.add(s.ctx, s.tx, s.due); err != nil {
		s.rollback()
		return false, err
	}
	unknown, err := s.commit()
	switch {
	case err == nil:
		return false, nil
	case unknown:
		return true, fmt.Errorf("committing: %w", err)
	}
	return false, &spoiltError{fmt.Errorf("committing: %w", err)}
}

// rehearse runs an operation and undoes it, where tests want to see that it can be run
// again.
func (d *DB) rehearse(s *session, op *operation) error {
	if !d.twice {
		return nil
	}
	if _, err := s.tx.Exec(s.ctx, "SAVEPOINT rehearsal"); err != nil {
		return err
	}
	_ = s.run(op.fn)
	_ = s.flush() // what goes wrong here goes wrong again
	s.due, s.failed = nil, nil
	_, err := s.tx.Exec(s.ctx, "ROLLBACK TO rehearsal")
	return err
}
