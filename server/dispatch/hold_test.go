package dispatch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/bridge"
)

// holdOne has a pool with one piece of work under way, and gives its hold. release ends it.
func holdOne(t *testing.T, q *memoryQueue, p *pool) (h *hold, release func()) {
	t.Helper()
	ended := make(chan struct{})
	q.do = func(context.Context, string) { <-ended }
	q.add(time.Now(), "run_1")
	stop := start(t, p)
	held := p.holding()
	if len(held) != 1 {
		t.Fatalf("%d pieces of work are held, want 1", len(held))
	}
	return held[0], func() {
		close(ended)
		stop()
	}
}

func (q *memoryQueue) set(lost []string, broken error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lost, q.broken = lost, broken
}

func TestWorkThatIsLostStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemoryQueue(nil)
		h, release := holdOne(t, q, q.pool(1))
		defer release()
		time.Sleep(RenewEvery + time.Second)
		if h.ctx.Err() != nil {
			t.Fatal("work whose lease was renewed was stopped")
		}
		q.set([]string{"run_1"}, nil)
		time.Sleep(RenewEvery)
		synctest.Wait()
		if !errors.Is(context.Cause(h.ctx), bridge.ErrFenced) || !errors.Is(h.still(t.Context()), bridge.ErrFenced) {
			t.Errorf("lost work goes on: %v", context.Cause(h.ctx))
		}
		renewals := len(q.renewed)
		time.Sleep(time.Minute)
		if len(q.renewed) != renewals {
			t.Error("what is lost is still renewed, for whoever has it")
		}
	})
}

func TestWorkClaimedAgainByTheSameProcessStopsWhoeverHadIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemoryQueue(nil)
		p := q.pool(2)
		h, release := holdOne(t, q, p)
		defer release()
		other := q.pool(1) // as that of the runs that somebody listens to
		other.rivals, other.held, other.freed = p.rivals, map[*hold]bool{}, make(chan struct{}, 1)
		second := other.take(t.Context(), work{ref: "run_1", since: time.Now()})
		if !h.lost() || h.ctx.Err() == nil || second.lost() {
			t.Errorf("the first goes on: %v; the second is lost: %v", h.ctx.Err() == nil, second.lost())
		}
		other.drop(second)
	})
}

// RUN-03: a process that was stopped for longer than its lease asks whether it still has
// the work before it does anything that cannot be taken back.
func TestRUN03_WorkerThatStoodStillAsksBeforeItActs(t *testing.T) {
	for name, c := range map[string]struct {
		lost []string
		want error
	}{"nobody took it": {nil, nil}, "somebody did": {[]string{"run_1"}, bridge.ErrFenced}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var stood time.Duration // timers stand still with the process, and do not fire first
				q := newMemoryQueue(nil)
				p := q.pool(1)
				p.mono = func() time.Time { return time.Now().Add(stood) }
				h, release := holdOne(t, q, p)
				defer release()
				stood = LeaseFor - time.Nanosecond
				if err := h.still(t.Context()); err != nil || len(q.renewed) != 0 {
					t.Fatalf("within its lease: %v, after %d renewals", err, len(q.renewed))
				}
				q.set(c.lost, nil)
				stood = time.Minute
				if err := h.still(t.Context()); !errors.Is(err, c.want) || len(q.renewed) != 1 {
					t.Errorf("behind its lease: %v, after %d renewals; want %v after one", err, len(q.renewed), c.want)
				}
			})
		})
	}
}

func TestWorkerWaitsWithWhatItDoesWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemoryQueue(nil)
		h, release := holdOne(t, q, q.pool(1))
		defer release()
		q.set(nil, fmt.Errorf("renewing: %w", ErrAway))
		time.Sleep(30 * time.Second)
		if h.ctx.Err() != nil {
			t.Error("work that nobody else has was stopped")
		}
		begun := time.Now()
		time.AfterFunc(7*time.Second, func() { q.set(nil, nil) })
		if err := h.still(t.Context()); err != nil || time.Since(begun) < 7*time.Second {
			t.Errorf("went on after %v: %v; want to when the store is back", time.Since(begun), err)
		}
		q.set(nil, ErrAway)
		time.Sleep(30 * time.Second)
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := h.still(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("being stopped: %v, want the end of the context", err)
		}
	})
}
