package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"drawbridge/tools"
)

const (
	// maxSchema is how large a mounted tool's schema may be to be checked, in bytes.
	maxSchema = 1 << 20
	// maxObjects is how many objects it may have: compiling takes the square of that.
	// The largest of some thousands of published tools has 1,080; 2,000 are a fraction
	// of a second.
	maxObjects = 2000
	// maxSteps is how many steps one check against a mounted tool's schema may take: how
	// often a value is held against an object of it. An ordinary one takes tens; a hostile
	// one, in which each definition names the one before twice, would take for ever.
	maxSteps = 200_000
	// maxCheck is how long one may take, should steps be slow. The clock is looked at each
	// so many steps only: a machine that is busy for long in the middle of an ordinary check
	// is not the schema's fault.
	maxCheck   = time.Second
	clockSteps = 500
	// maxUnique is how many items an array may have to be searched for equal ones,
	// each being compared with each.
	maxUnique = 500
)

// The drafts that a schema without $schema is tried as. MCP says that it is of
// 2020-12 (2025-11-25, JSON Schema usage), but older forms are still about.
var drafts = []*jsonschema.Draft{jsonschema.Draft2020, jsonschema.Draft7, jsonschema.Draft4}

// compileMounted compiles the schema of a mounted tool. If that cannot be done, the
// tool stays usable: its own server checks the arguments, and here they only have to
// be an object. The log says so, once for each definition.
//
// Formats and encodings are not asserted: a server may mean anything by them.
func compileMounted(tool tools.Tool, log *slog.Logger) *input {
	leave := func(reason string) {
		log.Warn("leaving the arguments of a mounted tool to its server to check", "tool", tool.Name, "reason", cut(reason, maxRule))
	}
	in, err := tryDrafts(tool)
	if err != nil {
		leave(err.Error())
		return &input{}
	}
	in.watch.gaveUp = leave
	return in
}

func tryDrafts(tool tools.Tool) (*input, error) {
	if len(tool.Input) > maxSchema {
		return nil, fmt.Errorf("the schema has more than %d bytes", maxSchema)
	}
	if bytes.Count(tool.Input, []byte("{")) > maxObjects {
		return nil, fmt.Errorf("the schema has more than %d objects", maxObjects)
	}
	tool.Input = asMeant(tool.Input)
	var first error
	for _, draft := range drafts {
		in, err := compileAs(tool, draft)
		if err == nil {
			return in, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// asMeant says what many an author means and JSON Schema does not say: null, where
// OpenAPI 3.0 has a word of its own for it; and where no value of an enum is of the
// type beside it, so that nothing would ever fit, the values alone, or, of a list,
// the type alone: they are those of its items. What cannot be read stays as it is.
func asMeant(schema json.RawMessage) json.RawMessage {
	if !bytes.Contains(schema, []byte(`"nullable"`)) && !bytes.Contains(schema, []byte(`"enum"`)) {
		return schema
	}
	tree, err := decode(schema)
	if err != nil {
		return schema
	}
	mend(tree)
	return json.RawMessage(spell(tree))
}

func mend(tree any) {
	switch v := tree.(type) {
	case []any:
		for _, item := range v {
			mend(item)
		}
	case map[string]any:
		for _, member := range v {
			mend(member)
		}
		name, ok := v["type"].(string)
		if !ok {
			return
		}
		values, listed := v["enum"].([]any)
		if listed && len(values) > 0 && !slices.ContainsFunc(values, func(value any) bool { return isOf(value, name) }) {
			if name != "array" {
				delete(v, "type") // the values count
				return
			}
			delete(v, "enum") // of the items
			listed = false
		}
		if v["nullable"] == true {
			v["type"] = []any{name, "null"}
			if listed {
				v["enum"] = append(values, nil)
			}
		}
	}
}

// isOf reports whether a value may be of the type of that name.
func isOf(value any, name string) bool {
	switch value.(type) {
	case string:
		return name == "string"
	case json.Number:
		return name == "number" || name == "integer"
	case bool:
		return name == "boolean"
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return name == "null"
}

// compileAs takes draft for a schema that names none.
func compileAs(tool tools.Tool, draft *jsonschema.Draft) (in *input, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			in, err = nil, fmt.Errorf("the schema cannot be read: %v", fault)
		}
	}()
	watch := &stopwatch{steps: maxSteps, limit: maxCheck, gaveUp: func(string) {}}
	in, err = compile(tool, func(c *jsonschema.Compiler) {
		c.Draft = draft
		c.RegisterExtension(stopwatchName, nil, watch)
		for format := range jsonschema.Formats {
			c.Formats[format] = func(any) bool { return true }
		}
		for encoding := range jsonschema.Decoders {
			c.Decoders[encoding] = func(text string) ([]byte, error) { return []byte(text), nil }
		}
		for media := range jsonschema.MediaTypes {
			c.MediaTypes[media] = func([]byte) error { return nil }
		}
	})
	if err != nil {
		return nil, err
	}
	in.watch = watch
	in.quick = quicken(in.compiled, func(string) func(any) bool { return nil }) // formats are not asserted
	in.unique = bytes.Contains(tool.Input, []byte("uniqueItems"))
	return in, nil
}

// checkMounted is check for a mounted tool, whose schema may be anything. What
// cannot be checked here passes.
func (in *input) checkMounted(arguments any) []problem {
	if _, ok := arguments.(map[string]any); !ok {
		return []problem{{path: wholeInput, text: "expected an object, got " + came(nil, arguments)}}
	}
	if in.compiled == nil || in.unique && longest(arguments) > maxUnique {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if err := in.validate(arguments); !errors.As(err, &invalid) {
		return nil // fits, or the schema loops, or takes too long
	}
	return in.problems(invalid, arguments)
}

// longest is how many items the longest array has.
func longest(value any) int {
	most := 0
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			most = max(most, longest(member))
		}
	case []any:
		most = len(v)
		for _, item := range v {
			most = max(most, longest(item))
		}
	}
	return most
}
