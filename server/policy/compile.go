package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"drawbridge/server/guard"
)

// costLimit bounds what evaluating one condition may take, in CEL's units: some
// milliseconds.
const costLimit = 1_000_000

// Policy is a set of rules, ready to judge. It is safe for concurrent use.
type Policy struct {
	rules   []rule
	facts   map[string]fact // by "facts.NAME"
	options Options
	version string
	counted []string
	index   index
}

// rule is a Rule that can be evaluated.
type rule struct {
	Rule
	when cel.Program
	tree *cel.Ast
}

var _ guard.Policy = (*Policy)(nil)

// Version is the hash of the rules and facts.
func (p *Policy) Version() string { return p.version }

// Counted are the tools whose calls have to be counted, since rules ask for their number.
func (p *Policy) Counted() []string { return p.counted }

// Rules are all, in the order in which they are tried.
func (p *Policy) Rules() []Rule {
	var all []Rule
	for _, r := range p.rules {
		all = append(all, r.Rule)
	}
	return all
}

// Compile readies rules, and reports every mistake in them at once: the error joins
// [RuleError]s.
func Compile(rules []Rule, facts map[string]Fact, o Options) (*Policy, error) {
	env, err := base()
	if err != nil {
		return nil, fmt.Errorf("preparing rules: %w", err)
	}
	p := &Policy{options: o, facts: map[string]fact{}}
	var mistakes []error
	names := slices.Sorted(maps.Keys(facts))
	for _, name := range names {
		if env, err = env.Extend(cel.Variable("facts."+name, cel.DynType)); err != nil {
			return nil, fmt.Errorf("preparing rules: %w", err)
		}
	}
	for _, name := range names {
		ready, err := compileFact(env, name, facts[name])
		mistakes = append(mistakes, err)
		p.facts["facts."+name] = ready
	}
	p.index.unknown = unknownOf(names)
	counted := map[string]bool{}
	for i, r := range rules {
		mistakes = append(mistakes, checkRule(i, r, rules[:i]))
		ready := rule{Rule: r}
		ready.when, ready.tree, err = compile(env, r.When, cel.BoolType, RuleError{Rule: i, Field: "when"})
		if mistakes = append(mistakes, err); err == nil {
			askedFor(ready.tree, counted)
			mistakes = append(mistakes, p.index.add(env, ready.tree))
		}
		p.rules = append(p.rules, ready)
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	p.counted = slices.Sorted(maps.Keys(counted))
	whole, err := json.Marshal(struct {
		Rules []Rule
		Facts map[string]Fact
	}{rules, facts})
	if err != nil {
		return nil, fmt.Errorf("hashing the rules: %w", err)
	}
	sum := sha256.Sum256(whole)
	p.version = hex.EncodeToString(sum[:8])
	return p, nil
}

// compile readies one expression; at says where it stands.
func compile(env *cel.Env, text string, want *cel.Type, at RuleError) (cel.Program, *cel.Ast, error) {
	wrong := func(line, column int, format string, args ...any) error {
		e := at
		e.Line, e.Column, e.Message = line, column, fmt.Sprintf(format, args...)
		return &e
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil, wrong(0, 0, "it is empty; say true for every call")
	}
	tree, issues := env.Compile(text)
	if issues.Err() != nil {
		var mistakes []error
		for _, e := range issues.Errors() {
			mistakes = append(mistakes, wrong(e.Location.Line(), e.Location.Column()+1, "%s", e.Message))
		}
		return nil, nil, errors.Join(mistakes...)
	}
	if out := tree.OutputType(); !out.IsExactType(want) && !out.IsExactType(cel.DynType) && want != cel.DynType {
		return nil, nil, wrong(1, 1, "the condition gives %s, not true or false", out)
	}
	program, err := env.Program(tree, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit))
	if err != nil {
		return nil, nil, wrong(1, 1, "%v", err)
	}
	return program, tree, nil
}

func checkRule(i int, r Rule, before []Rule) error {
	wrong := func(field, format string, args ...any) error {
		return &RuleError{Rule: i, Field: field, Message: fmt.Sprintf(format, args...)}
	}
	var mistakes []error
	switch r.Then {
	case guard.Allow, guard.Deny, guard.Approve, guard.DryRun, Redact:
	default:
		mistakes = append(mistakes, wrong("then", "%q is no outcome; there are allow, deny, approve, redact, dry_run", r.Then))
	}
	if r.Name == "" {
		mistakes = append(mistakes, wrong("name", "it needs a name, which the audit has when it decides"))
	}
	if slices.ContainsFunc(before, func(b Rule) bool { return b.Name == r.Name }) {
		mistakes = append(mistakes, wrong("name", "%q names two rules", r.Name))
	}
	if (r.Then == Redact) != (len(r.Redact) > 0) {
		mistakes = append(mistakes, wrong("redact", "the members to take out go with then: redact, and it with them"))
	}
	if r.Then != guard.Approve && (len(r.Terms.By) > 0 || r.Terms.Count != 0 || r.Terms.Within != 0) {
		mistakes = append(mistakes, wrong("approve", "terms of an approval go with then: approve"))
	}
	return errors.Join(mistakes...)
}

// askedFor notes the tools that an expression asks the totals of.
func askedFor(tree *cel.Ast, counted map[string]bool) {
	for _, e := range calls(tree, "spent", "count") {
		if args := e.AsCall().Args(); len(args) > 0 && args[0].Kind() == ast.LiteralKind {
			if name, ok := args[0].AsLiteral().Value().(string); ok {
				counted[name] = true
			}
		}
	}
}

// calls are the calls of functions in an expression.
func calls(tree *cel.Ast, names ...string) []ast.Expr {
	var found []ast.Expr
	ast.PreOrderVisit(tree.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && slices.Contains(names, e.AsCall().FunctionName()) {
			found = append(found, e)
		}
	}))
	return found
}
