package chatapi

import (
	"context"
	"errors"
	"io"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// heard is what came of listening once.
type heard struct {
	event bridge.Event
	err   error // io.EOF at the end
}

// listen hears an exchange until its end or the context's, leaves it, and closes the
// channel.
func listen(ctx context.Context, x dispatch.Exchange) <-chan heard {
	events := make(chan heard, most)
	go func() {
		defer close(events)
		defer x.Leave()
		for {
			event, err := x.Next(ctx)
			if err != nil && !errors.Is(err, io.EOF) {
				err = errBroken
			}
			select {
			case events <- heard{event, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return events
}

// parked is how long a caller waits for a run that was put down. The time that it is
// carried again in between does not count, nor does it begin anew until the run gets on.
type parked struct {
	until time.Time
	timer *time.Timer
	up    <-chan time.Time
	why   string
}

func (p *parked) note(e bridge.Event, patience time.Duration) {
	if p.timer != nil {
		p.timer.Stop()
	}
	switch e.Kind {
	case dispatch.Parked:
		if p.until.IsZero() {
			p.until = time.Now().Add(patience)
		}
		p.timer = time.NewTimer(time.Until(p.until))
		p.up, p.why = p.timer.C, e.Text
	case dispatch.Resumed:
		p.timer, p.up = nil, nil
	default:
		*p = parked{}
	}
}

// line shows an event as activity: which function, and whether it went well. What it
// was given and what it returned may be nobody's business.
func line(e bridge.Event) string {
	switch {
	case e.Kind == bridge.Calling:
		return e.Function + " ...\n"
	case e.Kind == bridge.Returned && e.IsError:
		return e.Function + " -> error\n"
	case e.Kind == bridge.Returned:
		return e.Function + " -> ok\n"
	}
	return ""
}
