package sqlite

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// opQueue holds the operations that wait for the next commit.
type opQueue struct {
	mu      sync.Mutex
	waiting []*operation
	want    int           // the writer sleeps until so many wait; 0: it is awake
	wake    chan struct{} // it is not to sleep any longer
	timer   *time.Timer
	closed  bool
}

func newOpQueue() opQueue {
	timer := time.NewTimer(0)
	timer.Stop()
	return opQueue{wake: make(chan struct{}, 1), timer: timer}
}

// add puts an operation into the queue; false if it is closed.
func (q *opQueue) add(op *operation) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.waiting = append(q.waiting, op)
	if q.want > 0 && len(q.waiting) >= q.want {
		q.rouse()
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
	q.rouse()
}

// rouse wakes the writer. The caller holds the lock.
func (q *opQueue) rouse() {
	q.want = 0
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *opQueue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// take waits for operations and gives those there are, up to maxBatch, in their order.
// None means that the queue is closed and empty.
func (q *opQueue) take(batch []*operation, c *crowd) []*operation {
	for {
		q.await(1, 0)
		if expected := c.expected(); expected > 0 {
			c.came(q.await(expected, c.patience))
		} else {
			runtime.Gosched() // let those who are about to write join
		}
		var over bool
		if batch, over = q.drain(batch); len(batch) > 0 || over {
			return batch
		}
		// Those who waited have taken their operations back.
	}
}

// drain takes what is there, up to maxBatch. over: nothing more will come.
func (q *opQueue) drain(batch []*operation) (all []*operation, over bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxBatch)
	batch = append(batch, q.waiting[:n]...)
	left := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[left:])
	q.waiting = q.waiting[:left]
	return batch, q.closed && left == 0
}

// await sleeps until so many wait, the queue is closed, or the time is over; 0 is
// without an end. It gives how many wait then.
func (q *opQueue) await(want int, most time.Duration) int {
	var over <-chan time.Time
	for {
		q.mu.Lock()
		if n := len(q.waiting); n >= want || q.closed {
			q.want = 0
			q.mu.Unlock()
			return n
		}
		q.want = want
		q.mu.Unlock()
		if most > 0 && over == nil {
			q.timer.Reset(most)
			over = q.timer.C
			defer q.timer.Stop()
		}
		select {
		case <-q.wake:
		case <-over:
			want = 1
		}
	}
}

// crowd says how many operations are worth waiting for. Under load those who were just
// answered come back at once, and a commit of a few costs nearly what one of many does:
// pages, system calls and the fsync are shared. Half of them is best: while these are
// written, the other half is at the handlers. (At 64 senders on two cores: 10 % fewer
// cycles an accept, and as much more throughput; all of them gave nothing, as then one
// half of the machine waits for the other.)
type crowd struct {
	size     int           // how many took part of late
	patience time.Duration // the longest wait for them
}

const (
	// loneliest is the smallest crowd: fewer are never waited for, so that nobody who
	// writes alone, or beside a few, is slower for it.
	loneliest = 16
	// longestWait bounds the wait, which is no longer than a commit takes.
	longestWait = 2 * time.Millisecond
)

// expected is how many to wait for; 0: nobody.
func (c *crowd) expected() int {
	if c.size < loneliest {
		return 0
	}
	return min(c.size/2, maxBatch)
}

// came learns how many the wait brought.
func (c *crowd) came(n int) {
	if n < c.size/2 {
		c.size = 2 * n
	}
}

// committed learns from a commit: how many took part or wait for the next, and what
// it took.
func (c *crowd) committed(n int, took time.Duration) {
	c.size = max(n, c.size*3/4)
	c.patience = min((c.patience*7+took)/8, longestWait)
}
