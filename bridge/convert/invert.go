package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// inversion is one walk from what the model wrote to the tool's own arguments.
type inversion struct {
	strict   bool // only what the schema that was shown allows
	steps    int  // left
	problems []Problem
	origins  map[*value]*spot // of results, where it is asked for
}

const maxProblems = 5 // told to the model at once

// stepsFor is how much work a value is worth: each part is looked at a few times,
// where options of a union have to be tried. A hostile one could ask for more.
func stepsFor(v *value) int {
	const least, perValue = 50_000, 40
	return min(maxSteps, least+perValue*v.count())
}

// fail notes a problem, and gives the nil that stands for no result.
func (in *inversion) fail(at *spot, format string, arguments ...any) *value {
	if in.strict {
		in.problems = append(in.problems, Problem{}) // nobody reads it: another option is tried
		return nil
	}
	if len(in.problems) <= maxProblems {
		in.problems = append(in.problems, Problem{Path: at.String(), Text: fmt.Sprintf(format, arguments...)})
	}
	return nil
}

// try inverts by one option of several, and gives nil if it does not fit.
func (in *inversion) try(p *place, at *spot, strict bool) *value {
	if !at.value.isOf(p.takes()) && (strict || in.strict) {
		return nil
	}
	attempt := inversion{strict: strict || in.strict, steps: in.steps, origins: in.origins}
	v := p.invert(&attempt, at)
	in.steps = attempt.steps
	if len(attempt.problems) > 0 {
		return nil
	}
	return v
}

// Invert turns arguments that a model wrote under the converted schema into
// arguments for the tool. Arguments that are empty or null stand for none.
//
// What comes out fits the tool's own schema. What does not is refused with an
// *ArgumentError, whose text is for the model: it names what is wrong in the terms
// that the model was shown.
func (f *Function) Invert(arguments json.RawMessage) (json.RawMessage, error) {
	written, err := readArguments(arguments)
	if err != nil {
		return nil, f.refuse([]Problem{{"arguments", err.Error()}}, nil)
	}
	result, problems := f.plan.invert(written)
	if len(problems) > 0 {
		return nil, f.refuse(problems, written)
	}
	return appendValue(nil, result), nil
}

// invert gives the tool's own arguments, or what is wrong with those written.
func (p *plan) invert(written *value) (*value, []Problem) {
	in := inversion{steps: stepsFor(written)}
	own := p.own(&in, written)
	if len(in.problems) > 0 {
		return nil, in.problems
	}
	if len(violations(p.schema, own)) == 0 {
		return own, nil
	}
	return nil, p.carryBack(written)
}

// own walks the plan, and gives nil if there are problems.
func (p *plan) own(in *inversion, written *value) *value {
	own := p.root.invert(in, &spot{value: written})
	if len(in.problems) > 0 || own == nil {
		return nil
	}
	if p.wrapped {
		return own.members[0].value
	}
	return own
}

// carryBack names the places of violations as the model knows them. Where each
// value came from is only worked out now, since it is seldom asked for.
func (p *plan) carryBack(written *value) []Problem {
	in := inversion{steps: stepsFor(written), origins: map[*value]*spot{}}
	own := p.own(&in, written)
	var problems []Problem
	for _, v := range violations(p.schema, own) {
		at := shownAt(v.at, in.origins)
		if v.name && at.name == "value" && at.up != nil && at.up.value.get("key") != nil {
			at = at.up.member("key", nil) // it is one of a list of keys and values
		}
		problems = append(problems, Problem{Path: at.String(), Text: v.text})
	}
	return problems
}

// shownAt is the spot that a spot of the result came from; where that is not known,
// what it is within.
func shownAt(at *spot, origins map[*value]*spot) *spot {
	if at == nil {
		return nil
	}
	if from := origins[at.value]; at.value != nil && from != nil {
		return from
	}
	if at.up == nil {
		return at
	}
	up := shownAt(at.up, origins)
	return &spot{up: up, name: at.name, index: at.index, value: at.value}
}

// readArguments reads what came as arguments, without guessing: a member that is
// given twice would mean one thing here and another there.
func readArguments(raw json.RawMessage) (*value, error) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || string(raw) == "null" {
		return &value{kind: kindObject}, nil
	}
	return parseArguments(raw)
}

func parseArguments(raw []byte) (*value, error) {
	v, twice, err := parse(raw, argumentLimits)
	if err != nil {
		return nil, err
	}
	if len(twice) > 0 {
		return nil, fmt.Errorf("%s is given twice in one object", cut(quote(twice[0]), maxShown))
	}
	if !hasReasonableNumbers(v) {
		return nil, errors.New("a number is longer or larger than any tool can use")
	}
	return v, nil
}

func hasReasonableNumbers(v *value) bool {
	if v.kind == kindNumber {
		return isReasonable(v.text)
	}
	for _, item := range v.items {
		if !hasReasonableNumbers(item) {
			return false
		}
	}
	for _, m := range v.members {
		if !hasReasonableNumbers(m.value) {
			return false
		}
	}
	return true
}
