package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"drawbridge/tools"
)

// approve lets a call that a rule wants approved through once people have agreed to it.
// Until then the call ends with [tools.ApprovalRequired], and the approval is there to be
// decided about; who makes the same call again finds the decision. See approval.go for
// what an approval is bound to.
//
// The approval is used up by the claim stage, behind this one and right before the call.
// A crash, and what the same call finds after it; "keyed" has a key of the caller's, and
// "honoured" a tool whose backend stores it with the effect:
//
//	before the asking               nothing: it is asked for
//	behind it                       the same approval
//	behind a decision               the decision; a run's was made due with it
//	before the claim                the approval, not used: the call is made
//	behind it, up to the audit row  honoured: made again under its key, one effect
//	                                keyed: nobody knows; a person, or a look-up, says (WithAgain)
//	                                no key: another approval is asked for
//	behind the audit row            keyed: the first result; no key: another approval
//
// So an approval is never good for two calls, and only a call that nobody can tell from
// another one (it has no key) loses it.
type approve struct {
	approvals Approvals
	reached   func(Point)
	now       func() time.Time
	log       *slog.Logger
}

func (s approve) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		then := next
		if askedAhead(ctx) {
			then = notYet
		}
		if a.verdict.Action == Approve {
			return s.ask(ctx, a, then)
		}
		return then(ctx, a)
	}
}

// ask asks for an approval, and goes on if there is one.
func (s approve) ask(ctx context.Context, a *attempt, next step) Result {
	if s.approvals == nil {
		return a.refuse("approve", a.verdict.Rule, tools.Errorf(tools.Denied,
			"this call needs somebody's approval, and nobody can be asked here. Nothing was done."))
	}
	// What is asked for is not half asked for because its caller went away.
	found, err := s.approvals.Ask(context.WithoutCancel(ctx), s.wanted(a))
	if err != nil {
		s.log.Error("asking for an approval", "tool", a.Tool, "principal", a.Principal.String(), "run", a.Run, "error", err)
		return a.refuse("approve", "the approvals are out of order", tools.Errorf(tools.Unavailable,
			"this call needs an approval, and nobody could be asked for it now; nothing was done. Try again later."))
	}
	s.reached(BehindAsk)
	a.approval = found.ID
	result := s.judge(ctx, a, found, next)
	result.Approval, result.ApprovalState, result.ApprovalExpires = found.ID, found.State, found.Expires
	return result
}

// judge goes on by how the approval stands.
func (s approve) judge(ctx context.Context, a *attempt, found Approval, next step) Result {
	switch found.State {
	case ApprovalGiven:
		a.uses = found.ID
		return next(ctx, a)
	case ApprovalUsed:
		// The same call, under its key, that was broken off: it was agreed to.
		if a.ownKey && (a.effect() == tools.Read || a.tool.Idempotent || again(ctx)) {
			return next(ctx, a)
		}
		return s.refuse(a, found, tools.Errorf(tools.Denied,
			"the approval %s of this call was used. It holds for one call: make a new one, under a new idempotency key. Nothing was done now.", found.ID))
	case ApprovalDenied:
		a.first = true // or the approval would have been used
		return s.refuse(a, found, tools.Errorf(tools.Denied, "%s", denial(found)))
	case ApprovalExpired:
		a.first = true
		return s.refuse(a, found, tools.Errorf(tools.Denied,
			"the approval %s of this call ran out at %s: %s. Nothing was done.", found.ID, stamp(found.Expires), ranOut(found)))
	}
	err := tools.Errorf(tools.ApprovalRequired, "%s", found.Waiting())
	err.Retryable = true
	return s.refuse(a, found, err)
}

func (s approve) refuse(a *attempt, found Approval, err *tools.Error) Result {
	return a.refuse("approve", string(found.State)+" "+found.ID+" ("+a.verdict.Rule+")", err)
}

// wanted is the approval that the call needs.
func (s approve) wanted(a *attempt) Approval {
	p, now := a.Principal, s.now()
	call := []string{p.String(), p.For, a.Run, a.Tool, digest(a.arguments)}
	wanted := Approval{
		ID:   "apr_" + strings.ReplaceAll(uuid.Must(uuid.NewV7()).String(), "-", ""),
		Call: digestOf(call...), Digest: digestOf(append(call, a.verdict.Policy)...),
		Principal: p.String(), For: p.For, Door: a.Door, Run: a.Run, Tool: a.Tool, Effect: a.effect(),
		Arguments: redactArguments(a.Arguments, a.arguments),
		Rule:      cut(a.verdict.Rule, maxRule), Reason: cut(a.verdict.Reason, maxRule), Policy: a.verdict.Policy, Terms: a.verdict.Terms,
		State: ApprovalPending, Created: now, Expires: now.Add(a.verdict.Terms.Lasts()),
	}
	if a.ownKey {
		wanted.Key = a.Key
	}
	return wanted
}

// digestOf is the hex SHA-256 of texts of which none can run into the next.
func digestOf(texts ...string) string {
	hash := sha256.New()
	for _, text := range texts {
		hash.Write([]byte(strconv.Itoa(len(text)) + ":" + text))
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// Waiting says to whoever called that the call waits, for whom, until when, and how to go
// on.
func (a Approval) Waiting() string {
	who := "somebody who may decide"
	if len(a.Terms.By) > 0 {
		who = "one of " + strings.Join(a.Terms.By, ", ")
	}
	if needs := a.Terms.Needs(); needs > 1 {
		who = fmt.Sprintf("%d different people of those who may decide", needs)
		if len(a.Terms.By) > 0 {
			who = fmt.Sprintf("%d different people of %s", needs, strings.Join(a.Terms.By, ", "))
		}
	}
	why := ""
	if a.Reason != "" {
		why = " (" + strings.TrimRight(a.Reason, ".") + ")"
	}
	how := "make the same call again"
	if a.Key != "" {
		how = "make the same call again under the same idempotency key"
	}
	return fmt.Sprintf("this call needs an approval%s, and was not made yet. Approval %s waits until %s for %s; whoever called cannot give it. "+
		"Once it is given, %s, with exactly these arguments: other arguments need an approval of their own.", why, a.ID, stamp(a.Expires), who, how)
}

// denial says to whoever called that somebody denied the call, and why.
func denial(a Approval) string {
	d, _ := a.Denial()
	text := fmt.Sprintf("%s denied this call (approval %s)", d.By, a.ID)
	if d.Note != "" {
		text += ": " + strings.TrimRight(d.Note, ".")
	}
	return text + ". Nothing was done; do not try it again in another way."
}

func ranOut(a Approval) string {
	if a.Missing() == 0 {
		return "it was given, and the call was not made in time"
	}
	return "not enough people decided in time"
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
