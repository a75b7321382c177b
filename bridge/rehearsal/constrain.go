package rehearsal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A model that is given a strict function cannot write arguments that do not fit
// its schema: the provider lets it choose among fitting tokens only. The rehearsal
// model keeps that promise too. What its script leaves out is null where the
// schema takes null; arguments that do not fit even so are a mistake in the script.

// shape is a strict function's schema, decoded to complete arguments by and
// compiled to check them.
type shape struct {
	root     map[string]any
	compiled *jsonschema.Schema
}

// shapes keeps what was compiled, by the schema's text: every turn of a
// conversation sends the same ones.
type shapes struct {
	mu   sync.Mutex
	made map[string]*shape
}

const mostShapes = 10_000

func (s *shapes) of(parameters json.RawMessage) (*shape, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if made := s.made[string(parameters)]; made != nil {
		return made, nil
	}
	made, err := newShape(parameters)
	if err != nil {
		return nil, err
	}
	if s.made == nil || len(s.made) >= mostShapes {
		s.made = map[string]*shape{}
	}
	s.made[string(parameters)] = made
	return made, nil
}

func newShape(parameters json.RawMessage) (*shape, error) {
	root, err := decode(parameters)
	if err != nil {
		return nil, err
	}
	object, _ := root.(map[string]any)
	compiler := jsonschema.NewCompiler()
	compiler.Draft = jsonschema.Draft2020
	compiler.LoadURL = func(string) (io.ReadCloser, error) {
		return nil, errors.New("a schema must not refer to another document")
	}
	const location = "function:///parameters"
	if err := compiler.AddResource(location, bytes.NewReader(parameters)); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile(location)
	return &shape{root: object, compiled: compiled}, err
}

// strictShapes gives the schema of a request's strict function, by name.
type strictShapes func(function string) (*shape, error)

func (s *Server) strict(tools []tool) strictShapes {
	return func(function string) (*shape, error) {
		for _, t := range tools {
			if t.Function.Name == function && t.Function.Strict {
				return s.shapes.of(t.Function.Parameters)
			}
		}
		return nil, nil
	}
}

// fit makes arguments fit a function, if it is strict: any other takes whatever
// the model writes, and so does one that was not offered.
func (f strictShapes) fit(function string, arguments []byte) ([]byte, error) {
	shape, err := f(function)
	if shape == nil || err != nil {
		return arguments, err
	}
	value, err := decode(arguments)
	if err != nil {
		return nil, err
	}
	if value, err = shape.fit(value); err != nil {
		return nil, fmt.Errorf("they do not fit the function's schema: %w", err)
	}
	return json.Marshal(value)
}

// fit completes arguments and checks them.
func (s *shape) fit(arguments any) (any, error) {
	complete := s.complete(s.root, arguments, 0)
	if err := s.compiled.Validate(complete); err != nil {
		var invalid *jsonschema.ValidationError
		if errors.As(err, &invalid) {
			leaf := invalid
			for len(leaf.Causes) > 0 {
				leaf = leaf.Causes[0]
			}
			return nil, fmt.Errorf("%s: %s", leaf.InstanceLocation, leaf.Message)
		}
		return nil, err
	}
	return complete, nil
}

const deepest = 100 // levels of a value

// complete gives null to the members that a value lacks and its schema lets be null.
func (s *shape) complete(schema map[string]any, value any, depth int) any {
	if depth > deepest {
		return value
	}
	if ref, ok := schema["$ref"].(string); ok {
		return s.complete(s.resolve(ref), value, depth+1)
	}
	if branches, ok := schema["anyOf"].([]any); ok {
		return s.complete(fitting(branches, value), value, depth+1)
	}
	switch v := value.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		out := make(map[string]any, len(properties))
		for name, member := range v {
			below, _ := properties[name].(map[string]any)
			out[name] = s.complete(below, member, depth+1)
		}
		for name, property := range properties {
			if _, given := v[name]; !given && s.nullable(property, depth) {
				out[name] = nil
			}
		}
		return out
	case []any:
		items, _ := schema["items"].(map[string]any)
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = s.complete(items, item, depth+1)
		}
		return out
	}
	return value
}

// fitting is the branch that knows the most of an object's members; the first that
// has items, of an array.
func fitting(branches []any, value any) map[string]any {
	var best map[string]any
	most := -1
	for _, branch := range branches {
		schema, _ := branch.(map[string]any)
		properties, _ := schema["properties"].(map[string]any)
		score := -1
		switch v := value.(type) {
		case map[string]any:
			for name := range v {
				if property, ok := properties[name].(map[string]any); ok {
					score++
					if fixed, ok := only(property); ok && reflect.DeepEqual(fixed, v[name]) {
						score += len(v) // the branch's mark
					}
				}
			}
		case []any:
			if schema["items"] != nil {
				score = 0
			}
		}
		if score > most {
			best, most = schema, score
		}
	}
	return best
}

// only is the one value that a schema takes, if it is one.
func only(schema map[string]any) (any, bool) {
	if values, ok := schema["enum"].([]any); ok && len(values) == 1 {
		return values[0], true
	}
	value, ok := schema["const"]
	return value, ok
}

func (s *shape) nullable(schema any, depth int) bool {
	m, _ := schema.(map[string]any)
	if depth > deepest {
		return false
	}
	if ref, ok := m["$ref"].(string); ok {
		return s.nullable(s.resolve(ref), depth+1)
	}
	if branches, ok := m["anyOf"].([]any); ok {
		for _, branch := range branches {
			if s.nullable(branch, depth+1) {
				return true
			}
		}
	}
	switch t := m["type"].(type) {
	case string:
		return t == "null"
	case []any:
		for _, name := range t {
			if name == "null" {
				return true
			}
		}
	}
	return false
}

// resolve follows a reference within the schema: # or #/$defs/name.
func (s *shape) resolve(ref string) map[string]any {
	if name, ok := strings.CutPrefix(ref, "#/$defs/"); ok {
		definitions, _ := s.root["$defs"].(map[string]any)
		found, _ := definitions[name].(map[string]any)
		return found
	}
	return s.root
}

// decode keeps numbers as they are written.
func decode(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return value, err
}
