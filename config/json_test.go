package config

import (
	"encoding/json"
	"strings"
	"testing"
)

// output is what agents.a.output holds when the file has body there.
func output(t *testing.T, body string, env map[string]string) string {
	t.Helper()
	text := "agents:\n  a:\n    output:\n" + "      " + strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n      ") + "\n"
	c, err := Parse("f.yaml", []byte(text), lookupIn(env))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c.Agents["a"].Output.String()
}

func TestOutputKeepsOrderAndTypes(t *testing.T) {
	for body, want := range map[string]string{
		"type: object\nproperties:\n  z: {type: string}\n  a: {type: integer}":  `{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"integer"}}}`,
		`enum: [a, "1", 1, 1.50, 1e3, true, "true", null, ~, "", 'it''s', <b>]`: `{"enum":["a","1",1,1.50,1e3,true,"true",null,null,"","it's","<b>"]}`,
		"maximum: 0x1F":                       `{"maximum":31}`,
		"maximum: 12345678901234567890123":    `{"maximum":12345678901234567890123}`,
		"minimum: -5":                         `{"minimum":-5}`,
		"minimum: .5":                         `{"minimum":0.5}`,
		"additionalProperties: false":         `{"additionalProperties":false}`,
		"description: |\n  two\n  lines":      `{"description":"two\nlines\n"}`,
		"description: a {b} [c]":              `{"description":"a {b} [c]"}`,
		"properties: {}\nrequired: []":        `{"properties":{},"required":[]}`,
		"12: {const: no}":                     `{"12":{"const":"no"}}`,
		`description: "${WHO} says $${WHO}"`:  `{"description":"ada says ${WHO}"}`,
		`const: ${NUMBER}`:                    `{"const":"5"}`,
		"properties:\n  created: 2026-01-31":  `{"properties":{"created":"2026-01-31"}}`,
		"{type: object, properties: {a: {}}}": `{"type":"object","properties":{"a":{}}}`,
	} {
		got := output(t, body, map[string]string{"WHO": "ada", "NUMBER": "5"})
		if strings.TrimSpace(got) != want || !json.Valid([]byte(got)) {
			t.Errorf("%s\n is read as %s\n want       %s", body, got, want)
		}
	}
}

func TestOutputHasNoBottomlessPit(t *testing.T) {
	text := "agents: {a: {output: " + strings.Repeat("{not: ", 200) + "{}" + strings.Repeat("}", 200) + "}}"
	_, err := Parse("f.yaml", []byte(text), lookupIn(nil))
	if err == nil || !strings.Contains(err.Error(), "deeper than 100 levels") {
		t.Errorf("got %v", err)
	}
}

func TestProblemPointsIntoTheOutput(t *testing.T) {
	c, err := Parse("f.yaml", []byte("agents:\n  a:\n    output:\n      type: object\n      properties:\n        sum: {type: strnig}\n"), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Problem("agents.a.output.properties.sum.type", "odd"); p.Line != 6 || p.Column != 21 {
		t.Errorf("points to %d:%d, want 6:21", p.Line, p.Column)
	}
}

func TestPointerLeadsIntoTheOutput(t *testing.T) {
	c, err := Parse("f.yaml", []byte("agents:\n  a:\n    output:\n      allOf:\n        - {properties: {a/b: {type: strnig}, '1': {}}}\n"), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	for pointer, want := range map[string]string{
		"":                             `3:5: agents.a.output: odd`,
		"/allOf/0/properties/a~1b":     `5:25: agents.a.output.allOf[0].properties."a/b": odd`,
		"/allOf/0/properties/1":        `5:46: agents.a.output.allOf[0].properties.1: odd`,
		"/allOf/0/properties/none/odd": `5:12: agents.a.output.allOf[0].properties.none.odd: odd`,
	} {
		if got := c.ProblemBelow("agents.a.output", pointer, "odd").String(); got != "f.yaml:"+want {
			t.Errorf("%q: %s, want %s", pointer, got, want)
		}
	}
}

func TestOutputIsPrintedAsItself(t *testing.T) {
	for in, want := range map[string]string{`{"b":1,"a":2}`: `{"b":1,"a":2}`, "": "null"} {
		if got, err := json.Marshal(JSON(in)); err != nil || string(got) != want {
			t.Errorf("%q is printed %s, %v", in, got, err)
		}
	}
}
