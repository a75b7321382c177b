package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

// Finding is something about a rule that works and is likely not meant.
type Finding struct {
	Rule    int // its place in the list
	Name    string
	Message string
}

// Names are what there is, for rules that name something.
type Names struct {
	Tools []tools.Tool
	// Agents and Sources are those of the settings; nil is not looked at.
	Agents, Sources []string
	// MayBe reports whether a tool that is not in Tools may come, such as one of a server
	// that has not answered yet.
	MayBe func(tool string) bool
}

// Lint finds rules that can never decide, that deny everything, and that name what there
// is not.
func (p *Policy) Lint(n Names) ([]Finding, error) {
	settled := make([]string, len(n.Tools)) // by tool: the rule that fits every call of it
	var found []Finding
	for i, r := range p.rules {
		say := func(format string, args ...any) {
			found = append(found, Finding{i, r.Name, fmt.Sprintf(format, args...)})
		}
		if !strings.HasPrefix(r.Name, "default/") { // ours speak of families that need not be there
			p.misnamed(r, n, say)
		}
		p.reach(i, n, settled, say)
	}
	return found, nil
}

// reach says which tools a rule can be about, if it is about none or all.
func (p *Policy) reach(rule int, n Names, settled []string, say func(string, ...any)) {
	r := p.rules[rule]
	may, must, open, before := 0, 0, 0, ""
	for i, tool := range n.Tools {
		fits, certain := p.index.ofTool(p.index.whole[rule], kindOf(&tool))
		if !fits {
			continue
		}
		may++
		if settled[i] == "" {
			open++
		} else {
			before = settled[i]
		}
		if certain {
			must++
			if settled[i] == "" {
				settled[i] = r.Name
			}
		}
	}
	literal := r.tree.NativeRep().Expr().Kind() == ast.LiteralKind
	switch {
	case may == 0 && (literal || !namesMounted(r, n)):
		say("it can never match: its condition holds for no call of any tool")
	case may > 0 && open == 0:
		say("it can never match: whatever it is about, %q decides before", before)
	case may > 0 && must == len(n.Tools) && r.Then == guard.Deny:
		say("it denies everything")
	}
}

// namesMounted reports whether the rule names a tool that may yet come.
func namesMounted(r rule, n Names) bool {
	return slices.ContainsFunc(literals(r.tree), func(text string) bool { return n.MayBe != nil && n.MayBe(text) })
}

// misnamed says what a rule names that there is not.
func (p *Policy) misnamed(r rule, n Names, say func(string, ...any)) {
	exists := func(name string) bool {
		return slices.ContainsFunc(n.Tools, func(t tools.Tool) bool { return t.Name == name }) || n.MayBe != nil && n.MayBe(name)
	}
	check := func(what, name string, known []string) {
		if known != nil && name != "" && !slices.Contains(known, name) {
			say("there is no %s %q", what, name)
		}
	}
	for _, c := range compared(r.tree) {
		switch c.variable {
		case "tool":
			if !exists(c.value) {
				say("there is no tool %q", c.value)
			}
		case "effect":
			check("effect", c.value, []string{"read", "write", "message", "money"})
		case "door":
			check("door", c.value, []string{"http", "sse", "stdio", "chat", "agent"})
		case "principal.kind":
			check("kind of principal", c.value, []string{"key", "local", "agent", "jwt", "cert"})
		case "agent":
			check("agent", c.value, n.Agents)
		case "source":
			if _, name, _ := strings.Cut(c.value, "/"); n.Sources != nil && slices.Contains(n.Sources, name) {
				say("there is no webhook or schedule %q; rules know it by its name alone: %q", c.value, name)
				continue
			}
			check("webhook or schedule", c.value, n.Sources)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(toolsAsked(r.tree))) {
		if !exists(name) {
			say("there is no tool %q, which it adds up", name)
		}
	}
	p.unknownArguments(r, n, say)
}

// unknownArguments says which arguments no tool takes that the rule can be about.
func (p *Policy) unknownArguments(r rule, n Names, say func(string, ...any)) {
	var named []string
	for _, c := range compared(r.tree) {
		if c.variable == "tool" {
			named = append(named, c.value)
		}
	}
	takes, open := map[string]bool{}, false
	for _, t := range n.Tools {
		if len(named) > 0 && !slices.Contains(named, t.Name) {
			continue
		}
		var schema struct {
			Properties map[string]json.RawMessage `json:"properties"`
			Closed     json.RawMessage            `json:"additionalProperties"`
		}
		if json.Unmarshal(t.Input, &schema) != nil || t.Mounted && string(schema.Closed) != "false" {
			open = true // it may take anything
		}
		for name := range schema.Properties {
			takes[name] = true
		}
	}
	if open || len(takes) == 0 {
		return
	}
	for _, name := range argumentsOf(r.tree) {
		if !takes[name] {
			say("no tool that it is about takes the argument %q", name)
		}
	}
}

// comparison is of a variable with a text.
type comparison struct{ variable, value string }

// compared are the texts that variables are held against, by == and in.
func compared(tree *cel.Ast) []comparison {
	var found []comparison
	for _, e := range calls(tree, "_==_", "@in", "_!=_") {
		args := e.AsCall().Args()
		for i, one := range args {
			name := nameOf(tree, one)
			if name == "" {
				continue
			}
			for _, text := range textsOf(args[1-i]) {
				found = append(found, comparison{name, text})
			}
		}
	}
	return found
}

// nameOf is the variable that an expression is, "" if it is none.
func nameOf(tree *cel.Ast, e ast.Expr) string {
	if reference, ok := tree.NativeRep().ReferenceMap()[e.ID()]; ok && len(reference.OverloadIDs) == 0 {
		return reference.Name
	}
	return ""
}

func textsOf(e ast.Expr) []string {
	switch e.Kind() {
	case ast.LiteralKind:
		if text, ok := e.AsLiteral().Value().(string); ok {
			return []string{text}
		}
	case ast.ListKind:
		var all []string
		for _, element := range e.AsList().Elements() {
			all = append(all, textsOf(element)...)
		}
		return all
	}
	return nil
}

// literals are all texts in an expression.
func literals(tree *cel.Ast) []string {
	var found []string
	ast.PreOrderVisit(tree.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.LiteralKind {
			found = append(found, textsOf(e)...)
		}
	}))
	return found
}

// argumentsOf are the members of args that an expression names, each once.
func argumentsOf(tree *cel.Ast) []string {
	var found []string
	ast.PreOrderVisit(tree.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.SelectKind {
			return
		}
		if s := e.AsSelect(); nameOf(tree, s.Operand()) == "args" && !slices.Contains(found, s.FieldName()) {
			found = append(found, s.FieldName())
		}
	}))
	return found
}

func toolsAsked(tree *cel.Ast) map[string]bool {
	asked := map[string]bool{}
	askedFor(tree, asked)
	return asked
}

// Variables are what conditions see, for people: a name, its type and what it is.
func Variables() [][3]string {
	var all [][3]string
	for _, v := range variables {
		all = append(all, [3]string{v.name, strings.ReplaceAll(v.of.String(), ",", ", "), v.what})
	}
	return all
}
