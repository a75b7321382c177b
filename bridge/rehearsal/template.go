package rehearsal

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// text is a template: what a scene says, or one string in a call's arguments.
type text struct {
	template *template.Template
	// whole: the source is a single {{ ... }}, whose value keeps its type.
	whole bool
}

// UnmarshalYAML compiles the template.
func (t *text) UnmarshalYAML(node ast.Node) error {
	source, err := scalar(node, "text")
	if err != nil {
		return err
	}
	if *t, err = compile(source); err != nil {
		return mistake(node, "expected a template: %v", err)
	}
	return nil
}

func compile(source string) (text, error) {
	parsed, err := template.New("text").Option("missingkey=error").Funcs(functions(nil, nil)).Parse(source)
	if err != nil {
		return text{}, err
	}
	if !single(parsed.Tree) {
		return text{template: parsed}, nil
	}
	// The value goes to the function keep on its way out, before it becomes text.
	end := strings.LastIndex(source, "}}")
	kept := strings.TrimSuffix(source[:end], "-") + " | keep }}"
	parsed, err = template.New("text").Option("missingkey=error").Funcs(functions(nil, nil)).Parse(kept)
	return text{template: parsed, whole: true}, err
}

// single reports whether a template is one pipeline, with nothing around it.
func single(tree *parse.Tree) bool {
	if tree == nil || tree.Root == nil || len(tree.Root.Nodes) != 1 {
		return false
	}
	action, ok := tree.Root.Nodes[0].(*parse.ActionNode)
	return ok && len(action.Pipe.Decl) == 0
}

// value plays the template: the value itself if it is whole, else text.
func (t text) value(c *conversation) (any, error) {
	var kept any
	// A clone, because functions belong to the template and the conversation to
	// this request.
	mine, err := t.template.Clone()
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	if err := mine.Funcs(functions(c, &kept)).Execute(&out, nil); err != nil {
		return nil, err
	}
	if t.whole {
		return kept, nil
	}
	return out.String(), nil
}

// functions are what a template may call. Without a conversation they only
// satisfy the parser.
func functions(c *conversation, kept *any) template.FuncMap {
	return template.FuncMap{
		"match":  func(expression string, group ...int) (string, error) { return match(c.user, expression, group) },
		"result": func(tool string, path ...string) (any, error) { return c.result(tool, path) },
		"user":   func() string { return c.user },
		"system": func() string { return c.system },
		"turn":   func() int { return c.turn },
		"keep":   func(v any) any { *kept = v; return v },
	}
}

func match(user, expression string, group []int) (string, error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return "", err
	}
	found := re.FindStringSubmatch(user)
	n := min(1, re.NumSubexp())
	if len(group) > 0 {
		n = group[0]
	}
	switch {
	case found == nil:
		return "", fmt.Errorf("%q finds nothing in the user's text", expression)
	case n < 0 || n >= len(found):
		return "", fmt.Errorf("%q has no group %d", expression, n)
	}
	return found[n], nil
}

// at walks a dotted path into a decoded JSON value.
func at(v any, path string) (any, error) {
	for step := range strings.SplitSeq(path, ".") {
		switch inner := v.(type) {
		case map[string]any:
			next, ok := inner[step]
			if !ok {
				return nil, fmt.Errorf("no field %q on the path %q", step, path)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(inner) {
				return nil, fmt.Errorf("no item %q on the path %q: the list has %d", step, path, len(inner))
			}
			v = inner[i]
		default:
			return nil, fmt.Errorf("nothing below %q on the path %q", step, path)
		}
	}
	return v, nil
}

// value is anything in with: its strings, however deep, are templates.
type value struct{ tree any }

// UnmarshalYAML decodes the value and compiles its templates.
func (v *value) UnmarshalYAML(node ast.Node) error {
	var plain any
	if err := yaml.NodeToValue(node, &plain); err != nil {
		return err
	}
	tree, err := plant(plain)
	if err != nil {
		return mistake(node, "expected a template: %v", err)
	}
	v.tree = tree
	return nil
}

// plant replaces every string below v by its template.
func plant(v any) (any, error) {
	var err error
	switch inner := v.(type) {
	case string:
		return compile(inner)
	case map[string]any:
		for key, item := range inner {
			if inner[key], err = plant(item); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, item := range inner {
			if inner[i], err = plant(item); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// harvest plays every template below v, into a copy.
func harvest(v any, c *conversation) (any, error) {
	var err error
	switch inner := v.(type) {
	case text:
		return inner.value(c)
	case map[string]any:
		out := make(map[string]any, len(inner))
		for key, item := range inner {
			if out[key], err = harvest(item, c); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(inner))
		for i, item := range inner {
			if out[i], err = harvest(item, c); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// arguments is the text of a call's arguments, its keys in order.
func (c call) arguments(talk *conversation, strict strictShapes) (string, error) {
	if c.Arguments != nil {
		return *c.Arguments, nil
	}
	out := map[string]any{}
	for key, v := range c.With {
		filled, err := harvest(v.tree, talk)
		if err != nil {
			return "", fmt.Errorf("argument %q of %s: %w", key, c.Tool, err)
		}
		out[key] = filled
	}
	raw, err := json.Marshal(out)
	if err == nil {
		raw, err = strict.fit(c.Tool, raw)
	}
	if err != nil {
		return "", fmt.Errorf("arguments of %s: %w", c.Tool, err)
	}
	return string(raw), nil
}
