package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// decoder walks a YAML tree beside a struct. It never stops at a problem: what
// cannot be read keeps its default, and the walk goes on.
type decoder struct {
	source   *source
	from     Sources
	problems Problems
	warnings Problems // of how the values of references are kept
	unread   []string // paths of settings that still have their defaults
}

// refuse reports a setting that could not be read.
func (d *decoder) refuse(at place, path, format string, args ...any) {
	d.unread = append(d.unread, path)
	d.report(at, path, format, args...)
}

// meaningful reports whether the setting at path holds what the file says, so that
// it is worth checking.
func (d *decoder) meaningful(path string) bool {
	return !slices.ContainsFunc(d.unread, func(unread string) bool {
		rest, below := strings.CutPrefix(path, unread)
		return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// warn notes what is wrong with how a reference's value is kept.
func (d *decoder) warn(at place, path, text string) {
	d.warnings = append(d.warnings, Problem{File: d.source.file, Line: at.line, Column: at.column, Path: path, Message: text})
}

// report reports a key that is at fault, or too much.
func (d *decoder) report(at place, path, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		File: d.source.file, Line: at.line, Column: at.column,
		Path: path, Message: fmt.Sprintf(format, args...),
	})
}

func position(t *token.Token) place { return place{t.Position.Line, t.Position.Column} }

// start is where n begins. A mapping's own token is its first colon.
func start(n ast.Node) place {
	if mapping, ok := n.(*ast.MappingNode); ok && !mapping.IsFlowStyle && len(mapping.Values) > 0 {
		return position(mapping.Values[0].Key.GetToken())
	}
	return position(n.GetToken())
}

func (d *decoder) document(body ast.Node, c *Config) {
	if body == nil {
		return
	}
	d.value(body, "", start(body), reflect.ValueOf(c).Elem())
}

// value reads n into v. at is where to point when n as a whole is at fault: its
// key, or itself where it has none.
func (d *decoder) value(n ast.Node, path string, at place, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		into := reflect.New(v.Type().Elem())
		d.value(n, path, at, fresh(into))
		v.Set(into)
		return
	}
	if _, isText := v.Addr().Interface().(encoding.TextUnmarshaler); isText {
		d.scalar(n, path, v)
		return
	}
	d.source.marks[path] = mark{place: at, firstReference: -1}
	if into, isJSON := v.Addr().Interface().(*JSON); isJSON {
		d.json(n, path, at, into)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.section(n, path, at, v)
	case reflect.Map:
		d.table(n, path, at, v)
	case reflect.Slice:
		d.list(n, path, at, v)
	default:
		d.scalar(n, path, v)
	}
}

// fresh is what pointer points to, with the defaults of its type.
func fresh(pointer reflect.Value) reflect.Value {
	if element, ok := pointer.Interface().(defaulter); ok {
		element.setDefaults()
	}
	return pointer.Elem()
}

// section reads a mapping with known keys into a struct.
func (d *decoder) section(n ast.Node, path string, at place, v reflect.Value) {
	if alone, ok := scalarField(v); ok && isScalar(n) {
		d.value(n, path, at, alone)
		return
	}
	fields, names := fieldsOf(v)
	want := "a mapping with keys of " + strings.Join(names, ", ")
	for _, entry := range d.entries(n, path, at, want) {
		field, known := fields[entry.key]
		if !known {
			d.report(entry.at, entry.path, "unknown key %s; %s", quote(entry.key), suggestion(entry.key, names))
			continue
		}
		d.value(entry.value, entry.path, entry.at, field)
	}
}

// table reads a mapping with keys of the user's own into a map.
func (d *decoder) table(n ast.Node, path string, at place, v reflect.Value) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for _, entry := range d.entries(n, path, at, "a mapping of names to settings") {
		element := fresh(reflect.New(v.Type().Elem()))
		d.value(entry.value, entry.path, entry.at, element)
		v.SetMapIndex(reflect.ValueOf(entry.key), element)
	}
}

// list reads a sequence into a slice, in place of what was there.
func (d *decoder) list(n ast.Node, path string, at place, v reflect.Value) {
	if n = d.plain(n, path); n == nil {
		return
	}
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		d.refuse(at, path, "want a list, such as [a, b]; got %s", kind(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, len(sequence.Values)))
	for i, value := range sequence.Values {
		element := fresh(reflect.New(v.Type().Elem()))
		d.value(value, item(path, i), start(value), element)
		v.Set(reflect.Append(v, element))
	}
}

// plain sees through n to something that can be read: nil for nothing, and, with
// a problem, for YAML's means of writing a thing elsewhere. They are refused: the
// reader of a file that says who may do what should not have to follow them.
func (d *decoder) plain(n ast.Node, path string) ast.Node {
	switch n.(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.AnchorNode:
		d.refuse(position(n.GetToken()), path, "anchors (&name) are not supported; a text that begins with & needs quotes")
	case *ast.AliasNode:
		d.refuse(position(n.GetToken()), path, "aliases (*name) are not supported; a pattern that begins with * needs quotes")
	case *ast.TagNode:
		d.refuse(position(n.GetToken()), path, "tags (!name) are not supported; a text that begins with ! needs quotes")
	default:
		return n
	}
	return nil
}

type entry struct {
	key   string
	path  string
	at    place // of the key
	value ast.Node
}

// entries lists a mapping's entries, each key once.
func (d *decoder) entries(n ast.Node, path string, at place, want string) []entry {
	if n = d.plain(n, path); n == nil {
		return nil
	}
	mapping, ok := n.(ast.MapNode)
	if !ok {
		d.refuse(at, path, "want %s; got %s", want, kind(n))
		return nil
	}
	var entries []entry
	for values := mapping.MapRange(); values.Next(); {
		e := entry{at: position(values.Key().GetToken()), value: values.Value()}
		if !isName(values.Key()) {
			d.report(e.at, path, "a key must be a plain name; merge keys (<<) and keys made of lists or mappings are not supported")
			continue
		}
		e.key = unhide(values.Key().GetToken().Value)
		e.path = child(path, e.key)
		if first := slices.IndexFunc(entries, func(other entry) bool { return other.key == e.key }); first >= 0 {
			d.report(e.at, e.path, "key %s is given twice, first in line %d", quote(e.key), entries[first].at.line)
			continue
		}
		entries = append(entries, e)
	}
	return entries
}

func isName(key ast.MapKeyNode) bool {
	switch key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return true
	}
	return false
}

func kind(n ast.Node) string {
	switch n.(type) {
	case ast.MapNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	}
	return "a single value" // not quoted: it may be a secret without its key
}

// fieldsOf lists the settings of a struct by their names in the file.
func fieldsOf(v reflect.Value) (fields map[string]reflect.Value, names []string) {
	fields = map[string]reflect.Value{}
	for i := range v.NumField() {
		if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); name != "" {
			fields[name] = v.Field(i)
			names = append(names, name)
		}
	}
	return fields, names
}

// scalarField is the field that a struct may be written as, all alone.
func scalarField(v reflect.Value) (reflect.Value, bool) {
	for i := range v.NumField() {
		if _, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); option == "scalar" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}
