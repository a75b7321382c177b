package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// engine is a job engine that calls when it is told to.
type engine struct {
	workers map[Kind]Worker
	ready   chan struct{}
	calls   sync.WaitGroup
}

func (e *engine) Work(ctx context.Context, workers map[Kind]Worker, _ *slog.Logger) {
	e.workers = workers
	close(e.ready)
	<-ctx.Done()
	e.calls.Wait()
}

// calling starts a pool that an engine calls; stop waits for its end.
func calling(t *testing.T, p *pool) (e *engine, stop func()) {
	t.Helper()
	e = &engine{ready: make(chan struct{})}
	d := &Dispatcher{o: Options{Jobs: e}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.workCalled(ctx, []*pool{p.with(context.WithoutCancel(ctx))})
	}()
	<-e.ready
	return e, func() {
		cancel()
		<-done
	}
}

func TestCalledPoolCarriesOneForEachCallAndLooksForNothingItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done []string
		q := newMemoryQueue(func(_ context.Context, ref string) { done = append(done, ref) })
		q.add(time.Now(), "run_1", "run_2")
		e, stop := calling(t, q.pool(4))
		time.Sleep(time.Hour)
		if q.asked() != 0 || e.workers[RunJob].Slots != 4 {
			t.Errorf("asked the queue %d times before it was called; %d slots", q.asked(), e.workers[RunJob].Slots)
		}
		for range 3 {
			if err := e.workers[RunJob].Do(); err != nil {
				t.Error(err)
			}
		}
		if len(done) != 2 || q.looks != 0 {
			t.Errorf("carried %v in three calls, after %d looks at what is due; want two, one a call", done, q.looks)
		}
		stop()
		if err := e.workers[RunJob].Do(); !errors.Is(err, ErrStopping) {
			t.Errorf("called while it stops: %v, want that somebody else is to be called", err)
		}
	})
}

func TestCalledPoolKeepsLeasesAndWaitsForItsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		q := newMemoryQueue(func(context.Context, string) {
			time.Sleep(7 * time.Second)
			ended = true
		})
		q.add(time.Now(), "run_1")
		e, stop := calling(t, q.pool(4))
		e.calls.Go(func() { _ = e.workers[RunJob].Do() })
		synctest.Wait()
		stop()
		if diff := cmp.Diff([]string{"3s run [run_1] for 10s", "6s run [run_1] for 10s"}, q.renewed); diff != "" || !ended {
			t.Errorf("ended: %v; renewed (-want +got):\n%s", ended, diff)
		}
	})
}

// What waits for others may be due and not to be claimed: whoever was called for it then
// found nothing, and is not called again.
func TestCalledPoolGoesOnWithWhatBecamePossible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done, ends := make(chan string, 3), make(chan struct{})
		q := newMemoryQueue(func(_ context.Context, ref string) {
			<-ends
			done <- ref
		})
		p := q.pool(4)
		var busy atomic.Bool // an endpoint that takes one at a time
		p.claim = func(ctx context.Context, _ int) ([]work, error) {
			if busy.Swap(true) {
				return nil, nil
			}
			claimed, err := q.claim(ctx, 1)
			for i, w := range claimed {
				claimed[i].do = func(h *hold) {
					w.do(h)
					busy.Store(false)
				}
			}
			return claimed, err
		}
		p.next = func(context.Context) (time.Time, bool, error) { return time.Time{}, false, nil }
		q.add(time.Now(), "msg_1", "msg_2", "msg_3")
		e, stop := calling(t, p)
		for range 3 {
			e.calls.Go(func() { _ = e.workers[RunJob].Do() })
		}
		synctest.Wait()
		close(ends)
		synctest.Wait()
		if len(done) != 3 {
			t.Errorf("%d of three messages were sent", len(done))
		}
		stop()
	})
}

func TestClaimsOfManyCallsAreFewTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var carried atomic.Int64
		q := newMemoryQueue(func(context.Context, string) { carried.Add(1) })
		q.add(time.Now(), refs(40)...)
		p := q.pool(50)
		p.claim = func(ctx context.Context, limit int) ([]work, error) {
			time.Sleep(10 * time.Millisecond) // as a transaction takes
			return q.claim(ctx, limit)
		}
		e, stop := calling(t, p)
		for range 40 {
			e.calls.Go(func() {
				if err := e.workers[RunJob].Do(); err != nil {
					t.Error(err)
				}
			})
		}
		e.calls.Wait()
		stop()
		if carried.Load() != 40 || len(q.limits) > 3 {
			t.Errorf("carried %d with claims of %v; want 40 with two or three claims", carried.Load(), q.limits)
		}
	})
}

func TestFaultOfAClaimIsToldToWhoeverCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemoryQueue(nil)
		q.broken = ErrAway
		e, stop := calling(t, q.pool(1))
		if err := e.workers[RunJob].Do(); !errors.Is(err, ErrAway) {
			t.Errorf("claiming from a store that is away: %v", err)
		}
		stop()
	})
}
