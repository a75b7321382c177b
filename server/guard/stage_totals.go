package guard

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"drawbridge/tools"
)

// count notes what moves money and what leaves the company, and the calls that rules ask
// the number of, before any rule or limit adds them up. What turns out to have done
// nothing, because it was refused say, is taken back.
//
// It stands behind once: a repeated call is none. A call that is noted and never taken
// back, because the process died or the answer was lost, counts as done: it may have been,
// whatever becomes of another try under its key.
type count struct {
	totals  Totals // nil counts nothing
	measure func(ctx context.Context, q Question) Measure
	also    []string
	now     func() time.Time
	log     *slog.Logger
}

func (s count) around(next step) step {
	if s.totals == nil {
		return next
	}
	return func(ctx context.Context, a *attempt) Result {
		if s.counts(a) {
			return s.counted(ctx, a, next)
		}
		return next(ctx, a)
	}
}

// counted goes on behind the note of a call that counts.
func (s count) counted(ctx context.Context, a *attempt, next step) Result {
	a.noted = Effected{ID: rand.Text(), Principal: a.Principal.String(), Tool: a.Tool, Effect: a.tool.Effect, At: s.now()}
	if a.ownKey {
		a.noted.ID = a.noted.Principal + "\n" + a.Key
	}
	if s.measure != nil {
		a.notes = Notes{}
		a.noted.Measure = s.measure(ctx, a.question())
	}
	var known bool
	var err error
	if a.place, known, err = s.totals.Reserve(ctx, a.noted); err != nil {
		s.log.Error("counting a call", "tool", a.Tool, "principal", a.noted.Principal, "run", a.Run, "error", err)
		return a.refuse("count", "the totals are out of order", tools.Errorf(tools.Unavailable,
			"what was done so far could not be looked up, so the call was not made; nothing was changed. Try again later."))
	}
	result := next(ctx, a)
	if (a.reached || a.hit) && mayHaveHappened(result.Err) || known && !again(ctx) {
		return result
	}
	// If that fails it counts for a while, though it did nothing: too much is counted
	// rather than too little.
	if err := s.totals.TakeBack(context.WithoutCancel(ctx), a.noted.ID); err != nil {
		s.log.Error("taking a call back that did nothing", "tool", a.Tool, "principal", a.noted.Principal, "run", a.Run, "error", err)
	}
	return result
}

func (s count) counts(a *attempt) bool {
	t := &a.tool.Tool
	return t.Effect == tools.Money || t.Effect == tools.Message || len(s.also) > 0 && tools.Match(s.also, t.Name)
}
