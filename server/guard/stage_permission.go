package guard

import (
	"context"
	"slices"
	"strings"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

// permission lets a principal call its own tools only, and of these such as have effects
// that it was granted. To everybody else a tool
// does not exist: the answer is the same as for a name that nobody may call, and
// only the audit tells them apart. One exception is the holder of a token whose issuer has a
// scope for the tool: see [missingScopes].
type permission struct{}

func (permission) around(next step) step {
	return func(ctx context.Context, a *attempt) Result {
		if reason := a.forbidden(); reason != "" {
			return a.forbid(reason)
		}
		return next(ctx, a)
	}
}

// forbidden says why the principal may not make the call, "" if it may.
//
//go:noinline
func (a *attempt) forbidden() (reason string) {
	switch {
	case a.tool == nil && a.Tool == "":
		return "no tool is named"
	case a.tool == nil:
		return "no such tool"
	case !permitted(a.Principal, a.Tool, a.tool.Effect):
		return "not among the principal's tools"
	case !a.Principal.MayEffect(string(a.tool.Effect)):
		return "the principal may not have the effect " + string(a.tool.Effect)
	case a.tool.ForClients && !talks(a.Principal):
		return "the principal may talk to no agent"
	}
	return ""
}

func (a *attempt) forbid(reason string) Result {
	if scopes := missingScopes(a.Principal, a.tool, a.Tool); scopes != nil {
		refused := a.refuse("permission", reason+"; a scope is missing", tools.Errorf(tools.Denied,
			"the token does not have a scope that %q needs: get one with the scopes %s.", a.Tool, strings.Join(scopes, " ")))
		refused.Scopes = scopes
		return refused
	}
	return a.refuse("permission", reason, tools.Errorf(tools.Denied,
		"there is no tool %q that you may call. Call tools/list to see which ones you may.", cut(a.Tool, maxName)))
}

// permitted reports whether the tool's name is among the principal's, and among those of the
// caller that it acts for.
func permitted(p auth.Principal, tool string, effect tools.Effect) bool {
	return tools.Match(p.Tools, tool) && (p.Within == nil || tools.Match(p.Within, tool)) && paired(p.Pairs, tool, effect)
}

// paired reports whether one part of what a token opens has both the tool and the effect:
// the effects of one scope do not count for the tools of another.
func paired(pairs []auth.Pair, tool string, effect tools.Effect) bool {
	return pairs == nil || slices.ContainsFunc(pairs, func(p auth.Pair) bool {
		return tools.Match(p.Tools, tool) && slices.Contains(p.Effects, string(effect))
	})
}

// talks reports whether the principal may talk to agents at all. A run never may: it
// would have others do what it may not.
func talks(p auth.Principal) bool { return p.Kind != auth.Agent && len(p.Agents) > 0 }
