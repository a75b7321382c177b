package guard

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"drawbridge/tools"
)

// Limit bounds the calls that fit it. Of several that do, all hold.
type Limit struct {
	Name string // for whoever is refused, and the audit
	// Principal and Tool are patterns of those whose calls count, "" is all: "key:*",
	// "payment_*". Effect is the tool's, "" is any.
	Principal, Tool string
	Effect          tools.Effect
	// Together counts the calls of all principals as one's.
	Together bool

	// Rate is how many calls a second are let through, Burst how many at once after a
	// pause; 0 is without that bound. It holds for one process: it is there against
	// loops, and needs no memory. Concurrent is how many may be under way, likewise.
	Rate       rate.Limit
	Burst      int
	Concurrent int
	// Hour and Day bound what is done in the last 60 minutes, and the last 24 hours, by
	// all processes that share the totals. Only what moves money or leaves the company
	// is counted there.
	Hour, Day Quota
}

// Quota is how much may be done in a span of time.
type Quota struct {
	Calls int // 0 is without that bound
	// Amounts are how much money may be moved, by currency, in minor units. Nil is without
	// that bound; otherwise a currency that is not there may not be moved at all.
	Amounts map[string]int64
}

func (q Quota) any() bool { return q.Calls > 0 || q.Amounts != nil }

func (l Limit) covers(a *attempt) bool {
	return (l.Effect == "" || l.Effect == a.effect()) && matches(l.Tool, a.Tool) && matches(l.Principal, a.Principal.String())
}

func matches(pattern, name string) bool {
	return pattern == "" || tools.Match([]string{pattern}, name)
}

// limited is what the process itself remembers of calls under its limits.
type limited struct {
	mu    sync.Mutex
	turns map[turnKey]*turn
}

type turnKey struct{ limit, principal string }

// turn is that of one limit and one principal.
type turn struct {
	pace     *rate.Limiter
	underWay int
}

// mostTurns is how many are remembered before those that say nothing are forgotten.
const mostTurns = 10_000

func (t *limited) of(l Limit, principal string, now time.Time) *turn {
	if l.Together {
		principal = ""
	}
	key := turnKey{l.Name, principal}
	if known := t.turns[key]; known != nil {
		return known
	}
	if len(t.turns) >= mostTurns {
		for key, old := range t.turns {
			if old.underWay == 0 && old.pace.TokensAt(now) >= float64(old.pace.Burst()) {
				delete(t.turns, key)
			}
		}
	}
	limit := l.Rate
	if limit == 0 {
		limit = rate.Inf
	}
	started := &turn{pace: rate.NewLimiter(limit, max(l.Burst, 1))}
	t.turns[key] = started
	return started
}

// enter lets a call in under all of the limits, or under none and says which refuses it
// and for how long.
func (t *limited) enter(limits []Limit, principal string, now time.Time) (leave func(), by *Limit, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	turns := make([]*turn, len(limits))
	for i, l := range limits {
		turns[i] = t.of(l, principal, now)
		if l.Rate > 0 {
			if missing := 1 - turns[i].pace.TokensAt(now); missing > 1e-9 {
				return nil, &limits[i], time.Duration(math.Ceil(missing / float64(l.Rate) * float64(time.Second)))
			}
		}
		if l.Concurrent > 0 && turns[i].underWay >= l.Concurrent {
			return nil, &limits[i], 0
		}
	}
	for _, one := range turns {
		one.pace.AllowN(now, 1)
		one.underWay++
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, one := range turns {
			one.underWay--
		}
	}, nil, 0
}

// spans are those of quotas.
func (l Limit) spans() []quotaSpan {
	return []quotaSpan{{l.Hour, time.Hour, "hour"}, {l.Day, 24 * time.Hour, "day"}}
}

type quotaSpan struct {
	Quota
	long time.Duration
	word string
}

// tallies are what to add up for a limit: a pattern of tools is one for each of them.
func (l Limit) tallies(a *attempt, names []string) []Tally {
	q := Tally{Effect: l.Effect, Before: a.place}
	if !l.Together {
		q.Principal = a.Principal.String()
	}
	if strings.Trim(l.Tool, "*") == "" {
		return []Tally{q}
	}
	var all []Tally
	for _, name := range names {
		if matches(l.Tool, name) {
			q.Tool = name
			all = append(all, q)
		}
	}
	return all
}

// sum adds up what was done before the attempt since a time.
func sum(ctx context.Context, totals Totals, tallies []Tally, currency string, since time.Time) (all Sum, err error) {
	for _, q := range tallies {
		q.Currency, q.Since = currency, since
		one, err := totals.Sum(ctx, q)
		if err != nil {
			return Sum{}, err
		}
		all.Calls, all.Minor = all.Calls+one.Calls, all.Minor+one.Minor
	}
	return all, nil
}

// waitSteps is how finely the time is looked for at which there is room again.
const waitSteps = 64

// room gives after how long something fits that does not now: the least of waitSteps
// parts of the span. What fits when all is forgotten fits after the whole span.
func room(span time.Duration, fits func(after time.Duration) (bool, error)) (time.Duration, error) {
	var fault error
	low, high := 0, waitSteps
	for low+1 < high && fault == nil {
		middle := (low + high) / 2
		ok, err := fits(span * time.Duration(middle) / waitSteps)
		if fault = err; ok {
			high = middle
		} else {
			low = middle
		}
	}
	return span * time.Duration(high) / waitSteps, fault
}
