package openai

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pace keeps all requests to one model within its limits: those of the settings,
// those that the server's headers tell, and the pauses it asked for.
type pace struct {
	requests, tokens *rate.Limiter // nil without a limit
	random           func() float64

	mu                       sync.Mutex
	toldRequests, toldTokens window
	held                     time.Time // nobody asks before
	because                  Error     // why so
	promised                 time.Time // to the last request that was turned away
}

func newPace(requestsPerMinute, tokensPerMinute int, random func() float64) *pace {
	return &pace{
		requests: limiter(requestsPerMinute, time.Second),
		tokens:   limiter(tokensPerMinute, 10*time.Second), // one request is thousands
		random:   random,
	}
}

// limiter allows so many a minute, of which at once as many as come together in the
// time saved.
func limiter(perMinute int, saved time.Duration) *rate.Limiter {
	if perMinute <= 0 {
		return nil
	}
	perSecond := float64(perMinute) / 60
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond*saved.Seconds())))
}

// admit says how long a request of so many tokens has to wait before it may be sent.
// If that is longer than most, it is not counted, and the error says when to come
// again.
func (p *pace) admit(now time.Time, tokens int, most time.Duration) (time.Duration, *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := max(
		untilFree(p.requests, now, 1), untilFree(p.tokens, now, tokens),
		p.toldRequests.wait(now, 1), p.toldTokens.wait(now, tokens),
	)
	if hold := p.held.Sub(now); hold > 0 && hold >= wait {
		if hold > most {
			e := p.because
			e.RetryAfter = p.promise(now, hold)
			return 0, &e
		}
		// All that were held would come at the same moment.
		wait = min(hold+time.Duration(p.random()*float64(firstBackoff)), most)
	}
	if wait > most {
		e := transientError(RateLimited, fmt.Sprintf("the model's limit of requests and tokens a minute leaves no room for the next %v", wait.Round(time.Second)))
		e.RetryAfter = p.promise(now, wait)
		return 0, e
	}
	take(p.requests, now, 1)
	take(p.tokens, now, tokens)
	p.toldRequests.take(now, 1)
	p.toldTokens.take(now, tokens)
	return wait, nil
}

// promise gives requests that are turned away different times to come again: else
// all would, to find room for a few.
func (p *pace) promise(now time.Time, wait time.Duration) time.Duration {
	const furthest = 5 * time.Minute
	spacing := 10 * time.Millisecond
	if p.requests != nil {
		spacing = time.Duration(float64(time.Second) / float64(p.requests.Limit()))
	}
	p.promised = p.promised.Add(spacing)
	if earliest := now.Add(wait); p.promised.Before(earliest) || p.promised.After(earliest.Add(furthest)) {
		p.promised = earliest
	}
	return min(p.promised.Sub(now), longestPause)
}

// learn takes what the header of an answer says about the model's limits.
func (p *pace) learn(now time.Time, header http.Header) {
	requests, someRequests := allowed(header, "Requests", now)
	tokens, someTokens := allowed(header, "Tokens", now)
	p.mu.Lock()
	defer p.mu.Unlock()
	if someRequests {
		p.toldRequests.tell(now, requests)
	}
	if someTokens {
		p.toldTokens.tell(now, tokens)
	}
}

// hold keeps everybody from asking for as long as the error says, within reason.
func (p *pace) hold(now time.Time, e *Error) {
	until := now.Add(min(e.RetryAfter, longestHold))
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.RetryAfter > 0 && until.After(p.held) {
		p.held, p.because = until, *e
	}
}

// longestHold bounds how long one answer can hold up a model, whatever it says.
const longestHold = 5 * time.Minute

// correct counts what a request used more, or less, than it was taken for.
func (p *pace) correct(now time.Time, tokens int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	take(p.tokens, now, tokens)
}

// untilFree is how long until n are free. More than are ever free at once have to
// wait for the most there can be, and are a debt from then on.
func untilFree(l *rate.Limiter, now time.Time, n int) time.Duration {
	if l == nil {
		return 0
	}
	missing := float64(min(n, l.Burst())) - l.TokensAt(now)
	return time.Duration(max(missing, 0) / float64(l.Limit()) * float64(time.Second))
}

// take counts n, in portions that the limiter takes; a negative n is given back.
func take(l *rate.Limiter, now time.Time, n int) {
	if l == nil {
		return
	}
	for ; n > l.Burst(); n -= l.Burst() {
		l.ReserveN(now, l.Burst())
	}
	l.ReserveN(now, n)
}
