package auth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limit bounds the requests of one caller. A zero field is no bound.
type Limit struct {
	// PerMinute is how many requests it may begin in a minute. A sixth of them may
	// come at once.
	PerMinute int
	// Concurrent is how many may be under way at once.
	Concurrent int
}

// Limits counts the requests of each caller at the doors that share it. It keeps one
// record a principal, of which there are as many as keys.
type Limits struct {
	keyless Limit
	now     func() time.Time
	mu      sync.Mutex
	callers map[string]*caller
	// counter, if set, counts for all nodes; held are the requests under way here.
	counter Counter
	held    map[string]bool
}

type caller struct {
	limit    Limit
	rate     *rate.Limiter // nil without a bound
	underWay int
}

// NewLimits makes limits. Callers without a key share one, the rest have those of
// their keys. A nil now is time.Now.
func NewLimits(keyless Limit, now func() time.Time) *Limits {
	if now == nil {
		now = time.Now
	}
	return &Limits{keyless: keyless, now: now, callers: map[string]*caller{}, held: map[string]bool{}}
}

// Standing is what a caller has left of its requests a minute. It is all zero where
// there is no bound.
type Standing struct {
	Limit, Remaining int
	// Reset is when all that may come at once is there again.
	Reset time.Duration
}

// LimitedError: the caller has to wait.
type LimitedError struct {
	Message    string
	RetryAfter time.Duration
}

func (e *LimitedError) Error() string { return e.Message }

// Enter lets one request in; leave has to be called when it is over. An error is a
// *LimitedError, or of whoever counts for several nodes: then nothing was let in, and
// nothing is to be left.
func (l *Limits) Enter(ctx context.Context, p Principal) (standing Standing, leave func(), err error) {
	if l.counter != nil {
		return l.enterShared(ctx, p)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c, now := l.caller(p), l.now()
	// How many are under way goes first: a request refused for that uses up nothing.
	if c.limit.Concurrent > 0 && c.underWay >= c.limit.Concurrent {
		return c.standing(now), nil, c.limit.tooMany(p, c.underWay)
	}
	if wait := c.take(now); wait > 0 {
		return c.standing(now), nil, c.limit.tooOften(p, wait)
	}
	c.underWay++
	return c.standing(now), sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		c.underWay--
	}), nil
}

func (l *Limits) caller(p Principal) *caller {
	c := l.callers[p.String()]
	if c != nil {
		return c
	}
	c = &caller{limit: l.limitOf(p)}
	if n := c.limit.PerMinute; n > 0 {
		c.rate = rate.NewLimiter(rate.Limit(float64(n)/60), c.limit.Burst())
	}
	l.callers[p.String()] = c
	return c
}

// limitOf is the limit of a caller.
func (l *Limits) limitOf(p Principal) Limit {
	if p.Kind != Key && p.Kind != JWT {
		return l.keyless
	}
	return p.Limit
}

// Burst is how many requests may come at once.
func (l Limit) Burst() int { return max(1, (l.PerMinute+5)/6) }

func (l Limit) tooMany(p Principal, underWay int) *LimitedError {
	return &LimitedError{RetryAfter: time.Second,
		Message: fmt.Sprintf("%s has %d requests under way, as many as it may: wait until one is over", p, underWay)}
}

func (l Limit) tooOften(p Principal, wait time.Duration) *LimitedError {
	return &LimitedError{RetryAfter: wait,
		Message: fmt.Sprintf("%s may send %d requests a minute: try again in %s", p, l.PerMinute, wait.Round(time.Millisecond))}
}

// standing is what is left to a caller who has so many requests left.
func (l Limit) standing(left float64) Standing {
	if l.PerMinute == 0 {
		return Standing{}
	}
	missing := float64(l.Burst()) - left
	return Standing{Limit: l.PerMinute, Remaining: max(0, int(left)), Reset: time.Duration(missing * 60 / float64(l.PerMinute) * float64(time.Second))}
}

// take uses up one request, or says how long until there is one.
func (c *caller) take(now time.Time) time.Duration {
	if c.rate == nil {
		return 0
	}
	reservation := c.rate.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

func (c *caller) standing(now time.Time) Standing {
	if c.rate == nil {
		return Standing{}
	}
	return c.limit.standing(c.rate.TokensAt(now))
}
