package guard

import (
	"context"
	"log/slog"
	"time"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

// audit leaves one row for every attempt, in one commit with what is to be
// remembered of it. It is the outermost stage, so that it sees every refusal.
type audit struct {
	ledger Ledger
	now    func() time.Time
	log    *slog.Logger
}

func (s audit) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		began := s.now()
		return s.record(ctx, a, next(ctx, a), began)
	}
}

// record gives the result out once its row is written.
//
//go:noinline
func (s audit) record(ctx context.Context, a *attempt, result Result, began time.Time) Result {
	row, settled := s.row(a, result, began), a.settled(s.now())
	if a.putAside(ctx, row) {
		return result
	}
	// A caller that went away does not keep its call out of the books.
	err := s.ledger.Record(context.WithoutCancel(ctx), row, settled)
	if err == nil {
		return result
	}
	s.log.Error("recording a call", "principal", a.Principal.String(), "tool", cut(a.Tool, maxName),
		"run", a.Run, "decision", a.decision, "error", err)
	return unrecorded(a, result)
}

func (s audit) row(a *attempt, result Result, began time.Time) Row {
	row := Row{
		At:        began,
		Principal: name(a.Principal),
		Door:      a.Door,
		Tool:      cut(a.Tool, maxName),
		Effect:    a.effect(),
		Decision:  a.decision,
		Rule:      a.rule,
		Outcome:   "ok",
		Duration:  s.now().Sub(began),
		Run:       a.Run,
		Key:       cut(a.Key, MaxKey),
		DryRun:    a.inDryRun(),
		Tainted:   a.Principal.Tainted,
		Approval:  a.approval,
		Policy:    a.verdict.Policy,
		Journaled: a.Principal.Kind == auth.Agent && a.Run != "" && a.ownKey && a.tool != nil && a.tool.WhenUnknown() == tools.Retry,
	}
	if result.Err != nil {
		row.Outcome = string(result.Err.Code)
	}
	if a.unreadable != nil {
		row.Arguments = unreadableArguments(len(a.Arguments))
	} else {
		row.Arguments = redactArguments(a.Arguments, a.arguments)
	}
	return row
}

// name is the principal's name in a row. Somebody whom no door resolved is nobody.
func name(p auth.Principal) string {
	if p.Kind == "" {
		return "nobody"
	}
	return p.String()
}

// unrecorded is the answer to a call whose row could not be written. No result is
// given out that nobody can account for; but neither is a caller told that nothing
// happened when something may have.
//
//   - Nothing was changed (a read, a refusal, a repeated result, a call that the tool
//     itself refused): unavailable, to be tried again.
//   - The tool was called and may have had its effect: outcome unknown. With a key of
//     the caller's own and a tool that honours keys, asking again is safe, since the
//     backend has the first result; otherwise it has to be looked up.
func unrecorded(a *attempt, result Result) Result {
	changed := a.reached && a.tool.Effect != tools.Read && mayHaveHappened(result.Err)
	if !changed {
		return Result{Err: tools.Errorf(tools.Unavailable,
			"the audit could not be written, so the call does not count; nothing was changed. Try again later.")}
	}
	return Result{Err: unknownOutcome(a, "the call was made, but the audit of it could not be written")}
}

// mayHaveHappened reports whether a call that ended with err may have taken
// effect. The codes that say the tool refused, or was never reached, are definite.
// Failed is not: it is a foreign system's word that something did not work, and a
// part of the effect may have taken place before.
func mayHaveHappened(err *tools.Error) bool {
	if err == nil {
		return true
	}
	switch err.Code {
	case tools.OutcomeUnknown, tools.Internal, tools.Failed:
		return true
	}
	return false
}

// unknownOutcome is the error of a call that may have taken effect, with what the
// caller can safely do about it.
func unknownOutcome(a *attempt, what string) *tools.Error {
	if a.tool.Idempotent && a.ownKey {
		err := tools.Errorf(tools.OutcomeUnknown,
			"%s. It may have taken effect. Ask again with the same idempotency key: it will not take effect twice.", what)
		err.Retryable = true
		return err
	}
	return tools.Errorf(tools.OutcomeUnknown,
		"%s. It may have taken effect. Do not call it again before you have looked up whether it did.", what)
}
