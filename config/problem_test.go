package config

import (
	"errors"
	"fmt"
	"testing"
)

func TestProblemSaysWhereWhatAndHowBad(t *testing.T) {
	for _, tt := range []struct {
		problem Problem
		want    string
	}{
		{Problem{File: "d.yaml", Line: 12, Column: 9, Path: "a.b", Message: "odd"}, "d.yaml:12:9: a.b: odd"},
		{Problem{File: "d.yaml", Message: "odd"}, "d.yaml: odd"},
		{Problem{Path: "a.b", Message: "odd"}, "a.b: odd"},
		{Problem{File: "d.yaml", Line: 1, Column: 1, Path: "a", Message: "odd", Warning: true}, "d.yaml:1:1: warning: a: odd"},
	} {
		if got := tt.problem.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	both := Problems{{Message: "one"}, {Message: "two"}}
	if both.Error() != "one\ntwo" {
		t.Errorf("got %q", both.Error())
	}
	var problems Problems
	if !errors.As(fmt.Errorf("loading: %w", both), &problems) || len(problems) != 2 {
		t.Errorf("Problems are lost when wrapped: %v", problems)
	}
}

const located = `agents:
  billing:
    instructions: |
      First line
        second, in

      last
    tools: ["crm_*", 'a''b*c']
webhooks:
  stripe:
    when:   event.type == "paid"  # comment
    prompt: "say \"hi\"\tto\n{{ .x }} \u00e9!"
    agent: 'it''s me'
    header: >-
      folded
      text
    prefix: ab ${V} cd
    encoding: multi
      line
`

func locatedConfig(t *testing.T) *Config {
	t.Helper()
	c, _ := Parse("f.yaml", []byte(located), lookupIn(map[string]string{"V": "value"}))
	if c == nil {
		t.Fatal("not parsed")
	}
	return c
}

func TestProblemPointsAtTheSettingOrWhatHoldsIt(t *testing.T) {
	c := locatedConfig(t)
	for path, want := range map[string]string{
		"agents":                        "f.yaml:1:1",
		"agents.billing":                "f.yaml:2:3",
		"agents.billing.instructions":   "f.yaml:3:19",
		"agents.billing.tools":          "f.yaml:8:5",
		"agents.billing.tools[1]":       "f.yaml:8:22",
		"agents.billing.tools[7]":       "f.yaml:8:5",
		"agents.billing.budget.wall":    "f.yaml:2:3",
		"webhooks.stripe.when":          "f.yaml:11:13",
		"webhooks.stripe.secrets[0]":    "f.yaml:10:3",
		"webhooks.stripe.secrets[0].no": "f.yaml:10:3",
		"webhooks.none.when":            "f.yaml:9:1",
		"server.keys[0].key":            "f.yaml",
	} {
		p := c.Problem(path, "odd %d", 1)
		if got, want := p.String(), want+": "+path+": odd 1"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := Default().Problem("server.listen", "odd").String(); got != "server.listen: odd" {
		t.Errorf("without a file: got %q", got)
	}
}

func TestProblemPointsIntoAValue(t *testing.T) {
	c := locatedConfig(t)
	for _, tt := range []struct {
		path                 string
		line, column         int // in the value
		wantLine, wantColumn int
		at                   string
	}{
		{"webhooks.stripe.when", 1, 1, 11, 13, "first character"},
		{"webhooks.stripe.when", 1, 12, 11, 24, "=="},
		{"agents.billing.instructions", 1, 1, 4, 7, "block, first character"},
		{"agents.billing.instructions", 2, 3, 5, 9, "block, indented line"},
		{"agents.billing.instructions", 4, 1, 7, 7, "block, after an empty line"},
		{"agents.billing.instructions", 9, 1, 3, 19, "block, beyond the end"},
		{"agents.billing.tools[1]", 1, 2, 8, 24, "single quotes, the quote"},
		{"agents.billing.tools[1]", 1, 3, 8, 26, "single quotes, after the quote"},
		{"webhooks.stripe.prompt", 1, 5, 12, 18, `double quotes, \"`},
		{"webhooks.stripe.prompt", 1, 6, 12, 20, `double quotes, after \"`},
		{"webhooks.stripe.prompt", 2, 1, 12, 30, `double quotes, after \n`},
		{"webhooks.stripe.prompt", 2, 10, 12, 39, `double quotes, \u00e9`},
		{"webhooks.stripe.prompt", 2, 11, 12, 45, `double quotes, after \u00e9`},
		{"webhooks.stripe.prompt", 7, 1, 12, 13, "double quotes, beyond the end"},
		{"webhooks.stripe.agent", 1, 6, 13, 19, "me"},
		{"webhooks.stripe.header", 1, 8, 14, 13, "folded"},
		{"webhooks.stripe.prefix", 1, 3, 17, 15, "before a reference"},
		{"webhooks.stripe.prefix", 1, 9, 17, 13, "after a reference"},
		{"webhooks.stripe.encoding", 1, 7, 18, 15, "plain over two lines"},
		{"webhooks.stripe.callback", 1, 7, 10, 3, "not given"},
		{"webhooks.stripe", 1, 7, 10, 3, "no scalar"},
	} {
		p := c.ProblemAt(tt.path, tt.line, tt.column, "odd")
		if p.Line != tt.wantLine || p.Column != tt.wantColumn {
			t.Errorf("%s %d:%d (%s): got %d:%d, want %d:%d", tt.path, tt.line, tt.column, tt.at, p.Line, p.Column, tt.wantLine, tt.wantColumn)
		}
	}
	if p := Default().ProblemAt("a", 1, 1, "odd"); p.String() != "a: odd" {
		t.Errorf("without a file: got %q", p)
	}
}
