package guard

import (
	"context"

	"drawbridge/tools"
)

// permission lets a principal call its own tools only. To everybody else a tool
// does not exist: the answer is the same as for a name that nobody may call, and
// only the audit tells them apart.
type permission struct{}

func (permission) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		reason := ""
		switch {
		case a.tool == nil && a.Tool == "":
			reason = "no tool is named"
		case a.tool == nil:
			reason = "no such tool"
		case !tools.Match(a.Principal.Tools, a.Tool):
			reason = "not among the principal's tools"
		default:
			return next(ctx, a)
		}
		return a.refuse("permission", reason, tools.Errorf(tools.Denied,
			"there is no tool %q that you may call. Call tools/list to see which ones you may.", cut(a.Tool, maxName)))
	}
}
