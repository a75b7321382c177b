package guard

import (
	"context"
	"fmt"

	"drawbridge/tools"
)

// dryRun answers what a call would do, and ends it there. Reads pass: they change
// nothing, and without them nobody could see what would follow.
//
// The answer is an error of the tool's, code dry_run. A result it cannot be: that has to
// fit the tool's output schema, which clients hold it against, and an invented one (an id
// of a refund that was never made) is what a model would go on with.
type dryRun struct{}

func (dryRun) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		if a.verdict.Action == DryRun && a.dry == "" {
			a.dry = fmt.Sprintf("the rule %q", cut(a.verdict.Rule, maxName))
		}
		if a.inDryRun() {
			return a.wouldDo()
		}
		if a.verdict.Action == DryRun {
			a.verdict.Action = Allow // a read: there is nothing that could be left undone
		}
		return next(ctx, a)
	}
}

// inDryRun reports whether the attempt must not change anything, though its tool would.
func (a *attempt) inDryRun() bool { return a.dry != "" && a.effect() != tools.Read }

// maxSpoken is how many characters of the arguments are repeated in words.
const maxSpoken = 4000

// wouldDo is the answer to an attempt in dry run.
func (a *attempt) wouldDo() Result {
	a.rule = cut("dry_run: "+a.dry, maxRule)
	first := ""
	if a.verdict.Action == Approve {
		first = " It would need an approval first."
	}
	return Result{Err: tools.Errorf(tools.DryRun, "nothing was done: %s is in dry run. Otherwise %s would be called now (%s), with these arguments: %s.%s "+
		"Nothing was wrong with the call. There is no result; say what you would have done, and do not call it again.",
		a.dry, a.Tool, doing(a.tool.Tool), cut(string(a.Arguments), maxSpoken), first)}
}

// doing says in words what the tool's effect is.
func doing(tool tools.Tool) string {
	switch tool.Effect {
	case tools.Message:
		return "something leaves the company"
	case tools.Money:
		return "money moves, or is asked for"
	}
	if tool.Destructive {
		return "something is changed, and cannot simply be changed back"
	}
	return "something is changed"
}
