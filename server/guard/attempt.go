package guard

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"drawbridge/tools"
)

// attempt is one call on its way through the stages, with what they found out.
type attempt struct {
	Call
	caller context.Context         // as the caller gave it: see [ErrCancelled]
	ender  context.CancelCauseFunc // ends caller, which is there for this call alone; nil if it may not be ended
	tool   *guarded                // nil if there is none of that name
	// ownKey: Key is the caller's, so that it can be used again. Otherwise once
	// mints one for the backend alone.
	ownKey bool
	// window, if not nil, is whose key Key is: see [window].
	window *window

	// arguments are decoded once, for every stage; unreadable says why they could
	// not be.
	arguments  any
	unreadable error

	noted      Effected // as what the call counts, if it does
	place      int64    // in the order of calls that count, 0 if it does not
	notes      Notes    // of the policy
	verdict    Verdict  // of the policy
	dry        string   // who wants a dry run, "" if nobody does
	decision   Decision
	rule       string      // of the stage that refused or repeated
	reached    bool        // the tool was called
	first      bool        // it is known that none was, under the key, before
	hit        bool        // it was not, and the result is what an earlier read gave
	asked      atomic.Bool // the tool asked the person behind the caller something
	settlement *Settlement // to be stored with the audit row

	approval string // the id of the one that the call needed, if any
	uses     string // the id of the one that is used up by the call
	unused   string // the id of the one that the call used, and did not need
	sum      string // digest of the arguments, of a call under the caller's key
	claimed  bool   // the ledger has noted that the call is about to be made

	// recorded is told the final result once it is on record; nil if nobody waits.
	recorded func(Result)
}

// effect is the tool's, "" if there is no such tool.
func (a *attempt) effect() tools.Effect {
	if a.tool == nil {
		return ""
	}
	return a.tool.Effect
}

// question is the attempt as a policy judges it.
func (a *attempt) question() Question {
	return Question{Principal: a.Principal, Door: a.Door, Tool: a.tool.Tool, Arguments: a.arguments, Run: a.Run, Measure: a.noted.Measure, Place: a.place, Notes: a.notes}
}

func newAttempt(c Call, tool *guarded) *attempt {
	a := &attempt{Call: c, tool: tool, ownKey: c.Key != "", decision: Allowed}
	if isAbsent(c.Arguments) {
		a.Arguments = emptyObject
	}
	a.arguments, a.unreadable = decode(a.Arguments)
	switch {
	case c.DryRun:
		a.dry = "this call"
	case c.Principal.DryRun:
		a.dry = name(c.Principal)
	}
	return a
}

// refuse ends the attempt: by which stage, for which reason (for the audit), and
// with what the caller is told.
func (a *attempt) refuse(stage, reason string, err *tools.Error) Result {
	a.decision, a.rule = Refused, cut(stage+": "+reason, maxRule)
	return Result{Err: err}
}

// inconclusive reports whether an error tells nothing of an earlier call under the key: this
// one did not get to the tool, or that did not get to what is behind it.
func (a *attempt) inconclusive(err *tools.Error) bool {
	switch {
	case err == nil || a.first:
		return false
	case !a.reached:
		return true
	}
	return err.Code == tools.Denied || err.Code == tools.RateLimited || err.Code == tools.Unavailable
}

// repeat answers with the result of an earlier call.
func (a *attempt) repeat(reason string, first Result) Result {
	a.decision, a.rule = Repeated, cut("once: "+reason, maxRule)
	first.Repeated = true
	return first
}

// settled is what is to be stored with the audit row, nil for nothing.
func (a *attempt) settled(now time.Time) *Settlement {
	if a.unused == "" {
		return a.settlement
	}
	if a.settlement == nil {
		a.settlement = &Settlement{At: now}
	}
	a.settlement.Unused = a.unused
	return a.settlement
}

// finish gives the final result to those who wait for it. A call that ended in a
// panic has none, and must not leave them waiting.
func (a *attempt) finish(final Result) {
	if a.recorded == nil {
		return
	}
	if final.Output == nil && final.Err == nil {
		final.Err = tools.Hide(errors.New("the call ended without a result"))
	}
	a.recorded(final)
}

const (
	maxRule = 1000 // characters of a rule in an audit row
	maxName = 128  // characters of a name that the caller chose
)

// cut shortens text to at most limit characters and says how long it was.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return fmt.Sprintf("%s… [%d characters]", string(runes[:limit]), len(runes))
}
