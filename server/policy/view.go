package policy

import (
	"context"
	"reflect"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

// view is one call as conditions see it. What has to be looked up is looked up when a
// condition first comes to it, and kept.
type view struct {
	ctx    context.Context
	policy *Policy
	q      guard.Question
	now    time.Time
	args   any // nil until asked for
	notes  guard.Notes
	// result is what a fact's value is an expression over.
	result any
}

var _ cel.Activation = (*view)(nil)

func (p *Policy) view(ctx context.Context, q guard.Question) *view {
	v := &view{ctx: ctx, policy: p, q: q, notes: q.Notes}
	if v.notes == nil {
		v.notes = guard.Notes{}
	}
	return v
}

// Parent is none.
func (v *view) Parent() cel.Activation { return nil }

// ResolveName gives a variable's value. One that cannot be had is an error value, and a
// condition that needs it fails.
func (v *view) ResolveName(name string) (any, bool) {
	if value, ok := v.call(name); ok {
		return value, true
	}
	kept, ok := v.notes[name]
	if !ok {
		value, err := v.lookUp(name)
		if err != nil {
			value = types.WrapErr(err)
		}
		v.notes[name], kept = value, value
	}
	return kept, kept != nil
}

// call is what the call itself says.
func (v *view) call(name string) (any, bool) {
	p, t := &v.q.Principal, &v.q.Tool
	switch name {
	case "tool":
		return t.Name, true
	case "effect":
		return string(t.Effect), true
	case "args":
		if v.args == nil {
			v.args = plain(v.q.Arguments)
		}
		return v.args, true
	case "principal":
		return p.String(), true
	case "principal.kind":
		return string(p.Kind), true
	case "principal.name":
		return p.Name, true
	case "agent":
		if p.Kind != auth.Agent {
			return "", true
		}
		return p.Name, true
	case "source":
		return v.source(), true
	case "door":
		return v.q.Door, true
	case "run.id":
		return v.q.Run, true
	case "run.tainted":
		return p.Tainted, true
	case "run.trigger":
		return p.For, true
	case "call.destructive":
		return t.Destructive, true
	case "call.open_world":
		return t.OpenWorld, true
	case "call.mounted":
		return t.Mounted, true
	case "call.local":
		return v.local(), true
	case totalsName:
		return &asking{v}, true
	case "result":
		return v.result, true
	}
	return nil, false
}

// source is the webhook or schedule that began the run.
func (v *view) source() string {
	kind, name, _ := strings.Cut(v.q.Principal.For, ":")
	if auth.Kind(kind) == auth.Webhook || auth.Kind(kind) == auth.Schedule {
		return name
	}
	return ""
}

// local reports whether somebody at this machine asks for the call, who typed what is
// being done: over stdio or loopback, or as the trigger of a run that has read nothing
// from outside.
func (v *view) local() bool {
	p := &v.q.Principal
	return p.Kind == auth.Local || p.Kind == auth.Agent && !p.Tainted && strings.HasPrefix(p.For, string(auth.Local)+":")
}

func (v *view) clock() time.Time {
	if v.now.IsZero() {
		v.now = time.Now()
		if v.policy.options.Now != nil {
			v.now = v.policy.options.Now()
		}
	}
	return v.now
}

// asking is what spent and count ask, of the call that is judged.
type asking struct{ v *view }

// answer adds up what has a lower place than the call: of two at once the second finds
// the first.
func (a *asking) answer(function string, given []string) ref.Val {
	span, ok := guard.Periods[given[1]]
	if !ok {
		return types.WrapErr(&factError{function, "the period is none of hour, day, week, month"})
	}
	totals := a.v.policy.options.Totals
	if totals == nil {
		return types.WrapErr(&factError{function, "there are no totals"})
	}
	q := guard.Tally{Tool: given[0], Since: a.v.clock().Add(-span), Before: a.v.q.Place}
	rest := given[2:]
	if function == "spent" {
		q.Currency, rest = strings.ToUpper(rest[0]), rest[1:]
	}
	if len(rest) > 0 {
		q.Principal = rest[0]
	}
	sum, err := totals.Sum(a.v.ctx, q)
	switch {
	case err != nil:
		return types.WrapErr(&factError{function, "the totals cannot be read"})
	case function == "count":
		return types.Int(sum.Calls)
	}
	return types.Int(sum.Minor)
}

// What CEL wants of a value.

func (a *asking) ConvertToNative(reflect.Type) (any, error) { return a, nil }
func (a *asking) ConvertToType(ref.Type) ref.Val            { return types.NewErr("totals are nothing else") }
func (a *asking) Equal(ref.Val) ref.Val                     { return types.False }
func (a *asking) Type() ref.Type                            { return totalsType }
func (a *asking) Value() any                                { return a }
