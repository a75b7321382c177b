package shopify

import (
	"context"
	"fmt"
	"sync"
	"time"

	"drawbridge/tools"
)

// longestWait is how long a call waits for points; beyond it the caller is told.
const longestWait = 20 * time.Second

// bucket counts the points that the store lets us have, as its answers tell them.
type bucket struct {
	now func() time.Time

	mu       sync.Mutex
	known    bool
	most     float64 // maximumAvailable
	level    float64 // currentlyAvailable, at the time at
	rate     float64 // restoreRate, points a second
	at       time.Time
	inFlight float64            // of operations that were let through and not answered yet
	costs    map[string]float64 // the last requestedQueryCost, by operation
	hold     time.Time          // until when Shopify wants to hear nothing
}

func newBucket(now func() time.Time) *bucket { return &bucket{now: now, costs: map[string]float64{}} }

// take reserves what an operation costs, and says how long to wait before it. An error
// means that it is not to be sent.
func (p *bucket) take(ctx context.Context, name string) (wait time.Duration, cost float64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if left := p.hold.Sub(now); left > 0 {
		return 0, 0, limited(left)
	}
	if cost = p.costs[name]; p.known {
		if short := min(cost, p.most) - p.available(now); short > 0 {
			wait = seconds(short / p.rate)
		}
	}
	if ends, bounded := ctx.Deadline(); wait > longestWait || bounded && wait > 0 && now.Add(wait).After(ends) {
		return 0, 0, limited(wait)
	}
	p.inFlight += cost
	return wait, cost, nil
}

// available is what is left besides what is on its way. The bucket is locked.
func (p *bucket) available(now time.Time) float64 {
	return min(p.most, p.level+p.rate*max(0, now.Sub(p.at).Seconds())) - p.inFlight
}

// give ends what take began. c is what the answer says, nil if there was none.
func (p *bucket) give(name string, cost float64, c *cost) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight -= cost
	if c == nil {
		return
	}
	if c.Requested > 0 {
		p.costs[name] = c.Requested
	}
	if s := c.Status; s.Restore > 0 && s.Most > 0 {
		p.known, p.most, p.level, p.rate, p.at = true, s.Most, s.Left, s.Restore, p.now()
	}
}

// pause holds all requests back for a while.
func (p *bucket) pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(d); until.After(p.hold) {
		p.hold = until
	}
}

// cost is what an answer says of points.
type cost struct {
	Requested float64 `json:"requestedQueryCost"`
	Status    struct {
		Most    float64 `json:"maximumAvailable"`
		Left    float64 `json:"currentlyAvailable"`
		Restore float64 `json:"restoreRate"`
	} `json:"throttleStatus"`
}

// wait is how long it takes until there are points for what was refused.
func (c *cost) wait() time.Duration {
	if c == nil || c.Status.Restore <= 0 {
		return time.Second
	}
	return max(100*time.Millisecond, seconds((min(c.Requested, c.Status.Most)-c.Status.Left)/c.Status.Restore))
}

// seconds is a time, and never a wild one.
func seconds(n float64) time.Duration {
	return time.Duration(min(max(n, 0), 3600) * float64(time.Second))
}

func limited(after time.Duration) *tools.Error {
	e := tools.Errorf(tools.RateLimited, "Shopify is asked too much at the moment; nothing was changed. Try again later.")
	if e.RetryAfter = after; after > 0 {
		e.Message = fmt.Sprintf("Shopify is asked too much at the moment; nothing was changed. Try again in %s.", max(after, time.Second).Round(time.Second))
	}
	return e
}
