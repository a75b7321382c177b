package auth_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/server/auth"
)

// counter lets in what its limit of requests under way allows, and notes what it is asked.
type counter struct {
	mu        sync.Mutex
	underWay  map[string]time.Time
	left      float64
	broken    error
	prolonged int
}

func (c *counter) Admit(_ context.Context, r auth.Request) (auth.Admission, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return auth.Admission{}, c.broken
	}
	a := auth.Admission{UnderWay: len(c.underWay), Left: c.left}
	if a.In = a.UnderWay < r.Limit.Concurrent && c.left >= 1; a.In {
		c.underWay[r.ID] = r.Until
		a.Left--
	}
	return a, nil
}

func (c *counter) Prolong(_ context.Context, ids []string, until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prolonged++
	for _, id := range ids {
		c.underWay[id] = until
	}
	return nil
}

func (c *counter) Dismiss(_ context.Context, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.underWay, id)
	return nil
}

// standing is how a counter stands.
type standing struct {
	underWay  map[string]time.Time
	prolonged int
}

func (c *counter) look() standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return standing{maps.Clone(c.underWay), c.prolonged}
}

func (c *counter) set(left float64, broken error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left, c.broken = left, broken
}

func TestSharedLimitsAreTheCountersToSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{underWay: map[string]time.Time{}, left: 5}
		limits := auth.NewSharedLimits(auth.Limit{}, nil, c)
		ctx, stop := context.WithCancel(t.Context())
		go limits.Keep(ctx)
		var leaves []func()
		for range 3 {
			standing, leave, err := limits.Enter(t.Context(), shop)
			if err != nil || standing.Limit != 60 || standing.Remaining != 4 || standing.Reset != 6*time.Second {
				t.Fatalf("%+v, %v", standing, err)
			}
			leaves = append(leaves, leave)
		}
		if e := limited(t, second(limits.Enter(t.Context(), shop))); e.RetryAfter != time.Second {
			t.Errorf("too many under way: retry after %v", e.RetryAfter)
		}
		time.Sleep(time.Minute)
		for _, until := range c.look().underWay {
			if time.Until(until) < 5*time.Second {
				t.Errorf("a request that is under way counts for %v more", time.Until(until))
			}
		}
		for _, leave := range leaves {
			leave()
			leave()
		}
		synctest.Wait()
		before := c.look()
		if len(before.underWay) != 0 {
			t.Errorf("%d requests are over and count", len(before.underWay))
		}
		time.Sleep(time.Minute)
		if c.look().prolonged != before.prolonged {
			t.Error("nothing is under way, and is prolonged")
		}
		c.set(0.25, nil)
		if e := limited(t, second(limits.Enter(t.Context(), shop))); e.RetryAfter != 750*time.Millisecond {
			t.Errorf("too often: retry after %v, want until there is a whole one", e.RetryAfter)
		}
		broken := errors.New("no connection")
		c.set(0, broken)
		if _, _, err := limits.Enter(t.Context(), shop); !errors.Is(err, broken) {
			t.Errorf("the counter is away: %v", err)
		}
		if _, leave, err := limits.Enter(t.Context(), auth.Principal{Kind: auth.Local}); err != nil {
			t.Errorf("a caller without limits: %v", err)
		} else {
			leave()
		}
		stop()
		synctest.Wait()
	})
}
