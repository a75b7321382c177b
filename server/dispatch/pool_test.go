package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// memoryQueue hands out pieces of work from memory and notes what it is asked. It
// leases nothing: what was claimed is gone.
type memoryQueue struct {
	mu      sync.Mutex
	due     map[string]time.Time
	wake    chan struct{}
	do      func(ctx context.Context, ref string)
	broken  error // what claim and NextDue give, if set
	limits  []int // of the claims
	looks   int   // of NextDue
	renewed []string
	lost    []string // what renewals say is lost
	began   time.Time
}

func newMemoryQueue(do func(context.Context, string)) *memoryQueue {
	return &memoryQueue{due: map[string]time.Time{}, wake: make(chan struct{}, 1), do: do, began: time.Now()}
}

// pool is a pool over the queue, under the bubble's clock.
func (q *memoryQueue) pool(slots int) *pool {
	return &pool{kind: RunJob, slots: slots, queue: q, claim: q.claim, log: slog.New(slog.DiscardHandler), now: time.Now, mono: time.Now, rivals: newRivals()}
}

func (q *memoryQueue) Postpone(_ context.Context, _ Kind, ref string, until time.Time) error {
	q.add(until, ref)
	return nil
}

func (q *memoryQueue) add(at time.Time, refs ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, ref := range refs {
		q.due[ref] = at
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *memoryQueue) claim(_ context.Context, limit int) ([]work, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limits = append(q.limits, limit)
	if q.broken != nil {
		return nil, q.broken
	}
	var claimed []work
	for ref, at := range q.due {
		if !at.After(time.Now()) && len(claimed) < limit {
			delete(q.due, ref)
			claimed = append(claimed, work{ref: ref, do: func(h *hold) { q.do(h.ctx, ref) }})
		}
	}
	return claimed, nil
}

func (q *memoryQueue) NextDue(context.Context, Kind) (time.Time, bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.looks++
	earliest, found := time.Time{}, false
	for _, at := range q.due {
		if !found || at.Before(earliest) {
			earliest, found = at, true
		}
	}
	return earliest, found, q.broken
}

func (q *memoryQueue) Wake(Kind) <-chan struct{} { return q.wake }

func (q *memoryQueue) Renew(_ context.Context, kind Kind, refs []string, lease time.Duration) ([]string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	slices.Sort(refs)
	q.renewed = append(q.renewed, fmt.Sprintf("%v %s %v for %v", time.Since(q.began), kind, refs, lease))
	return q.lost, q.broken
}

// asked is how often the queue was asked for anything.
func (q *memoryQueue) asked() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.limits) + q.looks
}

// start runs a pool and gives what stops it and waits for its end.
func start(t *testing.T, p *pool) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.with(context.WithoutCancel(ctx)).run(ctx)
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-done
	}
}

func refs(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("run_%02d", i)
	}
	return all
}

func TestPoolClaimsAsMuchAsItHasSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, release := make(chan string, 10), make(chan struct{})
		q := newMemoryQueue(func(_ context.Context, ref string) {
			begun <- ref
			<-release
		})
		q.add(time.Now(), refs(10)...)
		stop := start(t, q.pool(3))
		for done := range 7 {
			if len(begun) != 3+done {
				t.Fatalf("%d pieces begun after %d ended, want %d", len(begun), done, 3+done)
			}
			release <- struct{}{}
			synctest.Wait()
		}
		close(release)
		stop()
		if len(begun) != 10 {
			t.Errorf("%d pieces were carried, want each of 10 once", len(begun))
		}
		if diff := cmp.Diff([]int{3, 1, 1, 1, 1, 1, 1, 1}, q.limits[:8]); diff != "" {
			t.Errorf("claimed as many as (-want +got):\n%s", diff)
		}
	})
}

func TestPoolSleepsUntilWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan string, 1)
		q := newMemoryQueue(func(_ context.Context, ref string) { done <- ref })
		stop := start(t, q.pool(3))
		before := q.asked()
		time.Sleep(1000 * time.Hour)
		if q.asked() != before {
			t.Errorf("asked the queue %d times while nobody woke it", q.asked()-before)
		}
		q.add(time.Now(), "run_1")
		<-done
		stop()
	})
}

// The wall clock goes on while the machine is suspended, or is set forward, and timers
// know nothing of it.
func TestPoolLooksAtTheClockAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		begun := time.Now()
		due, done := begun.Add(10*time.Hour), make(chan time.Duration, 1)
		p := newMemoryQueue(nil).pool(1)
		p.longest, p.now = time.Minute, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		p.next = func(context.Context) (time.Time, bool, error) { return due, !due.IsZero(), nil }
		p.claim = func(context.Context, int) ([]work, error) {
			if due.IsZero() || p.now().Before(due) {
				return nil, nil
			}
			due = time.Time{}
			return []work{{ref: "nightly", do: func(*hold) { done <- time.Since(begun) }}}, nil
		}
		stop := start(t, p)
		time.Sleep(90 * time.Second)
		ahead.Store(int64(10 * time.Hour))
		if at := <-done; at != 2*time.Minute {
			t.Errorf("worked after %v, want to have looked after two minutes", at)
		}
		stop()
	})
}

func TestPoolSleepsUntilTheEarliestIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var at []time.Duration
		q := newMemoryQueue(func(context.Context, string) { at = append(at, time.Since(begun)) })
		q.add(begun.Add(5*time.Hour), "run_late")
		q.add(begun.Add(time.Hour), "run_early")
		stop := start(t, q.pool(3))
		time.Sleep(2 * time.Hour)
		q.add(begun.Add(3*time.Hour), "run_between")
		time.Sleep(10 * time.Hour)
		stop()
		if diff := cmp.Diff([]time.Duration{time.Hour, 3 * time.Hour, 5 * time.Hour}, at); diff != "" {
			t.Errorf("worked at (-want +got):\n%s", diff)
		}
		if q.asked() > 20 {
			t.Errorf("asked the queue %d times for three pieces of work", q.asked())
		}
	})
}

func TestPoolRenewsWhatItHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemoryQueue(func(_ context.Context, ref string) {
			time.Sleep(map[string]time.Duration{"run_long": 10 * time.Second, "run_short": 4 * time.Second}[ref])
		})
		q.add(time.Now(), "run_long", "run_short")
		stop := start(t, q.pool(3))
		time.Sleep(time.Minute)
		stop()
		if diff := cmp.Diff([]string{"3s run [run_long run_short] for 10s", "6s run [run_long] for 10s", "9s run [run_long] for 10s"}, q.renewed); diff != "" {
			t.Errorf("renewed (-want +got):\n%s", diff)
		}
	})
}

func TestPoolPausesWhileTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan string, 1)
		q := newMemoryQueue(func(_ context.Context, ref string) { done <- ref })
		q.broken = errors.New("disk is full")
		q.add(time.Now(), "run_1")
		stop := start(t, q.pool(1))
		time.Sleep(10*time.Second + time.Millisecond)
		if n := q.asked(); n < 5 || n > 22 {
			t.Errorf("asked a failing store %d times in 10 s, want about one or two a second", n)
		}
		q.mu.Lock()
		q.broken = nil
		q.mu.Unlock()
		mended := time.Now()
		<-done
		if late := time.Since(mended); late > 2*faultPause {
			t.Errorf("went on %v after the store was mended", late)
		}
		stop()
	})
}

func TestPoolOutlivesAFailingRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		q := newMemoryQueue(nil)
		q.do = func(context.Context, string) {
			q.mu.Lock()
			q.broken = errors.New("disk is full")
			q.mu.Unlock()
			time.Sleep(10 * time.Second)
			ended = true
		}
		q.add(time.Now(), "run_1")
		start(t, q.pool(2))()
		if !ended || len(q.renewed) != 3 {
			t.Errorf("ended: %v; tried to renew %q, want three times", ended, q.renewed)
		}
	})
}

func TestPoolWaitsForWorkUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended []string
		q := newMemoryQueue(func(ctx context.Context, ref string) {
			time.Sleep(7 * time.Second)
			if ctx.Err() == nil {
				ended = append(ended, ref)
			}
		})
		q.add(time.Now(), "run_1")
		stop := start(t, q.pool(1))
		q.add(time.Now(), "run_2")
		stop()
		if diff := cmp.Diff([]string{"run_1"}, ended); diff != "" {
			t.Errorf("when it had stopped it had ended (-want +got):\n%s", diff)
		}
		if len(q.renewed) != 2 {
			t.Errorf("renewed %q while it stopped, want twice", q.renewed)
		}
	})
}

func TestPanicFreesItsSlotAndHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan string, 1)
		q := newMemoryQueue(func(_ context.Context, ref string) {
			if ref == "run_bad" {
				panic("no")
			}
			done <- ref
		})
		q.add(time.Now(), "run_bad")
		p := q.pool(1)
		stop := start(t, p)
		if p.busy() != 0 {
			t.Error("the slot is not free")
		}
		q.add(time.Now(), "run_good")
		<-done
		stop()
	})
}

// A worker that was stopped for longer than its lease finds its work claimed a
// second time, by its own pool. When the first, fenced, ends, the second still needs
// its lease.
func TestWorkClaimedTwiceIsHeldUntilBothEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := make(chan struct{}), make(chan struct{})
		ends := []chan struct{}{first, second}
		q := newMemoryQueue(nil)
		q.do = func(context.Context, string) {
			q.mu.Lock()
			mine := ends[0]
			ends = ends[1:]
			q.mu.Unlock()
			<-mine
		}
		q.add(time.Now(), "run_1")
		p := q.pool(3)
		stop := start(t, p)
		q.add(time.Now(), "run_1")
		synctest.Wait()
		if p.busy() != 2 {
			t.Errorf("%d slots are taken, want 2", p.busy())
		}
		close(first)
		synctest.Wait()
		if p.busy() != 1 {
			t.Errorf("%d slots are taken after the first ended, want 1", p.busy())
		}
		time.Sleep(RenewEvery)
		synctest.Wait()
		if diff := cmp.Diff([]string{"3s run [run_1] for 10s"}, q.renewed); diff != "" {
			t.Errorf("renewed (-want +got):\n%s", diff)
		}
		close(second)
		stop()
	})
}
