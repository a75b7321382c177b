package salesforce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"drawbridge/tools"
)

const (
	// DefaultPace is how many requests a second are made at most.
	DefaultPace = 20
	// DefaultReserve is how much of the day's requests is left to others, in percent.
	DefaultReserve = 5
	// holdAtLimit is how long nothing is sent when Salesforce takes no more and does not
	// say until when, or when what is left of the day is the others'. Then one request is
	// made, whose answer says how things stand.
	holdAtLimit = 5 * time.Minute
)

// pace keeps our requests below a rate, and off while Salesforce wants none.
type pace struct {
	limiter *rate.Limiter
	reserve int // percent
	now     func() time.Time

	mu   sync.Mutex
	hold time.Time
	why  string
}

// wait waits for a place. An error means that nothing was sent.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	left, why := p.hold.Sub(p.now()), p.why
	p.mu.Unlock()
	if left > 0 {
		return limited(why, left)
	}
	if err := p.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return errors.Join(errNothingSent, ctx.Err())
		}
		return limited(askedTooMuch, 0) // the wait would be longer than the call has
	}
	return nil
}

func (p *pace) pause(d time.Duration, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(d); until.After(p.hold) {
		p.hold, p.why = until, why
	}
}

// heed reads what each answer says about the requests of the last 24 hours:
// Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=...
func (p *pace) heed(got answer) {
	for _, field := range strings.Split(got.header.Get("Sforce-Limit-Info"), ";") {
		counts, ok := strings.CutPrefix(strings.TrimSpace(field), "api-usage=")
		if !ok {
			continue
		}
		usedText, allowedText, _ := strings.Cut(counts, "/")
		used, err1 := strconv.ParseInt(usedText, 10, 64)
		allowed, err2 := strconv.ParseInt(allowedText, 10, 64)
		if err1 != nil || err2 != nil || allowed <= 0 || used < 0 || used > 1<<40 || allowed > 1<<40 {
			continue
		}
		if p.reserve > 0 && used*100 >= allowed*int64(100-p.reserve) {
			p.pause(holdAtLimit, fmt.Sprintf("%d of the %d API requests that Salesforce gives the organization in 24 hours are used, and the rest is left to other programs", used, allowed))
		}
	}
}

const askedTooMuch = "Salesforce is asked too much at the moment"

func limited(why string, after time.Duration) error {
	e := tools.Errorf(tools.RateLimited, "%s; nothing was changed. Try again later.", why)
	if e.RetryAfter = after; after > 0 {
		e.Message = fmt.Sprintf("%s; nothing was changed. Try again in %s.", why, max(time.Second, after.Round(time.Second)))
	}
	return e
}

// slowDown is the error of a request that Salesforce did not take for how many there are.
func (p *pace) slowDown(header http.Header, words string) error {
	after := retryAfter(header, p.now())
	if after == 0 {
		after = holdAtLimit
		if strings.Contains(strings.ToLower(words), "concurrent") {
			after = 5 * time.Second // too many at the same moment, and not in a day
		}
	}
	p.pause(after, askedTooMuch)
	return limited(askedTooMuch, after)
}

// retryAfter reads the header, in seconds or as a date; 0 if it is not there.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return min(time.Duration(min(seconds, 1<<20))*time.Second, time.Hour)
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return min(at.Sub(now), time.Hour)
	}
	return 0
}
