package policy

import (
	"context"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

// Judge gives the outcome of the first rule that fits. A call that no rule fits is
// allowed: whether it is permitted at all was decided before.
func (p *Policy) Judge(ctx context.Context, q guard.Question) guard.Verdict {
	if q.Principal.Kind == Kind && q.Tool.Effect == tools.Read {
		return guard.Verdict{Action: guard.Allow, Rule: "facts"} // ours, for a rule that is being tried
	}
	left := p.index.of(kindOf(&q.Tool))
	if last := len(left.rules) - 1; left.settled {
		return p.try(ctx, q, left.rules[:last], verdictOf(p.rules[left.rules[last]].Rule))
	}
	return p.try(ctx, q, left.rules, guard.Verdict{Action: guard.Allow})
}

// try gives the outcome of the first of some rules that fits, and otherwise what is said
// of calls that none fits.
func (p *Policy) try(ctx context.Context, q guard.Question, rules []int, otherwise guard.Verdict) guard.Verdict {
	if len(rules) == 0 {
		return otherwise
	}
	v := p.view(ctx, q)
	for _, i := range rules {
		fits, err := holds(p.rules[i].when, v)
		switch {
		case err != nil:
			return unevaluable(p.rules[i].Name, err)
		case fits:
			return verdictOf(p.rules[i].Rule)
		}
	}
	return otherwise
}

// holds evaluates a condition. Whatever goes wrong in it is an error, a panic too.
func holds(when cel.Program, v *view) (fits bool, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			fits, err = false, errPanic
		}
	}()
	result, _, err := when.Eval(v)
	if err != nil {
		return false, err
	}
	truth, ok := result.(types.Bool)
	if !ok {
		return false, fmt.Errorf("it gives %s, not true or false", result.Type().TypeName())
	}
	return bool(truth), nil
}

func verdictOf(r Rule) guard.Verdict {
	v := guard.Verdict{Action: r.Then, Rule: r.Name, Reason: r.Reason, Terms: r.Terms, Redact: r.Redact}
	if r.Then == Redact {
		v.Action = guard.Allow
	}
	return v
}

// unevaluable denies, and says which rule could not be evaluated and why: what kind of
// thing was missing, never a value.
func unevaluable(name string, err error) guard.Verdict {
	return guard.Verdict{Action: guard.Deny, Rule: name + ": could not be evaluated: " + describe(err),
		Reason: fmt.Sprintf("the rule %q could not be evaluated (%s), and so the call is denied. Nothing was done. "+
			"Complete the arguments if something is missing in them, or tell a person.", name, describe(err))}
}
