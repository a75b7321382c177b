package chatapi

import (
	"context"
	"errors"
	"io"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/apierror"
	"drawbridge/server/dispatch"
)

// audience is who a message is said to: a stream, or an answer in one piece.
type audience interface {
	// words are the next ones of the message, activity a line of what is done besides.
	words(text string)
	activity(text string)
	// flush passes on what was said and reports whether that was anything; alive says
	// that there is nothing yet. Their errors mean that nobody listens any more.
	flush() (sent bool, err error)
	alive() error
	// close ends the message, fail does so in place of it.
	close(e ending, about about) error
	fail(e *apierror.Error) error
}

// about is what an answer tells of its run.
type about struct {
	Run    string        `json:"run"`
	State  string        `json:"state"`
	Reason bridge.Reason `json:"reason,omitempty"`
	// Model is who gave the last answer, by its endpoint's name.
	Model string       `json:"model,omitempty"`
	Usage bridge.Usage `json:"-"`
}

// errGone: the client does not listen any more. There is nobody to tell.
var errGone = errors.New("the client has gone")

// attendance is one audience at one exchange.
type attendance struct {
	x       dispatch.Exchange
	speech  *speech
	out     audience
	show    bool // activity as well
	cancels bool // the run is cancelled when the audience leaves

	keepAlive, patience time.Duration
	parked              parked
}

// attend says to the audience what the run does, until the exchange is over.
func (a *attendance) attend(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	heard := listen(ctx, a.x)
	defer func() {
		stop()
		for range heard { // until the listener has left
		}
	}()
	silence := time.NewTimer(a.keepAlive)
	defer silence.Stop()
	for {
		var sent bool
		var err error
		select {
		case next := <-heard:
			sent, err = a.take(next, heard)
		case <-silence.C:
			sent, err = true, a.out.alive()
		case <-a.parked.up:
			return a.out.fail(away(a.x.Run(), a.parked.why, a.cancels))
		case <-ctx.Done():
			return errGone
		}
		switch {
		case err == nil && sent:
			silence.Reset(a.keepAlive)
		case err == nil:
		case errors.Is(err, io.EOF):
			return a.conclude()
		case errors.Is(err, errBroken):
			return a.out.fail(brokenOff(a.x.Run()))
		default:
			return err
		}
	}
}

// errBroken: the exchange cannot be followed any further.
var errBroken = errors.New("the exchange broke off")

// most is how many events are said at once when they are there already.
const most = 32

// take says one event and those that wait behind it, and reports whether anything went
// out. io.EOF is the exchange's end.
func (a *attendance) take(next heard, rest <-chan heard) (sent bool, err error) {
	for n := 1; ; n++ {
		if next.err != nil {
			return false, next.err
		}
		a.parked.note(next.event, a.patience)
		a.speech.hear(next.event)
		if a.show {
			a.out.activity(line(next.event))
		}
		if n == most {
			return a.out.flush()
		}
		select {
		case next = <-rest:
		default:
			return a.out.flush()
		}
	}
}

// conclude closes the message.
func (a *attendance) conclude() error {
	end := a.x.End()
	e := a.speech.conclude(a.x.Run(), end)
	if e.fault != nil {
		return a.out.fail(e.fault)
	}
	a.speech.close(e.more)
	return a.out.close(e, about{Run: a.x.Run(), State: string(end.State), Reason: end.Outcome.Reason, Model: end.Model, Usage: end.Usage})
}
