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

	said    time.Time       // when the audience was last told something
	waiting context.Context // for the run's next event, until the time below
	until   time.Time
	stop    context.CancelFunc // gives it back
}

// attend says to the audience what the run does, until the exchange is over, and
// leaves it.
func (a *attendance) attend(ctx context.Context) error {
	defer a.x.Leave()
	defer func() { a.rest() }()
	a.said = time.Now()
	for {
		event, err := a.next(ctx)
		if err == nil {
			err = a.take(event)
		}
		switch {
		case err == nil:
		case ctx.Err() != nil, errors.Is(err, errGone):
			return errGone
		case errors.Is(err, context.DeadlineExceeded):
			if a.parked.over(time.Now()) {
				return a.out.fail(away(a.x.Run(), a.parked.why, a.cancels))
			}
			if err := a.keepUp(); err != nil {
				return err
			}
		case errors.Is(err, io.EOF):
			return a.conclude()
		default:
			return a.out.fail(brokenOff(a.x.Run()))
		}
	}
}

// keepUp tells the audience that there is nothing yet, if it has heard nothing for
// long enough.
func (a *attendance) keepUp() error {
	if time.Since(a.said) < a.keepAlive {
		return nil
	}
	a.said = time.Now()
	return a.out.alive()
}

// most is how many events are said at once when they are there already.
const most = 32

// take says one event and those that wait behind it. Its error is the exchange's, or
// errGone.
func (a *attendance) take(event bridge.Event) error {
	var over error
	for n := 1; ; n++ {
		a.parked.note(event, a.patience)
		a.speech.hear(event)
		if a.show {
			a.out.activity(line(event))
		}
		if n == most {
			break
		}
		if event, over = a.x.Next(atOnce); over != nil {
			break
		}
	}
	sent, err := a.out.flush()
	switch {
	case err != nil:
		return errGone
	case sent:
		a.said = time.Now()
	}
	if errors.Is(over, context.Canceled) { // by atOnce: there is no more right now
		return nil
	}
	return over
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
