package rehearsal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Script is a loaded script. It is safe for concurrent use.
type Script struct{ scenes []scene }

type scene struct {
	When  when     `yaml:"when"`
	Say   *text    `yaml:"say"`
	Call  []call   `yaml:"call"`
	Delay duration `yaml:"delay"`
}

// when holds the conditions of a scene; an absent one always holds.
type when struct {
	User       *pattern `yaml:"user"`
	System     *pattern `yaml:"system"`
	Turn       int      `yaml:"turn"`
	LastTool   string   `yaml:"last_tool"`
	LastResult *pattern `yaml:"last_result"`
}

type call struct {
	Tool      string           `yaml:"tool"`
	With      map[string]value `yaml:"with"`
	Arguments *string          `yaml:"arguments"`
}

// Load reads a script. An error names the line and what is expected there.
func Load(source []byte) (*Script, error) {
	var file struct {
		Scenes []scene `yaml:"scenes"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(source), yaml.Strict())
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the script: %w", positioned(err))
	}
	if len(file.Scenes) == 0 {
		return nil, errors.New(`reading the script: no scenes: expected a list under "scenes"`)
	}
	return &Script{scenes: file.Scenes}, nil
}

// positioned turns the YAML library's many-line error into one with a line number.
func positioned(err error) error {
	var at yaml.Error
	if !errors.As(err, &at) {
		return err
	}
	if at.GetToken() == nil || at.GetToken().Position == nil {
		return errors.New(at.GetMessage())
	}
	return fmt.Errorf("line %d: %s", at.GetToken().Position.Line, at.GetMessage())
}

// mistake is an error at a node of the script.
func mistake(node ast.Node, format string, args ...any) error {
	return &yaml.SyntaxError{Message: fmt.Sprintf(format, args...), Token: node.GetToken()}
}

// UnmarshalYAML decodes a scene and checks what no single field shows.
func (s *scene) UnmarshalYAML(node ast.Node) error {
	type plain scene // without this method
	if err := yaml.NodeToValue(node, (*plain)(s), yaml.Strict()); err != nil {
		return err
	}
	switch {
	case s.Say == nil && len(s.Call) == 0:
		return mistake(node, `a scene without an answer: expected "say", "call" or both`)
	case s.When.Turn < 0:
		return mistake(node, "turn %d: expected 1 or more", s.When.Turn)
	}
	for _, c := range s.Call {
		switch {
		case c.Tool == "":
			return mistake(node, `a call without a tool: expected "tool: name"`)
		case c.With != nil && c.Arguments != nil:
			return mistake(node, `a call of %s with both "with" and "arguments": expected one of them`, c.Tool)
		}
	}
	return nil
}

type pattern struct{ *regexp.Regexp }

// UnmarshalYAML compiles the expression.
func (p *pattern) UnmarshalYAML(node ast.Node) error {
	source, err := scalar(node, "a regular expression")
	if err != nil {
		return err
	}
	if p.Regexp, err = regexp.Compile(source); err != nil {
		return mistake(node, "expected a regular expression (RE2): %v", err)
	}
	return nil
}

type duration time.Duration

// UnmarshalYAML reads a Go duration.
func (d *duration) UnmarshalYAML(node ast.Node) error {
	source, err := scalar(node, "a duration")
	if err != nil {
		return err
	}
	length, err := time.ParseDuration(source)
	if err != nil || length < 0 {
		return mistake(node, `%q: expected a duration such as "200ms"`, source)
	}
	*d = duration(length)
	return nil
}

// scalar is the text of a node that must be a plain value.
func scalar(node ast.Node, expected string) (string, error) {
	var source string
	if _, plain := node.(ast.ScalarNode); !plain {
		return "", mistake(node, "a %s: expected %s", strings.ToLower(node.Type().String()), expected)
	}
	if err := yaml.NodeToValue(node, &source); err != nil {
		return "", mistake(node, "expected %s: %v", expected, positioned(err))
	}
	return source, nil
}

// find gives the first scene that fits.
func (s *Script) find(c *conversation) (scene, bool) {
	for _, scene := range s.scenes {
		if scene.When.holds(c) {
			return scene, true
		}
	}
	return scene{}, false
}

func (w when) holds(c *conversation) bool {
	fits := func(p *pattern, text string) bool { return p == nil || p.MatchString(text) }
	if w.LastTool != "" || w.LastResult != nil {
		last, ok := c.last()
		if !ok || w.LastTool != "" && w.LastTool != last.tool || !fits(w.LastResult, last.content) {
			return false
		}
	}
	return fits(w.User, c.user) && fits(w.System, c.system) && (w.Turn == 0 || w.Turn == c.turn)
}
