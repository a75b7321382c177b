package bridge

import (
	"context"
	"errors"
	"time"

	"drawbridge/bridge/openai"
)

// lastAnswer is how long the last question may take beyond the time of the budget.
const lastAnswer = 30 * time.Second

// ask puts one question to the model and notes the answer, to be committed with
// what follows from it. What was noted before is made durable meanwhile.
func (r *run) ask(ctx context.Context) (*Outcome, error) {
	left := r.history.wallLeft(r.options.Now())
	if r.history.closing != nil {
		left += lastAnswer
	}
	timed, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	if outcome, err := r.makeRoom(timed); outcome != nil || err != nil {
		return r.unasked(ctx, timed, outcome, err)
	}
	if r.task.Later != nil {
		if err := r.commit(ctx); err != nil {
			return nil, err
		}
		r.task.Later(r.question())
		return r.history.waiting(Batch, "waits for the answer to come with a batch", 0), nil
	}
	asking, stop := context.WithCancel(timed)
	defer stop()
	if err := r.commitBeside(ctx, stop); err != nil {
		return nil, err
	}
	answer, err := r.model.Complete(asking, r.question())
	if broken := r.landed(); broken != nil {
		return nil, broken
	}
	if err != nil {
		return r.unanswered(ctx, timed, err)
	}
	for _, passed := range answer.Passed {
		r.log.WarnContext(ctx, "another model answered", "model", passed.Model, "by", answer.By, "reason", passed.Why)
	}
	r.note(EntryAnswer, answer)
	return nil, nil
}

// question is what follows from the history: the same history and functions, the
// same bytes.
func (r *run) question() openai.Request {
	brief := &r.history.brief
	return openai.Request{
		Model: brief.Model, Fallback: brief.Fallback,
		Messages: r.history.view(), Functions: r.offering(), Params: r.params(), Hear: r.listener(),
	}
}

// offering are the functions that the coming question carries: none if it is the
// last one, if the caller wants no calls, or if answers come later.
func (r *run) offering() []openai.Function {
	if r.history.closing != nil || r.history.demand.mute() || r.task.Later != nil {
		return nil
	}
	return r.offered().functions
}

// params are how the model is to answer the coming question. What the caller chose
// among the functions holds for the first question only: a call that is required
// each time would never come to an answer.
func (r *run) params() openai.Params {
	h := r.history
	p := h.demand.params
	if len(h.turns) > h.demand.turns {
		p.ToolChoice = nil
	}
	if h.closing != nil || h.demand.mute() {
		p.ToolChoice, p.ParallelCalls = nil, nil // refused where there are no functions
	}
	if h.brief.Output != nil && h.closing == nil {
		p.ResponseFormat = h.brief.responseFormat()
	}
	return p
}

// unasked takes up that there was no room for the question.
func (r *run) unasked(ctx, timed context.Context, outcome *Outcome, err error) (*Outcome, error) {
	closing := r.history.closing
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case closing != nil && (err == nil || timed.Err() != nil):
		return r.history.failed(closing.Reason, ""), nil
	case timed.Err() != nil:
		r.close(r.history.timeUp())
		return nil, nil
	}
	return outcome, err
}

// unanswered takes up that the model gave no answer.
func (r *run) unanswered(ctx, timed context.Context, err error) (*Outcome, error) {
	r.unsay()
	h := r.history
	var failure *openai.Error
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case h.closing != nil:
		r.log.WarnContext(ctx, "the last question was not answered", "error", err)
		return h.failed(h.closing.Reason, ""), nil
	case timed.Err() != nil:
		r.close(h.timeUp())
		return nil, nil
	case !errors.As(err, &failure):
		return h.waiting(ModelUnavailable, err.Error(), 0), nil
	case failure.Reason == openai.TooLong:
		return r.tooLong(failure)
	case failure.Kind == openai.Transient:
		return h.waiting(ModelUnavailable, failure.Message, failure.RetryAfter), nil
	}
	return h.failed(ModelError, failure.Message), nil
}

// tooLong has the question made shorter than we would have thought it needs to be,
// once a turn.
func (r *run) tooLong(failure *openai.Error) (*Outcome, error) {
	if r.tightened == len(r.history.turns)+1 {
		return r.history.failed(ContextFull, failure.Message), nil
	}
	r.tightened = len(r.history.turns) + 1
	r.history.tight = true
	return nil, nil
}
