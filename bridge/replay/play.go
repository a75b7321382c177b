package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// Options say what a run is replayed with. With none but Tools it is as it was.
type Options struct {
	// Tools are the definitions of those that there are. Nothing of them is called.
	Tools []bridge.Tool
	// Brief is what the run begins with; what it began with if nil.
	Brief *bridge.Brief
	// Model answers; if nil, the recorded answers are given.
	Model bridge.Model
	// Unrecorded says what becomes of calls that were never recorded, Tell by default.
	Unrecorded Policy
	// Watch, if set, hears what the run does.
	Watch bridge.Watch
	// Log is silent by default.
	Log *slog.Logger
}

// Played is how a replay went.
type Played struct {
	Entries []bridge.Entry
	// Outcome is how the run ended, nil if the replay went only so far; Stopped then says why.
	Outcome *bridge.Outcome
	Stopped string

	sources map[string]Source // of results, by the key of their calls
	callers map[string]Source // of results of the caller's, by the id that it knows the call by
}

// play is one replay under way.
type play struct {
	rec     *Recording
	o       Options
	tape    *tape
	calls   *calls
	model   bridge.Model
	answers *answers       // the model, if it is the recorded one
	asked   openai.Request // with a batch, if answers come later
	now     func() time.Time

	exchanges  int
	theirsUsed map[[2]int]bool
	callers    map[string]Source

	outcome *bridge.Outcome
	stopped string
}

// Play carries the run. The error is the context's, or that of a run that cannot be carried.
func (r *Recording) Play(ctx context.Context, o Options) (Played, error) {
	if o.Unrecorded == "" {
		o.Unrecorded = Tell
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	tooLong := map[int64]bool{}
	for {
		p := r.newPlay(o, tooLong)
		if err := p.carry(ctx); err != nil {
			return Played{}, err
		}
		// That the model found a question too long is not in the journal, but what the
		// bridge did then is.
		if asked := p.shortened(); asked != 0 && !tooLong[asked] {
			tooLong[asked] = true
			continue
		}
		return Played{Entries: p.tape.entries, Outcome: p.outcome, Stopped: p.stopped, sources: p.calls.sources, callers: p.callers}, nil
	}
}

func (r *Recording) newPlay(o Options, tooLong map[int64]bool) *play {
	t := &tape{was: r.entries, guided: o.Model == nil, open: r.outcome == nil}
	p := &play{rec: r, o: o, tape: t, calls: newCalls(r, o.Tools, o.Unrecorded, t), model: o.Model, now: time.Now,
		theirsUsed: map[[2]int]bool{}, callers: map[string]Source{}}
	brief := r.brief
	if o.Brief != nil {
		brief = *o.Brief
	}
	if p.model == nil {
		p.answers = &answers{said: r.said, tape: t, tooLong: tooLong, told: map[int64]bool{}}
		p.model = p.answers
		p.now = t.clock(r.entries[0].At, brief.Budget.Wall)
	}
	t.add(brief.Entry(p.now()))
	return p
}

// shortened is the answer before whose question the recorded run was made to show less, and
// the replay was not; 0 if that is not where the two part.
func (p *play) shortened() int64 {
	at := p.tape.at(p.tape.apart)
	if !p.tape.guided || at == nil || at.Kind != bridge.EntryFold && at.Kind != bridge.EntrySummary {
		return 0
	}
	for _, s := range p.rec.said {
		if s.seq > at.Seq && !s.summary {
			return s.seq
		}
	}
	return int64(len(p.rec.entries) + 1) // the question had no answer
}

// carry goes on until the run has ended, or the replay.
func (p *play) carry(ctx context.Context) error {
	b := bridge.New(p.model, bridge.Options{Now: p.now, Log: p.o.Log, Concurrency: 1}) // one call after the other: their order counts
	for {
		outcome, err := b.Run(ctx, p.task())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errStopped):
			p.stopped = "a call was never recorded: " + describe(p.calls.missing)
			return nil
		case errors.Is(err, errOver):
			p.stopped = errOver.Error()
			return nil
		case errors.Is(err, errCut):
			if !p.takeOver() {
				return nil
			}
			continue
		case err != nil:
			return fmt.Errorf("replaying run %q: %w", p.rec.run, err)
		}
		goOn, err := p.after(ctx, outcome)
		if err != nil || !goOn {
			return err
		}
	}
}

