package mcpmount

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"drawbridge/tools"
)

// Unknown is what to do about a call of a server's tool whose outcome nobody knows.
type Unknown struct {
	// Do is the policy. Retry says that the server honours our idempotency keys.
	Do tools.Policy
	// Of Check only. Tool is the server's own name of a tool that reads; Arguments are its
	// arguments, each an expression (CEL) over `arguments` and `key` of the call; Found is
	// an expression that is true if the call took effect, over these and over `result`,
	// what Tool returned, and `text`, the same as a text.
	Tool      string
	Arguments map[string]string
	Found     string
	// After is how long to wait before looking.
	After time.Duration
}

// ExpressionError is a mistake in an expression: Field is "found", or "arguments.NAME".
// Line and Column count from 1 inside of it.
type ExpressionError struct {
	Field        string
	Line, Column int
	Message      string
}

func (e *ExpressionError) Error() string {
	return fmt.Sprintf("%s: line %d, column %d: %s", e.Field, e.Line, e.Column, e.Message)
}

// Check finds every mistake at once; those in expressions are *ExpressionError.
func (u Unknown) Check() error {
	_, err := u.compile("")
	return err
}

// rule is a compiled Unknown.
type rule struct {
	do     tools.Policy
	lookUp *tools.LookUp
}

// rules are the settings about unknown outcomes, compiled.
func (s Settings) rules() (map[string]rule, error) {
	rules := make(map[string]rule, len(s.Unknown))
	for pattern, unknown := range s.Unknown {
		lookUp, err := unknown.compile(s.Name)
		if err != nil {
			return nil, fmt.Errorf("unknown: %q: %w", pattern, err)
		}
		rules[pattern] = rule{unknown.Do, lookUp}
	}
	return rules, nil
}

// costLimit bounds what evaluating an expression may take, in CEL's units: some
// milliseconds.
const costLimit = 1_000_000

var (
	callVariables = sync.OnceValues(func() (*cel.Env, error) {
		return cel.NewEnv(cel.Variable("arguments", cel.DynType), cel.Variable("key", cel.StringType))
	})
	foundVariables = sync.OnceValues(func() (*cel.Env, error) {
		env, err := callVariables()
		if err != nil {
			return nil, err
		}
		return env.Extend(cel.Variable("result", cel.DynType), cel.Variable("text", cel.StringType))
	})
)

// compile makes the look-up, nil if there is none.
func (u Unknown) compile(mount string) (*tools.LookUp, error) {
	if u.Do != tools.Check {
		if u.Tool != "" || len(u.Arguments) > 0 || u.Found != "" || u.After != 0 {
			return nil, fmt.Errorf("a look-up belongs to check, not to %q", u.Do)
		}
		if !u.Do.Valid() {
			return nil, fmt.Errorf("%q is none of retry, check, ask", u.Do)
		}
		return nil, nil
	}
	var bad []error
	if u.Tool == "" {
		bad = append(bad, errors.New("a check needs the tool that looks"))
	}
	if u.After < 0 {
		bad = append(bad, errors.New("after is negative"))
	}
	found, err := compile("found", u.Found, foundVariables, cel.BoolType)
	bad = append(bad, err)
	arguments := map[string]cel.Program{}
	for _, name := range slices.Sorted(maps.Keys(u.Arguments)) {
		program, err := compile("arguments."+name, u.Arguments[name], callVariables, nil)
		bad, arguments[name] = append(bad, err), program
	}
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	return &tools.LookUp{
		Tool: offeredName(mount, u.Tool), After: u.After,
		Arguments: func(call tools.MadeCall) (json.RawMessage, error) { return argumentsOf(arguments, call) },
		Found:     func(call tools.MadeCall, result string) (bool, error) { return judge(found, call, result) },
	}, nil
}

