package chattest

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// Runs stands in for a dispatcher: each request gets the next exchange of those that
// it was given, whatever it asks for. Nothing is kept and nobody is asked.
type Runs struct {
	mu      sync.Mutex
	next    []*Exchange
	refused []error // of Reply, once each
	talks   []dispatch.Talk
	replies []dispatch.Reply
}

// Play adds exchanges to be handed out.
func (r *Runs) Play(exchanges ...*Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = append(r.next, exchanges...)
}

// Refuse makes the next Reply or Talk fail.
func (r *Runs) Refuse(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = append(r.refused, err)
}

// Talk notes what was asked for.
func (r *Runs) Talk(_ context.Context, t dispatch.Talk) (dispatch.Exchange, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.talks = append(r.talks, t)
	return r.exchange()
}

// Reply notes what was answered.
func (r *Runs) Reply(_ context.Context, reply dispatch.Reply) (dispatch.Exchange, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replies = append(r.replies, reply)
	return r.exchange()
}

func (r *Runs) exchange() (dispatch.Exchange, error) {
	if len(r.refused) > 0 {
		err := r.refused[0]
		r.refused = r.refused[1:]
		return nil, err
	}
	if len(r.next) == 0 {
		return nil, errors.New("the script has no exchange left")
	}
	x := r.next[0]
	r.next = r.next[1:]
	return x, nil
}

// Talks are those that were begun, Replies those that went on.
func (r *Runs) Talks() []dispatch.Talk {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.talks
}

// Replies are the results that came for runs.
func (r *Runs) Replies() []dispatch.Reply {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.replies
}

// Exchange plays a script.
type Exchange struct {
	ID    string
	Steps []Step
	Ends  dispatch.ExchangeEnd

	mu   sync.Mutex
	at   int
	due  time.Time // of the step to come, once somebody has waited for it
	left int
}

// Step is one event, after some time or something else, or a fault in its place.
type Step struct {
	Event bridge.Event
	After time.Duration
	Once  <-chan struct{} // closed when it may go on
	Err   error
}

// Run is the run's id.
func (x *Exchange) Run() string { return x.ID }

// Next plays the next step.
func (x *Exchange) Next(ctx context.Context) (bridge.Event, error) {
	step, due, over := x.step()
	if over {
		return bridge.Event{}, io.EOF
	}
	if wait := time.Until(due); wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return bridge.Event{}, ctx.Err()
		}
	}
	if step.Once != nil {
		select {
		case <-step.Once:
		default:
			select {
			case <-step.Once:
			case <-ctx.Done():
				return bridge.Event{}, ctx.Err()
			}
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.at, x.due = x.at+1, time.Time{}
	return step.Event, step.Err
}

// step is the one to come and when. Its time counts from when it was first waited for.
func (x *Exchange) step() (step Step, due time.Time, over bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.at >= len(x.Steps) {
		return Step{}, time.Time{}, true
	}
	if x.due.IsZero() {
		x.due = time.Now().Add(x.Steps[x.at].After)
	}
	return x.Steps[x.at], x.due, false
}

// End is how the script says that it ended.
func (x *Exchange) End() dispatch.ExchangeEnd { return x.Ends }

// Leave counts.
func (x *Exchange) Leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.left++
}

// Left is how often somebody left: once, if all is well.
func (x *Exchange) Left() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.left
}
