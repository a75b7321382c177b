package openai

import (
	"sync"
	"time"
)

const (
	failuresToOpen = 5 // requests in a row that gave up
	firstOpen      = 5 * time.Second
	longestOpen    = 2 * time.Minute
)

// circuit keeps runs from asking a model that is down: each would wait for its own
// timeouts, and the model would come back to all of them at once. After some failures
// in a row it is open for a while; then one request may try, and its end decides.
type circuit struct {
	random func() float64

	mu       sync.Mutex
	failures int
	open     time.Duration // 0 while it is closed
	until    time.Time
	probing  bool
}

// verdict is what a request's end says about the model.
type verdict int

const (
	aside   verdict = iota // nothing: it was limited, or broken off by the caller
	answers                // the model server does its work, even if it refuses
	fails
)

// pass is what lets one request through.
type pass struct {
	circuit *circuit
	probe   bool
}

// enter asks to be let through. If that may not be, it says how long to wait.
func (c *circuit) enter(now time.Time) (pass, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.open == 0:
		return pass{c, false}, 0
	case now.Before(c.until):
		return pass{}, c.until.Sub(now)
	case c.probing:
		return pass{}, firstOpen
	}
	c.probing = true
	return pass{c, true}, 0
}

// leave says how the request ended, and gives for how long that opened the circuit.
func (p pass) leave(now time.Time, v verdict) time.Duration {
	c := p.circuit
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.probe {
		c.probing = false
	}
	switch {
	case v == answers:
		c.failures, c.open = 0, 0
	case v == fails && p.probe:
		return c.trip(now, min(2*c.open, longestOpen))
	case v == fails && c.open == 0:
		if c.failures++; c.failures >= failuresToOpen {
			return c.trip(now, firstOpen)
		}
	}
	return 0
}

// trip opens the circuit. The jitter keeps several processes from probing at once.
func (c *circuit) trip(now time.Time, d time.Duration) time.Duration {
	c.open = d
	d += time.Duration(c.random() * float64(d) / 5)
	c.until = now.Add(d)
	return d
}
