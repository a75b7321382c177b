package convert

// schema is one place of a tool's JSON Schema, read and repaired. Whatever draft
// it was written in, it means here what it would in 2020-12: a tuple's items are
// the prefix, exclusive bounds are numbers, and references are resolved.
type schema struct {
	self  [1]*schema // itself, to be had as a list without making one
	id    int        // the same for the same document, different for each schema in it
	none  bool       // the schema false: nothing is accepted
	path  *pointer
	label string // what references call it
	json  *value // as it is written

	title, description              string
	preset                          *value // the keyword default
	examples                        []*value
	deprecated, readOnly, writeOnly bool

	types    kinds // 0 when not said
	nullable bool  // null is accepted whatever else is said, as in OpenAPI 3.0
	values   []*value
	listed   bool // values are all that is accepted: enum and const
	number   *numberRules
	text     *textRules
	array    *arrayRules
	object   *objectRules

	ref                 *schema
	refTarget           bool // some reference points here
	allOf, anyOf, oneOf []*schema
	not                 *schema
	when, then, other   *schema  // if, then and else
	rules               []member // the keywords, as written, that only words can carry
}

// numberRules holds numbers as they are spelled, "" where there is no such bound.
type numberRules struct {
	least, most, above, below, step string
}

// textRules holds the rules for strings. A length of -1 is no bound.
type textRules struct {
	least, most int
	pattern     *pattern
	format      string
	content     []string // media type and encoding
	assert      bool     // format is a rule and not just a remark
}

// arrayRules holds the rules for arrays. A count of -1 is no bound.
type arrayRules struct {
	prefix      []*schema
	items       *schema // of the items after the prefix
	least, most int
	unique      bool
	contains    *schema
	leastFound  int
	mostFound   int
	unevaluated *schema
}

// objectRules holds the rules for objects. A count of -1 is no bound.
type objectRules struct {
	properties  []property
	index       map[string]*schema // of properties, when they are many
	required    []string
	patterns    []patternProperty
	additional  *schema
	names       *schema
	least, most int
	needs       []dependency
	unevaluated *schema
}

type property struct {
	name   string
	schema *schema
}

type patternProperty struct {
	pattern *pattern
	schema  *schema
}

// dependency is what follows from a member being there: others must be, or the
// whole object must fit a schema.
type dependency struct {
	name     string
	required []string
	schema   *schema
}

// alone is the list of only this schema.
func (s *schema) alone() []*schema {
	if s.self[0] != s {
		return []*schema{s} // a copy of another, or made by ourselves
	}
	return s.self[:]
}

// isPlain reports whether a schema says all it says itself.
func (s *schema) isPlain() bool {
	return s.ref == nil && s.allOf == nil && s.anyOf == nil && s.oneOf == nil
}

func (o *objectRules) property(name string) *schema {
	if o.index != nil {
		return o.index[name]
	}
	for i := range o.properties {
		if o.properties[i].name == name {
			return o.properties[i].schema
		}
	}
	return nil
}

// isAny reports whether a schema leaves everything open.
func (s *schema) isAny() bool {
	return !s.none && s.ref == nil && !s.constrains() &&
		s.allOf == nil && s.anyOf == nil && s.oneOf == nil
}

// constrains reports whether a schema says anything itself about what is
// accepted, apart from references and what it combines.
func (s *schema) constrains() bool {
	return s.none || s.types != 0 || s.listed || s.number != nil || s.text != nil ||
		s.array != nil || s.object != nil || s.not != nil || s.when != nil
}

// isReference reports whether a schema is what it refers to and nothing more.
func (s *schema) isReference() bool {
	return s.ref != nil && !s.constrains() && !s.nullable && s.allOf == nil && s.anyOf == nil && s.oneOf == nil
}

// inferred are the kinds that a schema without a type is about, 0 if it does not
// say. Rules for texts and numbers do not say: they hold for any other value.
func (s *schema) inferred() kinds {
	var k kinds
	if s.object != nil {
		k |= kindObject
	}
	if s.array != nil {
		k |= kindArray
	}
	return k
}

// pointer is a place in a schema, for notes: /filter/items.
type pointer struct {
	up   *pointer
	name string
}

func (p *pointer) to(name string) *pointer { return &pointer{p, name} }

func (p *pointer) String() string {
	if p == nil || p.up == nil {
		return "/"
	}
	const longest = 400
	text := "/" + p.name
	for p = p.up; p.up != nil && len(text) < longest; p = p.up {
		text = "/" + p.name + text
	}
	return cut(text, longest)
}
