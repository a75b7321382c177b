package convert_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"drawbridge/bridge/convert"
)

// What the tests of this package share: JSON read exactly, and a validator that
// is not the converter's own.

// decode reads JSON with its numbers as written.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

func mustDecode(t testing.TB, data []byte) any {
	t.Helper()
	v, err := decode(data)
	if err != nil {
		t.Fatalf("%s is not JSON: %v", clip(data), err)
	}
	return v
}

// encode writes JSON as people do: without escapes for HTML.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

// canonical spells equal values alike: members sorted, numbers reduced. No number
// is computed, so 1e999999999 costs nothing.
func canonical(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, strconv.Quote(name)+":"+canonical(v[name]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = canonical(v[i])
		}
		return "[" + strings.Join(parts, ",") + "]"
	case json.Number:
		return reduced(string(v))
	default:
		return string(encode(v))
	}
}

// reduced writes a number as its digits, without zeros at the ends, and an exponent.
func reduced(number string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	power, _ := strconv.Atoi(exponent)
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	power -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	power += len(digits) - len(trimmed)
	if trimmed == "" {
		return "0"
	}
	return fmt.Sprintf("%s%se%d", sign, trimmed, power)
}

// sameJSON tells whether two texts mean the same value.
func sameJSON(a, b []byte) bool {
	x, errX := decode(a)
	y, errY := decode(b)
	return errX == nil && errY == nil && canonical(x) == canonical(y)
}

// compile makes a validator of a schema; what the schema does not hold is not
// fetched.
func compile(schema []byte) (*jsonschema.Schema, error) {
	return compileWith(jsonschema.NewCompiler(), schema)
}

// compileAsserting is compile with formats checked in the newer drafts, too.
func compileAsserting(schema []byte) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat = true
	return compileWith(c, schema)
}

// compileShown makes a validator of a function's parameters, which asserts
// formats. Tuples aside, it means the same in 2019-09 as in 2020-12, and is compiled
// in linear instead of quadratic time.
func compileShown(f *convert.Function) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat = true
	if !bytes.Contains(f.Parameters, []byte(`"prefixItems"`)) {
		c.Draft = jsonschema.Draft2019
	}
	return compileWith(c, f.Parameters)
}

// compile2019 makes a validator that knows unevaluatedProperties, and still tuples
// as they were before.
func compile2019(schema []byte) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2019
	return compileWith(c, schema)
}

func compileWith(c *jsonschema.Compiler, schema []byte) (v *jsonschema.Schema, err error) {
	defer func() { // the validator panics on some numbers and patterns that are too large
		if p := recover(); p != nil {
			err = fmt.Errorf("compiling: %v", p)
		}
	}()
	c.LoadURL = func(string) (io.ReadCloser, error) { return nil, errors.New("nothing is fetched") }
	if err := c.AddResource("mem:///schema.json", bytes.NewReader(schema)); err != nil {
		return nil, err
	}
	return c.Compile("mem:///schema.json")
}

// check validates and takes a validator's panic for a refusal.
func check(v *jsonschema.Schema, value any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("validating: %v", p)
		}
	}()
	return v.Validate(value)
}

func clip(data []byte) string {
	if len(data) > 1500 {
		return fmt.Sprintf("%s... (%d bytes)", data[:1500], len(data))
	}
	return string(data)
}
