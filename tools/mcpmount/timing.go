package mcpmount

import (
	"math/rand/v2"
	"time"
)

// timing holds the waits that are not settings. Tests shorten them.
type timing struct {
	firstRetry  time.Duration // after the first failure; doubled after each
	maxRetry    time.Duration
	refused     time.Duration // after the server refused our credentials
	steady      time.Duration // up for this long: the failures before are forgotten
	relist      time.Duration // at least between two lists
	lookAtBook  time.Duration // while something is held: how often another process's word is looked for
	sigterm     time.Duration // after stdin was closed
	sigkill     time.Duration // after stdin was closed
	cancelGrace time.Duration // for telling a server that a call is over
}

var productionTiming = timing{
	firstRetry:  time.Second,
	maxRetry:    time.Minute,
	refused:     5 * time.Minute,
	steady:      time.Minute,
	relist:      time.Second,
	lookAtBook:  5 * time.Second,
	sigterm:     2 * time.Second,
	sigkill:     5 * time.Second,
	cancelGrace: 2 * time.Second,
}

// retryIn is the wait after so many failures in a row, the first being 1. It is
// spread over its upper half, so that mounts that fell together do not rise together.
func (t timing) retryIn(failures int) time.Duration {
	wait := t.maxRetry
	if shift := failures - 1; shift < 20 {
		wait = min(t.firstRetry<<shift, t.maxRetry)
	}
	return wait/2 + time.Duration(rand.Int64N(int64(wait/2)+1))
}
