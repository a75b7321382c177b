package tools

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

// schemas are those that were made, by type: catalogs are made anew for every reload and replay.
var schemas sync.Map // of reflect.Type to json.RawMessage

// mustSchema makes the schema of struct T and applies the bounds in its tags.
func mustSchema[T any](tool string) json.RawMessage {
	t := reflect.TypeFor[T]()
	if made, ok := schemas.Load(t); ok {
		return slices.Clone(made.(json.RawMessage))
	}
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("tools: %s: %s is not a struct", tool, t))
	}
	schema, err := jsonschema.For[T](nil)
	if err != nil {
		panic(fmt.Sprintf("tools: %s: %v", tool, err))
	}
	if err := bound(t, schema); err != nil {
		panic(fmt.Sprintf("tools: %s: %v", tool, err))
	}
	raw, err := json.Marshal(schema)
	if err != nil {
		panic(fmt.Sprintf("tools: %s: %v", tool, err))
	}
	schemas.Store(t, json.RawMessage(raw))
	return slices.Clone(raw)
}

// bound walks struct t beside its schema and applies each field's tags.
func bound(t reflect.Type, schema *jsonschema.Schema) error {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			if err := bound(element(field.Type), schema); err != nil {
				return err
			}
			continue
		}
		if name == "" {
			name = field.Name
		}
		property := schema.Properties[name]
		if property == nil {
			continue // unexported, or json:"-"
		}
		plain(property)
		if err := applyTags(field.Tag, property); err != nil {
			return fmt.Errorf("field %s.%s: %w", t, field.Name, err)
		}
		nested, target := element(field.Type), property
		for target.Items != nil {
			plain(target.Items)
			target = target.Items
		}
		if nested.Kind() == reflect.Struct && target.Properties != nil {
			if err := bound(nested, target); err != nil {
				return err
			}
		}
	}
	return nil
}

// plain turns ["null", T], which the inference gives for slices and pointers,
// into T: an absent value is left out, never null, and clients cope better.
func plain(schema *jsonschema.Schema) {
	if len(schema.Types) == 2 && slices.Contains(schema.Types, "null") {
		for _, t := range schema.Types {
			if t != "null" {
				schema.Type = t
			}
		}
		schema.Types = nil
	}
}

// element strips pointers, slices and arrays.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	return t
}

// applyTags applies one field's bounds. On an array the bounds of the items
// (enum, length, pattern, format) go to the items.
func applyTags(tag reflect.StructTag, schema *jsonschema.Schema) error {
	value := schema
	if schema.Items != nil {
		value = schema.Items
	}
	var err error
	number := func(key string) *float64 {
		text, ok := tag.Lookup(key)
		if !ok {
			return nil
		}
		n, bad := strconv.ParseFloat(text, 64)
		if bad != nil {
			err = fmt.Errorf("tag %s: %w", key, bad)
		}
		return &n
	}
	whole := func(key string) *int {
		n := number(key)
		if n == nil {
			return nil
		}
		i := int(*n)
		return &i
	}
	value.Minimum, value.Maximum = number("minimum"), number("maximum")
	value.MinLength, value.MaxLength = whole("minLength"), whole("maxLength")
	schema.MinItems, schema.MaxItems = whole("minItems"), whole("maxItems")
	value.Pattern, value.Format = tag.Get("pattern"), tag.Get("format")
	if list := tag.Get("enum"); list != "" {
		for item := range strings.SplitSeq(list, ",") {
			value.Enum = append(value.Enum, item)
		}
	}
	if text, ok := tag.Lookup("default"); ok {
		schema.Default = literal(schema.Type, text)
	}
	if text, ok := tag.Lookup("example"); ok {
		var example any
		if bad := json.Unmarshal(literal(value.Type, text), &example); bad != nil {
			return fmt.Errorf("tag example: %w", bad)
		}
		value.Examples = []any{example}
	}
	return err
}

// literal is text as a JSON value of a type: quoted for strings, as it is otherwise.
func literal(schemaType, text string) json.RawMessage {
	if schemaType == "string" {
		quoted, _ := json.Marshal(text)
		return quoted
	}
	return json.RawMessage(text)
}
