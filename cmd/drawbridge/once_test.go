package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// leases are those of a store that several nodes use.
type leases struct {
	mu    sync.Mutex
	node  string
	until time.Time
}

// nodeLeases is the store as one node sees it.
type nodeLeases struct {
	*leases
	name string
	away bool
}

func (n *nodeLeases) Lead(_ context.Context, _ string, lease time.Duration) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.away {
		return false, errors.New("no connection")
	}
	if n.node != n.name && time.Now().Before(n.until) {
		return false, nil
	}
	n.node, n.until = n.name, time.Now().Add(lease)
	return true, nil
}

func (n *nodeLeases) StepDown(context.Context, string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.node == n.name && !n.away {
		n.until = time.Time{}
	}
	return nil
}

func TestWhatIsDoneOnceGoesOnOnOneNodeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &leases{}
		first, second := &nodeLeases{leases: shared, name: "first"}, &nodeLeases{leases: shared, name: "second"}
		var doing sync.Map
		start := func(n *nodeLeases) (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			task := onOneNode(n, "sweeping", func(ctx context.Context) {
				doing.Store(n.name, true)
				<-ctx.Done()
				doing.Delete(n.name)
			}, slog.New(slog.DiscardHandler))
			go func() {
				defer close(done)
				task(ctx)
			}()
			synctest.Wait()
			return func() {
				cancel()
				<-done
			}
		}
		want := func(when, name string) {
			t.Helper()
			synctest.Wait()
			doing.Range(func(k, _ any) bool {
				if k != name {
					t.Errorf("%s: %s is at it", when, k)
				}
				return true
			})
			if _, ok := doing.Load(name); !ok {
				t.Errorf("%s: %s is not at it", when, name)
			}
		}
		stopFirst := start(first)
		stopSecond := start(second)
		time.Sleep(time.Hour)
		want("both live", "first")

		shared.mu.Lock()
		first.away = true
		shared.mu.Unlock()
		time.Sleep(15 * time.Second)
		want("the first cannot reach the store", "second")

		shared.mu.Lock()
		first.away = false
		shared.mu.Unlock()
		time.Sleep(time.Minute)
		want("it can again", "second")

		stopSecond()
		time.Sleep(4 * time.Second)
		want("the second has ended", "first")
		stopFirst()
	})
}
