package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"drawbridge/tools"
)

// input is a tool's input schema: compiled for checking, and decoded for
// explaining what it wants.
type input struct {
	compiled *jsonschema.Schema // nil if nothing but an object is asked for
	schema   any
	quick    *quick     // nil if the schema asks for what has none
	watch    *stopwatch // of a mounted tool's schema, which may be costly
	unique   bool       // the schema of a mounted tool asks for unique items
}

// mustCompile compiles a built-in tool's input schema as JSON Schema 2020-12,
// formats asserted.
func mustCompile(tool tools.Tool) *input {
	in, err := compileOwn(tool)
	if err != nil {
		panic(fmt.Sprintf("guard: input schema of %s: %v", tool.Name, err))
	}
	return in
}

// compileOwn compiles a schema of ours, formats asserted.
func compileOwn(tool tools.Tool) (*input, error) {
	in, err := compile(tool, func(c *jsonschema.Compiler) {
		c.Draft = jsonschema.Draft2020
		c.AssertFormat = true
	})
	if err != nil {
		return nil, err
	}
	in.quick = quicken(in.compiled, func(name string) func(any) bool { return jsonschema.Formats[name] })
	return in, nil
}

// compile compiles a tool's input schema. Nothing is ever fetched: a remote $ref
// does not compile.
func compile(tool tools.Tool, prepare func(*jsonschema.Compiler)) (*input, error) {
	schema, err := decode(tool.Input) // first: it bounds depth, size and numbers
	if err != nil {
		return nil, err
	}
	location := "tool:///" + tool.Name
	compiler := jsonschema.NewCompiler()
	compiler.LoadURL = func(string) (io.ReadCloser, error) {
		return nil, errors.New("a schema must not refer to another document")
	}
	prepare(compiler)
	if err := compiler.AddResource(location, bytes.NewReader(tool.Input)); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile(location)
	if err != nil {
		return nil, err
	}
	return &input{compiled: compiled, schema: schema}, nil
}

// validate gives the validator's error for decoded arguments, nil if they fit.
func (in *input) validate(arguments any) error {
	if in.quick.fits(arguments) {
		return nil
	}
	if in.watch != nil {
		return in.watch.run(func() error { return in.compiled.Validate(arguments) })
	}
	return in.compiled.Validate(arguments)
}

// check gives every problem with decoded arguments, sorted by path; none if they fit.
func (in *input) check(arguments any) []problem {
	err := in.validate(arguments)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []problem{{path: wholeInput, text: "cannot be checked against the schema"}}
	}
	return in.problems(invalid, arguments)
}

// pointer splits a JSON pointer as the validator writes it: escaped for JSON, then
// for a URL.
func pointer(text string) []string {
	if _, fragment, ok := strings.Cut(text, "#"); ok {
		text = fragment
	}
	if text = strings.TrimPrefix(text, "/"); text == "" {
		return nil
	}
	path := strings.Split(text, "/")
	for i, segment := range path {
		if plain, err := url.PathUnescape(segment); err == nil {
			segment = plain
		}
		path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(segment)
	}
	return path
}

// at is the value at the path, nil if there is none.
func at(value any, path []string) any {
	for _, segment := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[segment]
		case []any:
			i, err := strconv.Atoi(segment)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// spell encodes a value the way people write JSON: without escaping <, > and &.
func spell(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}
