package policy

import (
	"sync"
	"sync/atomic"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"drawbridge/tools"
)

// Of most rules it can be told from the tool alone that they are about none of its calls:
// `effect == "money" && ...` of a read, say. So for each tool that is called it is found out
// once which rules are left, by evaluating all of them with nothing known but the tool; and
// a call is tried against those only. What a condition gives while the rest is unknown, it
// gives whatever the rest is (CEL's && and || do not go by their order), so the verdict is
// the same; what only the others would have looked up, or would have stumbled over, costs
// nothing.

// kind is what rules can see of a tool without a call.
type kind struct {
	name                            string
	effect                          tools.Effect
	destructive, openWorld, mounted bool
}

func kindOf(t *tools.Tool) kind {
	return kind{t.Name, t.Effect, t.Destructive, t.OpenWorld, t.Mounted}
}

// remaining are the rules that are left for one kind of tool.
type remaining struct {
	rules []int // their places, in order
	// settled: the last of them fits every call.
	settled bool
}

// index remembers what is left for which tools.
type index struct {
	whole   []cel.Program // of each rule, for what is partly known
	unknown []*cel.AttributePatternType
	known   sync.Map // remaining, by kind
	size    atomic.Int64
}

// mostKinds is how many are remembered: mounted servers may go on making up names.
const mostKinds = 10_000

// of gives the rules that a call of the tool has to be tried against.
func (x *index) of(k kind) remaining {
	if known, ok := x.known.Load(k); ok {
		return known.(remaining)
	}
	left := x.find(k)
	if x.size.Add(1) > mostKinds {
		x.known.Clear()
		x.size.Store(1)
	}
	x.known.Store(k, left)
	return left
}

func (x *index) find(k kind) (left remaining) {
	for i, whole := range x.whole {
		fits, certain := x.ofTool(whole, k)
		if fits {
			left.rules = append(left.rules, i)
		}
		if certain {
			left.settled = true
			return left
		}
	}
	return left
}

// add readies a rule's condition for being evaluated with nothing known but the tool.
func (x *index) add(env *cel.Env, tree *cel.Ast) error {
	whole, err := env.Program(tree, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(costLimit))
	x.whole = append(x.whole, whole)
	return err
}

// known of a tool are these; all other variables hang on the call.
func (k kind) known() map[string]any {
	return map[string]any{"tool": k.name, "effect": string(k.effect), "call.destructive": k.destructive, "call.open_world": k.openWorld, "call.mounted": k.mounted}
}

// ofTool reports whether a condition can hold for a call of the tool, and whether it does
// whatever the call.
func (x *index) ofTool(whole cel.Program, k kind) (fits, certain bool) {
	defer func() {
		if fault := recover(); fault != nil {
			fits, certain = true, false
		}
	}()
	vars, err := cel.PartialVars(k.known(), x.unknown...)
	if err != nil {
		return true, false
	}
	result, _, err := whole.Eval(vars)
	truth, ok := result.(types.Bool)
	if err != nil || !ok {
		return true, false // it hangs on the call
	}
	return bool(truth), bool(truth)
}

// unknownOf are the variables that hang on the call, with the operator's own facts.
func unknownOf(facts []string) []*cel.AttributePatternType {
	unknown, known := []*cel.AttributePatternType{cel.AttributePattern(totalsName)}, kind{}.known()
	for _, v := range variables {
		if _, ok := known[v.name]; !ok {
			unknown = append(unknown, cel.AttributePattern(v.name))
		}
	}
	for _, name := range facts {
		unknown = append(unknown, cel.AttributePattern("facts."+name))
	}
	return unknown
}