func compile(field, text string, variables func() (*cel.Env, error), want *cel.Type) (cel.Program, error) {
	wrong := func(line, column int, message string) error {
		return &ExpressionError{Field: field, Line: line, Column: column, Message: message}
	}
	if strings.TrimSpace(text) == "" {
		return nil, wrong(1, 1, "there is no expression")
	}
	env, err := variables()
	if err != nil {
		return nil, fmt.Errorf("preparing expressions: %w", err)
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		var all []error
		for _, e := range issues.Errors() { // CEL counts lines from 1, columns from 0
			all = append(all, wrong(e.Location.Line(), e.Location.Column()+1, e.Message))
		}
		return nil, errors.Join(all...)
	}
	if out := checked.OutputType(); want != nil && !out.IsExactType(want) && !out.IsExactType(cel.DynType) {
		return nil, wrong(1, 1, fmt.Sprintf("it gives %s, not %s", out, want))
	}
	program, err := env.Program(checked, cel.CostLimit(costLimit))
	if err != nil {
		return nil, wrong(1, 1, err.Error())
	}
	return program, nil
}

// argumentsOf evaluates the arguments of the look-up.
func argumentsOf(programs map[string]cel.Program, call tools.MadeCall) (json.RawMessage, error) {
	variables, err := variablesOf(call)
	if err != nil {
		return nil, err
	}
	out := make(map[string]json.RawMessage, len(programs))
	for _, name := range slices.Sorted(maps.Keys(programs)) { // the first mistake is always the same one
		program := programs[name]
		value, _, err := program.Eval(variables)
		if err == nil {
			out[name], err = toJSON(value)
		}
		if err != nil {
			return nil, fmt.Errorf("the argument %q of the look-up: %w", name, err)
		}
	}
	return json.Marshal(out)
}

// judge evaluates whether the call took effect.
func judge(found cel.Program, call tools.MadeCall, result string) (bool, error) {
	variables, err := variablesOf(call)
	if err != nil {
		return false, err
	}
	variables["text"] = result
	if variables["result"], err = fromJSON(result); err != nil {
		variables["result"] = result
	}
	value, _, err := found.Eval(variables)
	if err != nil {
		return false, fmt.Errorf("found: %w", err)
	}
	took, ok := value.Value().(bool)
	if !ok {
		return false, fmt.Errorf("found: it gives %s, not true or false", value.Type().TypeName())
	}
	return took, nil
}

func variablesOf(call tools.MadeCall) (map[string]any, error) {
	arguments, err := fromJSON(string(call.Arguments))
	if err != nil {
		return nil, fmt.Errorf("reading the call's arguments: %w", err)
	}
	return map[string]any{"arguments": arguments, "key": call.Key}, nil
}

// fromJSON reads JSON as CEL takes it: whole numbers are int64.
func fromJSON(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the JSON")
	}
	return numbers(value), nil
}

func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		n, err := v.Float64()
		if err != nil {
			return math.NaN() // beyond what anybody compares
		}
		return n
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = numbers(v[name])
		}
	}
	return value
}

// toJSON writes what an expression gave. Whole numbers keep all of their digits.
func toJSON(value ref.Val) (json.RawMessage, error) {
	native, err := asPlain(value)
	if err != nil {
		return nil, err
	}
	return json.Marshal(native)
}

func asPlain(value ref.Val) (any, error) {
	switch v := value.(type) {
	case types.Null:
		return nil, nil
	case types.String, types.Bool, types.Int, types.Uint, types.Double:
		return v.Value(), nil
	case traits.Lister:
		list := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			one, err := asPlain(it.Next())
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	case traits.Mapper:
		object := map[string]any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			name, ok := key.Value().(string)
			if !ok {
				return nil, fmt.Errorf("a key is %s, not a text", key.Type().TypeName())
			}
			one, err := asPlain(v.Get(key))
			if err != nil {
				return nil, err
			}
			object[name] = one
		}
		return object, nil
	}
	return nil, fmt.Errorf("it gives %s, which is no JSON", value.Type().TypeName())
}
