package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"drawbridge/bridge/openai"
)

// run is one life of a run.
type run struct {
	*Bridge
	task      Task
	log       *slog.Logger
	history   *history
	functions *functions
	offer     *offer  // of the last request
	seen      int     // turns that the offer follows from
	pending   []Entry // applied to the history, not yet durable
	untold    []Event // of pending entries
	writing   *write  // entries before those, on their way to the disk
	broken    error   // the journal's: nothing more is written
	heard     bool    // words of an answer that is not journaled yet
	tightened int     // the turn whose question was too long for the model
	scale     scale
}

func (r *run) carry(ctx context.Context) (Outcome, error) {
	entries, err := r.task.Journal.Entries(ctx, r.task.Lease.Run)
	if err != nil {
		return Outcome{}, fmt.Errorf("reading the journal: %w", err)
	}
	if r.history, err = replay(r.task.Lease.Run, entries); err != nil {
		return Outcome{}, err
	}
	r.history.worked, r.history.began = r.task.Worked, r.options.Now()
	if r.history.outcome != nil {
		return *r.history.outcome, nil
	}
	defer r.landed() // a panic must not leave a write behind
	outcome := r.settled()
	if outcome == nil {
		outcome, err = r.open(ctx)
	}
	for outcome == nil && err == nil {
		outcome, err = r.step(ctx)
	}
	switch {
	case err != nil:
		return Outcome{}, errors.Join(err, r.commit(ctx)) // what happened has happened
	case r.task.Whole && outcome.Status != Waiting:
		return r.unwritten(*outcome), r.landed()
	}
	return *outcome, r.commit(ctx)
}

// settled is the outcome of a run in which nothing is left to do by us. It needs no
// tool server to be told.
func (r *run) settled() *Outcome {
	h := r.history
	if h.open() == nil {
		outcome, _ := h.judge()
		return outcome
	}
	if outcome := h.inDoubt(); outcome != nil {
		return outcome
	}
	theirs := h.callersTurn()
	switch {
	case len(theirs) == 0:
		return nil
	case r.task.CallerGone:
		return h.failed(ClientGone, "")
	}
	return h.waiting(ClientCalls, fmt.Sprintf("waits for the results of %d calls that are the caller's to make", len(theirs)), 0)
}

// step does what comes next: the calls of the last answer, or the next question. An
// outcome means that nothing does.
func (r *run) step(ctx context.Context) (*Outcome, error) {
	if t := r.history.open(); t != nil {
		return r.act(ctx, t)
	}
	outcome, note := r.history.judge()
	if outcome != nil {
		return outcome, nil
	}
	if note != nil {
		r.note(EntryNote, *note)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	outcome, err := r.withinBudget(ctx)
	if outcome != nil || err != nil {
		return outcome, err
	}
	return r.ask(ctx)
}

// inward reports whether the body of an entry tells of nothing that reaches beyond the
// store: of the brief and of the model's answers, which can be asked for again, and of
// calls of tools that work on the store alone.
func (h *history) inward(body any) bool {
	switch b := body.(type) {
	case Brief, openai.Answer:
		return true
	case Intent:
		return b.Inward
	case Result:
		c, err := h.call(b.Answer, b.Index)
		return err == nil && (c.intent == nil || c.intent.Inward)
	}
	return false
}

// note applies an entry to the history and holds it for the next commit.
func (r *run) note(kind EntryKind, body any) {
	e := Entry{Seq: r.history.last + 1, Kind: kind, At: r.options.Now(), Body: encode(body)}
	if err := r.history.apply(e); err != nil {
		panic(fmt.Sprintf("bridge: noting an entry of its own: %v", err))
	}
	e.Inward = r.history.inward(body)
	r.pending = append(r.pending, e)
	if r.task.Watch == nil {
		return
	}
	if event, told := r.history.event(e); told {
		r.untold = append(r.untold, event)
	}
}
