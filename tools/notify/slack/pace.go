package slack

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"drawbridge/tools"
)

// tiers are how often a method may be called in a minute by what Slack publishes; it lets
// short bursts through. Messages have a rate of their own, by channel.
var tiers = map[string]int{
	methodAuth: 100, methodList: 20, methodInfo: 50, methodOpen: 50, methodReplies: 50, methodUser: 100, methodEmail: 50, methodUpdate: 50, methodWhisper: 100,
	methodPost: 300, // of all channels together: "several hundred messages a minute"
}

// The methods of the Web API that are used.
const (
	methodAuth    = "auth.test"
	methodPost    = "chat.postMessage"
	methodUpdate  = "chat.update"
	methodWhisper = "chat.postEphemeral"
	methodList    = "conversations.list"
	methodInfo    = "conversations.info"
	methodOpen    = "conversations.open"
	methodReplies = "conversations.replies"
	methodUser    = "users.info"
	methodEmail   = "users.lookupByEmail"
)

// longestWait is how long a request waits for its place before whoever asked is told to
// come back.
const longestWait = 5 * time.Second

// maxChannels is of how many channels the pace is remembered.
const maxChannels = 1000

// pace keeps requests below Slack's limits.
type pace struct {
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error
	times float64

	mu      sync.Mutex
	methods map[string]*rate.Limiter
	places  map[string]*rate.Limiter
	held    map[string]time.Time // until when Slack wants to hear nothing of a method
}

func newPace(s Settings) *pace {
	p := &pace{now: s.Now, sleep: s.Sleep, times: s.Pace, methods: map[string]*rate.Limiter{}, places: map[string]*rate.Limiter{}, held: map[string]time.Time{}}
	if p.times == 0 {
		p.times = 1
	}
	return p
}

// wait waits for a place. An error means that nothing was sent.
func (p *pace) wait(ctx context.Context, method, channel string) error {
	now := p.now()
	p.mu.Lock()
	if left := p.held[method].Sub(now); left > 0 {
		p.mu.Unlock()
		return limited(left)
	}
	var taken []*rate.Reservation
	delay := time.Duration(0)
	for _, limiter := range p.limiters(method, channel, now) {
		r := limiter.ReserveN(now, 1)
		taken, delay = append(taken, r), max(delay, r.DelayFrom(now))
	}
	p.mu.Unlock()
	give := func() {
		for _, r := range taken {
			r.CancelAt(now)
		}
	}
	if until, bounded := ctx.Deadline(); delay > longestWait || bounded && delay > 0 && until.Before(now.Add(delay)) {
		give()
		return limited(delay)
	}
	if delay == 0 {
		return nil
	}
	if err := p.sleep(ctx, delay); err != nil {
		give()
		return errors.Join(errNothingSent, err)
	}
	return nil
}

// limiters are those that a request has to pass.
func (p *pace) limiters(method, channel string, now time.Time) []*rate.Limiter {
	tier := tiers[method]
	if p.methods[method] == nil {
		p.methods[method] = rate.NewLimiter(rate.Limit(p.times*float64(tier)/60), max(1, int(p.times*float64(tier)/2)))
	}
	all := []*rate.Limiter{p.methods[method]}
	if channel == "" {
		return all
	}
	if p.places[channel] == nil {
		if len(p.places) >= maxChannels {
			for name, limiter := range p.places {
				if limiter.TokensAt(now) >= float64(limiter.Burst()) {
					delete(p.places, name) // nobody waits for it, and a new one is as full
				}
			}
		}
		p.places[channel] = rate.NewLimiter(rate.Limit(p.times), max(1, int(p.times)))
	}
	return append(all, p.places[channel])
}

// hold keeps a method back for a while.
func (p *pace) hold(method string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(d); until.After(p.held[method]) {
		p.held[method] = until
	}
}

func limited(after time.Duration) error {
	e := tools.Errorf(tools.RateLimited, "Slack is asked too much at the moment; nothing was changed. Try again later.")
	if e.RetryAfter = after; after > 0 {
		e.Message = fmt.Sprintf("Slack is asked too much at the moment; nothing was changed. Try again in %s.", max(after, time.Second).Round(time.Second))
	}
	return e
}
