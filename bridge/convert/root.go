package convert

import "slices"

// objectOnly narrows a root to what arguments are in MCP: an object.
var objectOnly = &schema{id: -2, path: &pointer{}, types: kindObject}

// root plans a tool's arguments as a record. What cannot be one, such as a choice
// between two shapes, becomes its only member: strict wants an object at the root.
// It gives nil if nothing at all is accepted.
func (b *builder) root(s *schema) (root *place, wrapped bool) {
	def := &definition{name: "arguments", root: true}
	b.defs[keyOf(s.alone())] = def
	b.order = append(b.order, def)
	leaves, _ := flatten([]*schema{s}, b.work)
	p := b.openRoot(s, leaves)
	if p.forbidden() {
		return nil, false
	}
	def.place = p
	if r := b.rootRecord(p, leaves); r != nil {
		p.form, p.nullable = r, false
		return p, false
	}
	def.root = false
	b.all = append(b.all, p)
	if s.refTarget {
		p = &place{form: &reference{def}, schemas: p.schemas}
	}
	r := newRecord([]*field{{name: "arguments", place: p, required: true}})
	return &place{form: r, schemas: []*schema{anySchema}}, true
}

func (b *builder) openRoot(s *schema, leaves []*schema) *place {
	if typesOf(leaves).has(kindObject) {
		return b.open([]*schema{s, objectOnly}, nil)
	}
	return b.open([]*schema{s}, nil)
}

// rootRecord makes a record of a form that says an object in another way, nil if
// the form does not.
func (b *builder) rootRecord(p *place, leaves []*schema) *record {
	switch f := p.form.(type) {
	case *record:
		if f.tail != nil {
			f.addTail(f.tail.form, furtherArguments)
		}
		return f
	case *pairs:
		return withTail(f)
	case *jsonChoice:
		if len(f.values) == 1 && len(f.values[0].members) == 0 && f.values[0].kind == kindObject {
			return newRecord(nil)
		}
	case *jsonText:
		if f.kinds != kindObject {
			return nil
		}
		if declaresNothing(leaves) && saysNoMembers(leaves) {
			return newRecord(nil)
		}
		return withTail(f)
	}
	return nil
}

// saysNoMembers reports whether a root that declares no members means that there
// are none: it has properties, if only an empty list. One that just says that it is
// an object means any: servers add the type to roots that say nothing.
func saysNoMembers(leaves []*schema) bool {
	said := false
	for _, s := range leaves {
		if o := s.object; o != nil {
			said = said || o.properties != nil
			if o.least > 0 || o.most > 0 || o.names != nil || o.needs != nil || o.unevaluated != nil {
				return false
			}
		}
	}
	return said
}

func withTail(f form) *record {
	r := newRecord(nil)
	r.addTail(f, furtherArguments)
	return r
}

// hasMarks reports whether null is written as a text anywhere.
func hasMarks(all []*place) bool {
	return slices.ContainsFunc(all, func(p *place) bool {
		return slices.ContainsFunc(p.fields(), func(f *field) bool { return f.nullMark != "" })
	})
}
