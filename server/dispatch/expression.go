package dispatch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// SettingError is a mistake in a route, found before the first event: Field is "when",
// "order_by" or "prompt", Line and Column count from 1 inside the value.
type SettingError struct {
	Field        string
	Line, Column int
	Message      string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("%s: line %d, column %d: %s", e.Field, e.Line, e.Column, e.Message)
}

// costLimit bounds what evaluating an expression may take, in CEL's units: some
// milliseconds.
const costLimit = 1_000_000

// expressions is what conditions and keys are written in.
var expressions = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable("event", cel.DynType),
		cel.Variable("headers", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("source", cel.StringType),
		cel.Variable("response", cel.DynType),
	)
})

// compileExpression prepares an expression that has to give one of some types. wanted
// says which, in words.
func compileExpression(field, text, noun, wanted string, allowed ...*cel.Type) (cel.Program, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	env, err := expressions()
	if err != nil {
		return nil, fmt.Errorf("preparing expressions: %w", err)
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, expressionErrors(field, issues)
	}
	fits := false
	for _, t := range append(allowed, cel.DynType) {
		fits = fits || checked.OutputType().IsExactType(t)
	}
	if !fits {
		return nil, &SettingError{Field: field, Line: 1, Column: 1, Message: fmt.Sprintf("the %s gives %s, not %s", noun, checked.OutputType(), wanted)}
	}
	program, err := env.Program(checked, cel.CostLimit(costLimit))
	if err != nil {
		return nil, &SettingError{Field: field, Line: 1, Column: 1, Message: err.Error()}
	}
	return program, nil
}

// expressionErrors gives each mistake its place. CEL counts lines from 1, columns from 0.
func expressionErrors(field string, issues *cel.Issues) error {
	var mistakes []error
	for _, e := range issues.Errors() {
		mistakes = append(mistakes, &SettingError{Field: field, Line: e.Location.Line(), Column: e.Location.Column() + 1, Message: e.Message})
	}
	return errors.Join(mistakes...)
}

func compileWhen(text string) (cel.Program, error) {
	return compileExpression("when", text, "condition", "true or false", cel.BoolType)
}

func compileOrderBy(text string) (cel.Program, error) {
	return compileExpression("order_by", text, "key", "a text, a number, or true or false",
		cel.StringType, cel.IntType, cel.UintType, cel.DoubleType, cel.BoolType)
}

// facts are what expressions and prompts see of an event.
type facts struct {
	payload any
	headers map[string]string
	source  string
	// response is what was fetched for an event that only names it, nil if nothing was.
	response any
}

func (f facts) variables() map[string]any {
	return map[string]any{"event": f.payload, "headers": f.headers, "source": f.source, "response": f.response}
}

// wants evaluates the condition. One that cannot be evaluated, such as one about a
// field this event lacks, does not hold; why says so.
func (r *Route) wants(f facts) (holds bool, why string) {
	if r.when == nil {
		return true, ""
	}
	result, _, err := r.when.Eval(f.variables())
	if err != nil {
		return false, "when: " + err.Error()
	}
	holds, ok := result.Value().(bool)
	switch {
	case !ok:
		return false, fmt.Sprintf("when: the condition gives %s, not true or false", result.Type().TypeName())
	case !holds:
		return false, "when: the condition does not hold"
	}
	return true, ""
}

// longKey is how long a key may be to stand in a subject as it is, in bytes.
const longKey = 200

// subject names what the event is about: one run of it at a time. Where the key cannot
// be told it is "", and why says so: the run stands in nobody's way, and nobody in its.
func (r *Route) subject(f facts) (subject, why string) {
	if r.orderBy == nil {
		return "", ""
	}
	result, _, err := r.orderBy.Eval(f.variables())
	if err != nil {
		return "", "order_by: " + err.Error() + "; its run keeps no order"
	}
	var key string
	switch v := result.(type) {
	case types.String:
		key = string(v)
	case types.Int, types.Uint, types.Double, types.Bool:
		key = fmt.Sprint(v.Value())
	default:
		return "", fmt.Sprintf("order_by: the key gives %s, not a text, a number, or true or false; its run keeps no order", result.Type().TypeName())
	}
	if key == "" {
		return "", "order_by: the key is an empty text; its run keeps no order"
	}
	if len(key) > longKey {
		sum := sha256.Sum256([]byte(key))
		key = "sha256:" + hex.EncodeToString(sum[:])
	}
	return LaneOf(r.Source, r.name()) + ":" + strings.ReplaceAll(key, "\x00", "\uFFFD"), ""
}
