package convert

import (
	"encoding/json"
	"fmt"
)

// forwarding is one walk from the tool's own arguments to what the model would
// have written.
type forwarding struct {
	steps int // left
	err   error
}

func (out *forwarding) fail(at *spot, format string, arguments ...any) *value {
	out.err = fmt.Errorf("%s: %s", at, fmt.Sprintf(format, arguments...))
	return nil
}

// Forward turns a tool's own arguments into those that a model would have written:
// Invert gives them back. It does not ask whether they are valid; an error names
// what the function has no way to say.
func (f *Function) Forward(arguments json.RawMessage) (json.RawMessage, error) {
	own, err := readOwn(f.plan, arguments)
	if err != nil {
		return nil, fmt.Errorf("reading the arguments: %w", err)
	}
	written, err := f.plan.forward(own)
	if err != nil {
		return nil, fmt.Errorf("saying the arguments as the function's: %w", err)
	}
	return appendValue(nil, written), nil
}

func (p *plan) forward(own *value) (*value, error) {
	if p.wrapped {
		own = &value{kind: kindObject, members: []member{{p.record().fields[0].name, own}}}
	}
	out := forwarding{steps: stepsFor(own)}
	written := p.root.forward(&out, &spot{value: own})
	if written == nil {
		return nil, out.err
	}
	return written, nil
}

// readOwn reads a tool's own arguments. Only where they are wrapped may they be
// something else than an object, null included.
func readOwn(p *plan, raw json.RawMessage) (*value, error) {
	if p.wrapped && len(raw) > 0 {
		return parseArguments(raw)
	}
	return readArguments(raw)
}

// Validate checks a tool's own arguments against its schema, as repaired. The error
// is an *ArgumentError whose paths are those of the tool's own arguments.
func (f *Function) Validate(arguments json.RawMessage) error {
	own, err := readOwn(f.plan, arguments)
	if err != nil {
		return &ArgumentError{Problems: []Problem{{"arguments", err.Error()}}}
	}
	broken := violations(f.plan.schema, own)
	if len(broken) == 0 {
		return nil
	}
	var problems []Problem
	for _, v := range broken {
		problems = append(problems, Problem{Path: v.at.String(), Text: v.text})
	}
	return &ArgumentError{Problems: problems}
}
