package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"drawbridge/tools"
)

// shortHold is how long a request waits by itself while HubSpot wants to hear nothing;
// where it takes longer the caller is told.
const shortHold = 2 * time.Second

// pace keeps requests below HubSpot's limits: so many in ten seconds, of which searches
// have a limit of their own a second.
type pace struct {
	all, searches *rate.Limiter
	now           func() time.Time
	sleep         func(ctx context.Context, d time.Duration) error

	mu   sync.Mutex
	hold time.Time // until when HubSpot wants to hear nothing
}

// wait waits for a place. An error means that nothing was sent.
func (p *pace) wait(ctx context.Context, search bool) error {
	p.mu.Lock()
	left := p.hold.Sub(p.now())
	p.mu.Unlock()
	if left > shortHold {
		return limited(left)
	}
	if left > 0 {
		if err := p.sleep(ctx, left); err != nil {
			return errors.Join(errNothingSent, err)
		}
	}
	limiters := []*rate.Limiter{p.all}
	if search {
		limiters = []*rate.Limiter{p.searches, p.all}
	}
	for _, limiter := range limiters {
		if err := limiter.Wait(ctx); err != nil {
			if ctx.Err() != nil {
				return errors.Join(errNothingSent, ctx.Err())
			}
			return limited(0) // the wait would be longer than the call has
		}
	}
	return nil
}

// pause holds all requests back for a while.
func (p *pace) pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(d); until.After(p.hold) {
		p.hold = until
	}
}

// heed reads what an answer says about what is left of the limit. Where nothing is left,
// others use the same token (another node): requests wait for a tenth of the window, in
// which some of it is free again.
func (p *pace) heed(header http.Header) {
	left, err := strconv.Atoi(header.Get("X-HubSpot-RateLimit-Remaining"))
	if err != nil || left > 0 {
		return
	}
	window, err := strconv.Atoi(header.Get("X-HubSpot-RateLimit-Interval-Milliseconds"))
	if err != nil || window <= 0 {
		window = 10_000
	}
	p.pause(min(time.Duration(window)*time.Millisecond/10, shortHold))
}

func limited(after time.Duration) error {
	e := tools.Errorf(tools.RateLimited, "HubSpot is asked too much at the moment; nothing was changed. Try again later.")
	if e.RetryAfter = after; after > 0 {
		e.Message = fmt.Sprintf("HubSpot is asked too much at the moment; nothing was changed. Try again in %s.", max(after.Round(time.Second), time.Second))
	}
	return e
}

// retryAfter reads the header, in seconds or as a date; 0 if it is not there.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, time.Hour)
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return min(at.Sub(now), time.Hour)
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
