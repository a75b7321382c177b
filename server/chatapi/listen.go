package chatapi

import (
	"context"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// next waits for what the run does next, until the audience has to be told something
// anyway: then the error is [context.DeadlineExceeded], which may come too early and never
// too late. It waits on the caller's own goroutine: a thousand runs that wait for a model
// have a thousand audiences.
func (a *attendance) next(ctx context.Context) (bridge.Event, error) {
	if until := a.due(); a.waiting == nil || a.waiting.Err() != nil || a.until.After(until) {
		a.rest()
		a.until = until
		a.waiting, a.stop = context.WithDeadline(ctx, until)
	}
	return a.x.Next(a.waiting)
}

// rest gives back what waiting has taken.
func (a *attendance) rest() {
	if a.stop != nil {
		a.stop()
	}
}

// due is when the audience has to be told something, whatever the run does.
func (a *attendance) due() time.Time {
	due := a.said.Add(a.keepAlive)
	if a.parked.held && a.parked.until.Before(due) {
		return a.parked.until
	}
	return due
}

// atOnce is a context to ask with for what there is right now.
var atOnce = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// parked is how long a caller waits for a run that was put down. The time that it is
// carried again in between does not count, nor does it begin anew until the run gets on.
type parked struct {
	held  bool // it is put down now
	until time.Time
	why   string
}

func (p *parked) note(e bridge.Event, patience time.Duration) {
	switch e.Kind {
	case dispatch.Parked:
		if p.until.IsZero() {
			p.until = time.Now().Add(patience)
		}
		p.held, p.why = true, e.Text
	case dispatch.Resumed:
		p.held = false
	default:
		*p = parked{}
	}
}

// over reports whether the caller has waited long enough.
func (p *parked) over(now time.Time) bool { return p.held && !now.Before(p.until) }

// line shows an event as activity: which function, and whether it went well. What it
// was given and what it returned may be nobody's business.
func line(e bridge.Event) string {
	switch {
	case e.Kind == bridge.Calling:
		return e.Function + " ...\n"
	case e.Kind == bridge.Held:
		return e.Function + " -> waits for an approval\n"
	case e.Kind == bridge.Returned && e.IsError:
		return e.Function + " -> error\n"
	case e.Kind == bridge.Returned:
		return e.Function + " -> ok\n"
	}
	return ""
}
