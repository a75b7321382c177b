package sqlite

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

// opQueue holds the operations that wait for the next commit. It is no channel, because
// whoever does not wait any longer takes its operation out again: a disk that is stuck
// would otherwise fill memory with what nobody waits for.
//
// Operations that are spooled have nobody waiting: they bide their time, but go with the
// first commit that there is, in their order.
type opQueue struct {
	mu      sync.Mutex
	some    sync.Cond // there is something to do, or the queue is closed
	waiting []*operation
	closed  bool

	spool   *spool
	spooled int         // how many of those that wait are
	due     bool        // they are to wait no longer
	rest    *time.Timer // runs while any of them wait, until due
}

func newOpQueue() *opQueue {
	q := &opQueue{}
	q.some.L = &q.mu
	return q
}

// add puts an operation into the queue; false if it is closed.
func (q *opQueue) add(op *operation) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.waiting = append(q.waiting, op)
	if len(q.waiting) == q.spooled+1 {
		q.some.Signal()
	}
	return true
}

// put puts an operation down in the spool, from which nobody takes it back; false if it
// cannot be, and has to be added.
func (q *opQueue) put(op *operation, payload func([]byte) []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	number, ok := q.spool.put(payload)
	if !ok {
		return false
	}
	op.number, op.spooled = number, true
	q.waiting = append(q.waiting, op)
	q.spooled++
	switch q.spooled {
	case 1:
		q.wait(spoolRest)
	case spoolRows:
		q.hurry()
	}
	return true
}

// wait has what is spooled wait so long.
func (q *opQueue) wait(rest time.Duration) {
	if q.rest == nil {
		q.rest = time.AfterFunc(rest, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.hurry()
		})
		return
	}
	q.rest.Reset(rest)
}

func (q *opQueue) hurry() {
	q.due = true
	q.some.Signal()
}

// giveBack has spooled operations carried out later, which could not be now: by the next
// process, if this one is about to end.
func (q *opQueue) giveBack(ops []*operation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.spooled += len(ops); q.closed {
		return
	}
	q.waiting = slices.Insert(q.waiting, 0, ops...)
	q.wait(spoolRetry)
}

// carried empties the spool if nothing of it is left to carry out.
func (q *opQueue) carried() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.spool != nil && q.spooled == 0 {
		q.spool.empty()
	}
}

// spoolTo opens the spool.
func (q *opQueue) spoolTo(s *spool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spool = s
}

// closeSpool closes the spool, and leaves no trace of it if nothing is in it.
func (q *opQueue) closeSpool(path string) error {
	if q.spool == nil {
		return nil
	}
	err := q.spool.close()
	if q.spool.size == 0 {
		err = errors.Join(err, os.Remove(path+spoolSuffix))
	}
	return err
}

// hasSpooled reports whether anything is in the spool: what is being carried out is, too.
func (q *opQueue) hasSpooled() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.spool != nil && q.spool.size > 0
}

// remove takes an operation back; false if it has been taken to be carried out.
func (q *opQueue) remove(op *operation) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, op)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// close lets nothing more in. What is in is still taken.
func (q *opQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.some.Signal()
}

func (q *opQueue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// take waits for operations and gives those there are, up to maxBatch, in their order;
// no more will come once the queue is closed and empty.
//
// It does not wait for more than there are, but lets those run who are ready to, as long as
// more come of it: on a busy machine a commit has half as many again then, on an idle one it
// costs nothing. Waiting by the clock was no better: half of those that took part in the last
// commit, for as long as a commit takes, made commits twice as full at 64 senders, and
// accepts no faster.
func (q *opQueue) take(batch []*operation) (ops []*operation, more bool) {
	q.await()
	for n, before := q.length(), 0; n > before && n < maxBatch/4; { // let those who are about to write join
		runtime.Gosched()
		n, before = q.length(), n
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxBatch)
	batch = append(batch, q.waiting[:n]...)
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.took(batch)
	return batch, !q.closed || len(q.waiting) > 0
}

// took notes which of the spooled operations are left.
func (q *opQueue) took(batch []*operation) {
	if q.spooled == 0 {
		return
	}
	for _, op := range batch {
		if op.alone() {
			q.spooled--
		}
	}
	if q.due = q.due && q.spooled > 0; q.spooled == 0 && q.rest != nil {
		q.rest.Stop()
	}
}

func (q *opQueue) await() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == q.spooled && !q.due && !q.closed {
		q.some.Wait()
	}
}