// task is the run as the bridge is given it, each time anew.
func (p *play) task() bridge.Task {
	t := bridge.Task{Lease: bridge.Lease{Run: p.rec.run, Epoch: 1}, Journal: p.tape, Session: bridge.Recorded(p.o.Tools, p.calls), Watch: p.o.Watch}
	if p.tape.guided {
		t.Worked = -ahead
		t.Agent.Daily, t.Today = bridge.Budget{Turns: daily}, p.tape.today
		t.LookUp, t.Approval = later, undecided
	}
	brief := p.rec.brief
	if p.o.Brief != nil {
		brief = *p.o.Brief
	}
	if brief.FunctionsHash == "" { // its answers come later
		t.Later = func(q openai.Request) { p.asked = q }
	}
	return t
}

// after takes up how a life of the run ended, and reports whether there is another.
func (p *play) after(ctx context.Context, outcome bridge.Outcome) (bool, error) {
	switch {
	case outcome.Status != bridge.Waiting:
		return p.ended(outcome), nil
	case outcome.Reason == bridge.ClientCalls:
		return p.callersTurn()
	case outcome.Reason == bridge.Batch:
		return p.late(ctx)
	case outcome.Reason == bridge.ApprovalNeeded:
		if p.tape.decided() {
			return true, nil
		}
		return p.takeOver(), nil
	case outcome.Reason == bridge.OutcomeOpen || outcome.Reason == bridge.OutcomeCheck:
		if p.tape.found() {
			return true, nil
		}
		return p.takeOver(), nil
	case p.tape.guided && p.answers.parked:
		p.answers.parked = false
		return true, nil
	case p.tape.guided:
		return p.takeOver(), nil
	}
	p.stopped = fmt.Sprintf("%s: %s", outcome.Reason, outcome.Answer)
	return false, nil
}

// ended closes the journal, and opens it again if somebody had the recorded run go on.
func (p *play) ended(outcome bridge.Outcome) bool {
	if err := p.tape.write(outcome.Entry(p.now())); err != nil {
		p.stopped = err.Error()
		return false
	}
	p.outcome = &outcome
	return p.resumed()
}

func (p *play) resumed() bool {
	next := p.tape.follow()
	if next == nil || next.Kind != bridge.EntryResume {
		return false
	}
	_ = p.tape.write(*next)
	p.outcome = nil
	return true
}

// takeOver ends the run as it was recorded, where that did not come from the run itself:
// somebody cancelled it, its model or its tools were away, a batch did not come.
func (p *play) takeOver() bool {
	next := p.tape.follow()
	switch {
	case next == nil && p.tape.guided && p.tape.apart == 0:
		p.stopped = errOver.Error()
		return false
	case next == nil || next.Kind != bridge.EntryOutcome:
		p.stopped = "the recorded run was not asked this, or had no answer to it"
		return false
	}
	p.outcome = outcomeOf(*next)
	_ = p.tape.write(*next)
	return p.resumed()
}

// late has the answer come that a question waits for.
func (p *play) late(ctx context.Context) (bool, error) {
	answer, err := p.model.Complete(ctx, p.asked)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	var failure *openai.Error
	switch {
	case err != nil && p.tape.guided:
		return p.takeOver(), nil
	case errors.As(err, &failure) && failure.Kind == openai.Permanent:
		outcome, err := bridge.LateFailure(p.rec.run, p.tape.entries, bridge.ModelError, failure.Message)
		if err != nil {
			return false, err
		}
		return p.ended(outcome), nil
	case err != nil:
		p.stopped = fmt.Sprintf("%s: %v", bridge.ModelUnavailable, err)
		return false, nil
	}
	e, err := bridge.LateAnswer(p.rec.run, p.tape.entries, answer, p.now())
	if err != nil {
		return false, err
	}
	return true, p.tape.write(e)
}
