package auth

import (
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
	return &Limits{keyless: keyless, now: now, callers: map[string]*caller{}}
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

// Enter lets one request in; leave has to be called when it is over. The error is a
// *LimitedError: then nothing was let in, and nothing is to be left.
func (l *Limits) Enter(p Principal) (standing Standing, leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, now := l.caller(p), l.now()
	// How many are under way goes first: a request refused for that uses up nothing.
	if c.limit.Concurrent > 0 && c.underWay >= c.limit.Concurrent {
		return c.standing(now), nil, &LimitedError{RetryAfter: time.Second,
			Message: fmt.Sprintf("%s has %d requests under way, as many as it may: wait until one is over", p, c.underWay)}
	}
	if wait := c.take(now); wait > 0 {
		return c.standing(now), nil, &LimitedError{RetryAfter: wait,
			Message: fmt.Sprintf("%s may send %d requests a minute: try again in %s", p, c.limit.PerMinute, wait.Round(time.Millisecond))}
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
	c = &caller{limit: p.Limit}
	if p.Kind != Key {
		c.limit = l.keyless
	}
	if n := c.limit.PerMinute; n > 0 {
		c.rate = rate.NewLimiter(rate.Limit(float64(n)/60), max(1, (n+5)/6))
	}
	l.callers[p.String()] = c
	return c
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
	left := c.rate.TokensAt(now)
	missing := float64(c.rate.Burst()) - left
	return Standing{
		Limit:     c.limit.PerMinute,
		Remaining: max(0, int(left)),
		Reset:     time.Duration(missing / float64(c.rate.Limit()) * float64(time.Second)),
	}
}
