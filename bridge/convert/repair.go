package convert

import "strings"

// typeNames are what authors write for a type, in any case of letters: JSON
// Schema's own names, and those of the languages they come from. What is meant by
// any other name is not known; it is taken as any value.
var typeNames = map[string]kinds{
	"null": kindNull, "none": kindNull, "nil": kindNull, "undefined": kindNull,
	"boolean": kindBoolean, "bool": kindBoolean,
	"integer": kindInteger, "int": kindInteger, "int32": kindInteger, "int64": kindInteger, "long": kindInteger,
	"number": kindsNumeric, "float": kindsNumeric, "double": kindsNumeric, "decimal": kindsNumeric, "numeric": kindsNumeric,
	"string": kindString, "str": kindString, "text": kindString,
	"array": kindArray, "list": kindArray, "tuple": kindArray, "set": kindArray,
	"object": kindObject, "dict": kindObject, "dictionary": kindObject, "map": kindObject, "hash": kindObject, "struct": kindObject,
}

var standardTypes = map[string]bool{
	"null": true, "boolean": true, "integer": true, "number": true, "string": true, "array": true, "object": true,
}

// types reads the keyword type: a name or a list of them.
func (r *reader) types(at reading, v *value) {
	s := at.schema
	names := v.items
	if v.kind != kindArray {
		names = []*value{v}
	}
	for _, name := range names {
		k := r.typeOf(s, name)
		if k == 0 {
			s.types = 0
			return
		}
		s.types |= k
	}
}

// typeOf is the kind that a name means, 0 for any.
func (r *reader) typeOf(s *schema, name *value) kinds {
	if name.kind != kindString {
		r.notes.add(s.path, "the type %s is no name; taken as any value", brief(name, 40))
		return 0
	}
	k := typeNames[strings.ToLower(name.text)]
	switch {
	case k == 0:
		r.notes.add(s.path, "nobody defines the type %s; taken as any value", cut(quote(name.text), 40))
	case !standardTypes[name.text]:
		r.notes.add(s.path, "the type %q is taken for JSON Schema's", name.text)
	}
	return k
}

// mistyped repairs a schema none of whose listed values is of its type: by the
// letter nothing is accepted, which nobody means by an enum. The values of a list's
// enum are those of its items; others that are all of one type have it.
func (r *reader) mistyped(s *schema) {
	kind := s.values[0].kind
	for _, v := range s.values {
		if v.kind != kind || s.json.get("const") != nil {
			r.notes.add(s.path, "none of the listed values is of the type: nothing is accepted")
			s.none = true
			return
		}
	}
	if s.types != kindArray {
		r.notes.add(s.path, "none of the listed values is of the type: the values count, not the type")
		s.types = 0
		return
	}
	r.notes.add(s.path, "the enum of a list is taken for that of its items")
	items := &schema{id: r.nextID(), path: s.path, listed: true, values: s.values}
	if s.array == nil {
		s.array = &arrayRules{least: -1, most: -1, leastFound: 1, mostFound: -1}
	}
	if s.array.items != nil {
		items = &schema{id: r.nextID(), path: s.path, allOf: []*schema{s.array.items, items}}
	}
	s.array.items, s.values, s.listed = items, nil, false
}
