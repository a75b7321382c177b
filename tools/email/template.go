package email

import (
	"fmt"
	htmltemplate "html/template"
	"maps"
	"regexp"
	"slices"
	"strings"
	texttemplate "text/template"
	"text/template/parse"
	"unicode/utf8"

	"drawbridge/tools"
)

// Bounds of what fills a template.
const (
	MaxVariables     = 50
	MaxVariableValue = 4000 // characters
)

// Template is a message with placeholders {{ .name }} in subject, text and HTML.
// There is nothing else to the language, no conditions and no loops: whoever
// reads a template sees what will be sent, and its variables can be listed.
// Values are escaped in HTML, by html/template.
type Template struct {
	Name        string // [a-z0-9_], at most 64, beginning with a letter
	Description string // when to use it, for the model that chooses
	Subject     string
	Text        string
	HTML        string // "" for plain text alone
}

var templateName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Check reports what keeps t from ever being sent.
func (t Template) Check() error {
	if !templateName.MatchString(t.Name) {
		return fmt.Errorf("template %q: the name is not 1 to 64 characters of [a-z0-9_], beginning with a letter", t.Name)
	}
	names, err := t.Variables()
	if err != nil {
		return err
	}
	sample := map[string]string{}
	for _, name := range names {
		sample[name] = "x"
	}
	var m Mail
	if err := t.Fill(sample, &m); err != nil {
		return err
	}
	if strings.TrimSpace(m.Subject) == "" || strings.TrimSpace(m.Text) == "" {
		return fmt.Errorf("template %q: needs a subject and a text", t.Name)
	}
	return nil
}

// Variables are the names of t's placeholders, sorted.
func (t Template) Variables() ([]string, error) {
	names := map[string]bool{}
	for part, text := range map[string]string{"subject": t.Subject, "text": t.Text, "html": t.HTML} {
		found, err := placeholders(text)
		if err != nil {
			return nil, fmt.Errorf("template %q: %s: %w", t.Name, part, err)
		}
		for _, name := range found {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// placeholders lists the variables of one text, and refuses any other action.
func placeholders(text string) ([]string, error) {
	parsed, err := texttemplate.New("").Parse(text)
	if err != nil {
		return nil, err
	}
	if parsed.Tree == nil {
		return nil, nil
	}
	var names []string
	for _, node := range parsed.Root.Nodes {
		switch node := node.(type) {
		case *parse.TextNode:
		case *parse.ActionNode:
			name, ok := placeholder(node.Pipe)
			if !ok {
				return nil, fmt.Errorf("%s is not a placeholder like {{ .name }}", node)
			}
			names = append(names, name)
		default:
			return nil, fmt.Errorf("%s is not a placeholder like {{ .name }}", node)
		}
	}
	return names, nil
}

func placeholder(pipe *parse.PipeNode) (string, bool) {
	if len(pipe.Decl) > 0 || len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return "", false
	}
	field, ok := pipe.Cmds[0].Args[0].(*parse.FieldNode)
	if !ok || len(field.Ident) != 1 {
		return "", false
	}
	return field.Ident[0], true
}

// Fill sets m's subject, text and HTML. Every variable must have a value, and
// every value a variable: a misspelt one must not go out as a gap in a letter.
func (t Template) Fill(variables map[string]string, m *Mail) error {
	names, err := t.Variables()
	if err != nil {
		return err
	}
	if err := t.checkVariables(names, variables); err != nil {
		return err
	}
	if m.Subject, err = fillText(t.Subject, variables); err != nil {
		return fmt.Errorf("template %q: subject: %w", t.Name, err)
	}
	if m.Text, err = fillText(t.Text, variables); err != nil {
		return fmt.Errorf("template %q: text: %w", t.Name, err)
	}
	if m.HTML, err = fillHTML(t.HTML, variables); err != nil {
		return fmt.Errorf("template %q: html: %w", t.Name, err)
	}
	m.Subject, m.Text, m.HTML = strings.TrimSpace(m.Subject), canonicalText(m.Text), canonicalText(m.HTML)
	return nil
}

func (t Template) checkVariables(names []string, variables map[string]string) error {
	needs := "needs " + strings.Join(names, ", ")
	if len(names) == 0 {
		needs = "has no variables"
	}
	for _, name := range names {
		if _, ok := variables[name]; !ok {
			return tools.Errorf(tools.Invalid, "variables.%s: is missing; template %s %s", name, t.Name, needs)
		}
	}
	inSubject, err := placeholders(t.Subject)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if !slices.Contains(names, name) {
			return tools.Errorf(tools.Invalid, "variables.%s: is not a variable of template %s, which %s", name, t.Name, needs)
		}
		if n := utf8.RuneCountInString(variables[name]); n > MaxVariableValue {
			return tools.Errorf(tools.Invalid, "variables.%s: has %d characters, at most %d are allowed; shorten it", name, n, MaxVariableValue)
		}
		if slices.Contains(inSubject, name) {
			if err := checkHeaderText("variables."+name, variables[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func fillText(text string, variables map[string]string) (string, error) {
	t, err := texttemplate.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, variables)
	return b.String(), err
}

func fillHTML(text string, variables map[string]string) (string, error) {
	t, err := htmltemplate.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, variables)
	return b.String(), err
}
