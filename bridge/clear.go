package bridge

import (
	"context"
	"errors"
	"fmt"
)

// lost is a call whose outcome is not known: what [Doubt.Why] will say.
type lost struct{ why string }

func (l *lost) Error() string { return "the outcome is not known: " + l.why }

// make makes one call, or finds out what became of it. An outcome means that the run
// ends, or waits for somebody who knows.
func (r *run) make(ctx context.Context, t *turn, c *call) (*Outcome, error) {
	for c.result == nil && ctx.Err() == nil {
		held, err := r.held(ctx, t, c)
		switch {
		case err != nil:
			return nil, err
		case held:
			return r.history.awaiting([]*call{c}, r.options.Now()), nil
		}
		if c.doubt != nil {
			if outcome, err := r.clear(ctx, t, c); outcome != nil || err != nil {
				return outcome, err
			}
			continue
		}
		if !r.begin(ctx, t, c) {
			continue // it has a result, or is in doubt
		}
		if err := r.commit(ctx); err != nil {
			return nil, err
		}
		result, err := r.call(ctx, t, c)
		var unknown *lost
		var approval *needed
		switch {
		case errors.As(err, &approval):
			r.asked(t, c, approval)
			if err := r.askAhead(ctx, t, c); err != nil {
				return nil, err
			}
		case errors.As(err, &unknown):
			r.doubt(t, c, unknown.why)
		case err != nil:
			return nil, err
		default:
			r.note(EntryResult, result)
		}
	}
	return nil, nil
}

// again decides about a call that an earlier life began: it reports true if it is to be
// made under its key, else it notes that its outcome is in doubt.
//
// A server that notes each call before it makes it can be asked: it makes the call if
// it had not come to that, gives the first result again if there was one, and says so
// if it does not know either.
func (r *run) again(t *turn, c *call) bool {
	if c.approved != nil {
		// Another intent, so that a crash behind it is not taken for a call that was not made.
		intent := *c.intent
		intent.Again++
		r.note(EntryIntent, intent)
		return true
	}
	if c.sure || c.intent.policy() == PolicyRetry || c.intent.Claimed {
		c.tried = !c.sure
		return true
	}
	r.doubt(t, c, "the program stopped before the answer came")
	return false
}

func (r *run) doubt(t *turn, c *call, why string) {
	r.note(EntryDoubt, Doubt{Answer: t.seq, Index: c.index, CallID: c.id, Policy: c.intent.policy(), Why: why})
}

// clear does what there is to do about a call whose outcome is in doubt.
func (r *run) clear(ctx context.Context, t *turn, c *call) (*Outcome, error) {
	if outcome := r.history.inDoubt(); outcome != nil {
		return outcome, nil
	}
	if c.decision != nil || c.missed() {
		// Another intent, so that a crash behind it is another doubt.
		intent := *c.intent
		intent.Again++
		r.note(EntryIntent, intent)
		c.sure = true
		return nil, nil
	}
	return r.lookUp(ctx, t, c)
}

// lookUp asks the far side whether a call took effect.
func (r *run) lookUp(ctx context.Context, t *turn, c *call) (*Outcome, error) {
	unclear := func(why string) (*Outcome, error) {
		r.note(EntryChecked, Checked{Answer: t.seq, Index: c.index, Finding: Unclear, Why: why})
		return nil, nil
	}
	if r.task.LookUp == nil {
		return unclear("no look-up is known here")
	}
	question, err := r.task.LookUp(c.intent.Tool, c.intent.Arguments, c.intent.Key)
	if err != nil {
		return unclear(err.Error())
	}
	if left := question.After - r.options.Now().Sub(c.doubted); left > 0 {
		return r.history.waiting(OutcomeCheck, fmt.Sprintf("%s: %s will tell", c.doubtful(), question.Tool), left), nil
	}
	if !r.functions.reads(question.Tool) {
		return unclear(fmt.Sprintf("%s is no read that the agent may call", question.Tool))
	}
	if c.check == nil {
		r.note(EntryCheck, Check{Answer: t.seq, Index: c.index, Tool: question.Tool, Arguments: question.Arguments, Key: c.intent.Key + "_check"})
	}
	if err := r.commit(ctx); err != nil {
		return nil, err
	}
	returned, err := r.inquire(ctx, c.check)
	switch {
	case err != nil:
		return nil, err
	case returned.IsError:
		return unclear(fmt.Sprintf("%s answered with an error: %s", question.Tool, opening(returned.Content)))
	}
	found, err := question.Judge(returned.Content)
	switch {
	case err != nil:
		return unclear(err.Error())
	case !found:
		r.note(EntryChecked, Checked{Answer: t.seq, Index: c.index, Finding: NotFound, Content: returned.Content})
		return nil, nil
	}
	r.note(EntryChecked, Checked{Answer: t.seq, Index: c.index, Finding: Found})
	r.note(EntryResult, Result{Answer: t.seq, Index: c.index, CallID: c.id, Code: LookedUp, Taints: c.intent.Taints || r.functions.taints(question.Tool),
		Content: fmt.Sprintf("This call took effect. Its own answer was lost; %s shows it:\n%s", question.Tool, returned.Content)})
	return nil, nil
}

// inquire makes the look-up. It is a read: what comes of it does no harm.
func (r *run) inquire(ctx context.Context, check *Check) (CallResult, error) {
	intent := &Intent{Function: check.Tool, Tool: check.Tool, Arguments: check.Arguments, Effect: Read, Idempotent: true, Key: check.Key}
	if r.task.Fresh != nil {
		ctx = r.task.Fresh(ctx)
	}
	return r.send(ctx, intent, &Result{}, false)
}
