package backendtest

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"drawbridge/tools"
)

// Try calls a tool as a model does. A result must fit the tool's output schema, and is noted in
// the record.
func Try[Out any](ctx context.Context, t testing.TB, catalog *tools.Catalog, record *Record, name string, in any) (out Out, err error) {
	t.Helper()
	tool, ok := catalog.Lookup(name)
	if !ok {
		t.Fatalf("there is no tool %s", name)
	}
	arguments, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := tool.Call(ctx, arguments)
	if err != nil {
		return out, err
	}
	Fits(t, "the result of "+name, tool.Output, raw)
	record.Worked(name)
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Errorf("reading the result of %s: %v", name, err)
	}
	return out, nil
}

// Refused wants the error of a call to have a code, and to say each of the texts.
func Refused(t testing.TB, err error, code tools.Code, name string, in any, texts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s %v succeeded, want %s", name, in, code)
		return
	}
	if got := tools.CodeOf(err); got != code {
		t.Errorf("%s %v: code %s, want %s: %v", name, in, got, code, err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s %v: %q does not say %q", name, in, err, text)
		}
	}
}

// compiled are schemas by their text: a suite calls each tool many times.
var compiled sync.Map

// Fits wants a document to fit a schema, formats too. It reports and goes on, because calls are
// also made beside the test's own goroutine.
func Fits(t testing.TB, what string, schema, document json.RawMessage) {
	t.Helper()
	known, err := compile(schema)
	if err != nil {
		t.Errorf("%s: compiling the schema: %v", what, err)
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Errorf("%s: decoding %s: %v", what, document, err)
		return
	}
	if err := known.Validate(value); err != nil {
		t.Errorf("%s: %s does not fit the schema: %v", what, document, err)
	}
}

func compile(schema json.RawMessage) (*jsonschema.Schema, error) {
	if known, ok := compiled.Load(string(schema)); ok {
		return known.(*jsonschema.Schema), nil
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat = true
	if err := compiler.AddResource("schema.json", bytes.NewReader(schema)); err != nil {
		return nil, err
	}
	made, err := compiler.Compile("schema.json")
	if err == nil {
		compiled.Store(string(schema), made)
	}
	return made, err
}
