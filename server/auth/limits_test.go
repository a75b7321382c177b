package auth_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"drawbridge/server/auth"
)

var shop = auth.Principal{Kind: auth.Key, Name: "shop", Limit: auth.Limit{PerMinute: 60, Concurrent: 3}}

// clock is a time that stands still until it is moved.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func limited(t *testing.T, err error) *auth.LimitedError {
	t.Helper()
	var e *auth.LimitedError
	if !errors.As(err, &e) {
		t.Fatalf("let in: %v", err)
	}
	return e
}

func TestTenSecondsWorthOfRequestsMayComeAtOnce(t *testing.T) {
	c := &clock{time.Unix(1_700_000_000, 0)}
	limits := auth.NewLimits(auth.Limit{}, c.read)
	for i := range 10 {
		standing, leave, err := limits.Enter(t.Context(), shop)
		if err != nil || standing.Limit != 60 || standing.Remaining != 9-i || standing.Reset != time.Duration(i+1)*time.Second {
			t.Fatalf("request %d: %+v, %v", i, standing, err)
		}
		leave()
	}
	if e := limited(t, second(limits.Enter(t.Context(), shop))); e.RetryAfter != time.Second {
		t.Errorf("retry after %s", e.RetryAfter)
	}
	// Having been refused costs nothing.
	c.now = c.now.Add(time.Second)
	_, leave, err := limits.Enter(t.Context(), shop)
	if err != nil {
		t.Fatal(err)
	}
	leave()
	limited(t, second(limits.Enter(t.Context(), shop)))
}

func second(_ auth.Standing, _ func(), err error) error { return err }

func TestRequestsUnderWayAreBoundedAndLeavingTwiceCountsOnce(t *testing.T) {
	c := &clock{time.Unix(1_700_000_000, 0)}
	limits := auth.NewLimits(auth.Limit{}, c.read)
	var leaves []func()
	for range 3 {
		_, leave, err := limits.Enter(t.Context(), shop)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	standing, _, err := limits.Enter(t.Context(), shop)
	if e := limited(t, err); e.RetryAfter <= 0 || standing.Remaining != 7 {
		t.Errorf("%+v, %+v", e, standing)
	}
	leaves[0]()
	leaves[0]()
	if _, _, err := limits.Enter(t.Context(), shop); err != nil {
		t.Fatal(err)
	}
	limited(t, second(limits.Enter(t.Context(), shop)))
}

func TestCallersDoNotUseUpEachOthersLimits(t *testing.T) {
	limits := auth.NewLimits(auth.Limit{Concurrent: 1}, nil)
	desk := auth.Principal{Kind: auth.Key, Name: "desk", Limit: auth.Limit{Concurrent: 1}}
	free := auth.Principal{Kind: auth.Key, Name: "free"}
	local := auth.Principal{Kind: auth.Local, Name: "http"}
	for _, p := range []auth.Principal{desk, free, local} {
		if _, _, err := limits.Enter(t.Context(), p); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
	limited(t, second(limits.Enter(t.Context(), desk)))
	limited(t, second(limits.Enter(t.Context(), local)))
	if standing, _, err := limits.Enter(t.Context(), free); err != nil || standing != (auth.Standing{}) {
		t.Errorf("a key without limits: %+v, %v", standing, err)
	}
}

func TestCountsHoldWhenManyComeAndGo(t *testing.T) {
	limits := auth.NewLimits(auth.Limit{}, nil)
	p := auth.Principal{Kind: auth.Key, Name: "many", Limit: auth.Limit{Concurrent: 4}}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if _, leave, err := limits.Enter(t.Context(), p); err == nil {
					leave()
				}
			}
		})
	}
	all.Wait()
	for range 4 {
		if _, _, err := limits.Enter(t.Context(), p); err != nil {
			t.Fatalf("somebody is still counted: %v", err)
		}
	}
	limited(t, second(limits.Enter(t.Context(), p)))
}

func TestSmallestLimitLetsOneRequestIn(t *testing.T) {
	c := &clock{time.Unix(1_700_000_000, 0)}
	limits := auth.NewLimits(auth.Limit{PerMinute: 1}, c.read)
	local := auth.Principal{Kind: auth.Local, Name: "http"}
	if _, _, err := limits.Enter(t.Context(), local); err != nil {
		t.Fatal(err)
	}
	if e := limited(t, second(limits.Enter(t.Context(), local))); e.RetryAfter != time.Minute {
		t.Errorf("retry after %s", e.RetryAfter)
	}
}

func TestKeyBringsItsAgentsAndItsLimit(t *testing.T) {
	keys, err := auth.NewKeys([]auth.APIKey{{Name: "desk", Key: deskKey, Tools: []string{"*"}, Agents: []string{"support-*"}, Limit: auth.Limit{PerMinute: 5, Concurrent: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := keys.Authenticate(request("X-API-Key", deskKey))
	if err != nil || len(p.Agents) != 1 || p.Agents[0] != "support-*" || p.Limit != (auth.Limit{PerMinute: 5, Concurrent: 2}) {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := auth.NewKeys([]auth.APIKey{{Name: "desk", Key: deskKey, Tools: []string{"*"}, Limit: auth.Limit{PerMinute: -1}}}); err == nil {
		t.Error("took a negative limit")
	}
}
