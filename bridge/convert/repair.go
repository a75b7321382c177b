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
		r.notes.add(s.path, "the type %s is no name; taken as any value", cut(spell(name), 40))
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
