package sqlite

import (
	"runtime"
	"slices"
	"sync"
)

// opQueue holds the operations that wait for the next commit. It is no channel, because
// whoever does not wait any longer takes its operation out again: a disk that is stuck
// would otherwise fill memory with what nobody waits for.
type opQueue struct {
	mu      sync.Mutex
	some    sync.Cond // there are operations, or the queue is closed
	waiting []*operation
	closed  bool
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
	if len(q.waiting) == 1 {
		q.some.Signal()
	}
	return true
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
	return batch, !q.closed || len(q.waiting) > 0
}

func (q *opQueue) await() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.closed {
		q.some.Wait()
	}
}
