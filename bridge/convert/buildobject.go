package convert

import "slices"

const (
	tailName         = "additional_properties"
	furtherMembers   = "Further members"
	furtherArguments = "Further arguments"
)

// object plans a record, a map or a free-form object.
func (b *builder) object(p *place, leaves []*schema) {
	fields, possible := b.fields(leaves)
	if !possible {
		return
	}
	b.sayCounts(p, leaves)
	tail, open := b.tail(leaves)
	switch {
	case len(fields) == 0 && tail != nil:
		p.form = tail
	case len(fields) == 0 && !open && !declaresNothing(leaves):
		p.form = newJSONChoice([]*value{{kind: kindObject}})
	case len(fields) == 0:
		p.form = &jsonText{kinds: kindObject}
	default:
		r := newRecord(fields)
		r.closed = isClosed(leaves)
		if tail != nil {
			r.addTail(tail, furtherMembers)
		}
		p.form = r
	}
}

// declaresNothing reports whether an object says nothing at all about its members,
// not even that there are none.
func declaresNothing(leaves []*schema) bool {
	return !slices.ContainsFunc(leaves, func(s *schema) bool {
		return s.object != nil && (s.object.additional != nil || s.object.patterns != nil)
	})
}

// addTail gives a record the one member more that holds those not declared.
func (f *record) addTail(tail form, description string) {
	if _, ok := tail.(*jsonText); ok {
		description += ":" // and of what, it says itself
	} else {
		description += "."
	}
	f.tail = &place{form: tail, description: description, schemas: []*schema{anySchema}}
	f.tailName = tailName
	for f.index[f.tailName] != nil {
		f.tailName += "_"
	}
}

// isClosed reports whether a schema says that there are no other members.
func isClosed(leaves []*schema) bool {
	return slices.ContainsFunc(leaves, func(s *schema) bool {
		return s.object != nil && s.object.additional != nil && s.object.additional.none
	})
}

// fields plans the members that are declared, or only named as required, in the
// author's order. It is not possible if one is required that nothing fits.
func (b *builder) fields(leaves []*schema) (fields []*field, possible bool) {
	required := map[string]bool{}
	for _, s := range leaves {
		if s.object != nil {
			for _, name := range s.object.required {
				required[name] = true
			}
		}
	}
	for _, name := range b.declared(leaves) {
		if b.work.spent() {
			break
		}
		p := b.place(b.memberSchemas(leaves, name))
		if p.isForbidden() && required[name] {
			return nil, false
		}
		if p.isForbidden() {
			b.notes.add(leaves[0].path, "%s is left out: nothing is accepted there", cut(quote(name), 80))
			continue
		}
		fields = append(fields, &field{name: name, place: p, required: required[name]})
	}
	return fields, true
}

// declared are the names of members that the schemas speak of, each once: declared,
// required, or said something about under a condition.
func (b *builder) declared(leaves []*schema) []string {
	var names []string
	var seen map[string]bool
	add := func(name string) {
		b.work.step(1)
		if seen == nil {
			seen = map[string]bool{}
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, s := range leaves {
		if s.object == nil {
			continue
		}
		for i := range s.object.properties {
			add(s.object.properties[i].name)
		}
	}
	for _, s := range leaves {
		if s.object == nil {
			continue
		}
		for _, name := range s.object.required {
			add(name)
		}
	}
	for _, s := range b.conditional(leaves) {
		if s.object != nil {
			for i := range s.object.properties {
				add(s.object.properties[i].name)
			}
			for _, name := range s.object.required {
				add(name)
			}
		}
	}
	for _, s := range leaves {
		if s.object != nil {
			for _, d := range s.object.needs {
				for _, name := range d.required {
					add(name)
				}
			}
		}
	}
	return names
}

// conditional are the schemas that only apply under a condition, with what they
// combine: words tell the model of them, but the members they speak of must have a
// place.
func (b *builder) conditional(leaves []*schema) []*schema {
	var found []*schema
	seen := map[*schema]bool{}
	var visit func(s *schema, also bool)
	visit = func(s *schema, also bool) {
		if s == nil || !b.work.step(1) || seen[s] || len(found) > maxLeaves {
			return
		}
		seen[s] = true
		if also {
			found = append(found, s)
			visit(s.ref, true)
			for _, list := range [][]*schema{s.allOf, s.anyOf, s.oneOf} {
				for _, part := range list {
					visit(part, true)
				}
			}
		}
		visit(s.then, true)
		visit(s.other, true)
		if s.object != nil {
			for _, d := range s.object.needs {
				visit(d.schema, true)
			}
		}
	}
	for _, s := range leaves {
		visit(s, false)
	}
	return found
}

// memberSchemas are the schemas for a member of that name.
func (b *builder) memberSchemas(leaves []*schema, name string) []*schema {
	if len(leaves) == 1 && leaves[0].object != nil && leaves[0].object.patterns == nil {
		if p := leaves[0].object.property(name); p != nil {
			return p.alone()
		}
	}
	var all []*schema
	for _, s := range leaves {
		if s.object != nil {
			b.work.step(1 + 4*len(s.object.patterns))
			all = append(all, s.object.schemasFor(name)...)
		}
	}
	if all != nil {
		return all
	}
	for _, s := range b.conditional(leaves) {
		if s.object != nil {
			if p := s.object.property(name); p != nil {
				all = append(all, p)
			}
		}
	}
	if len(all) != 1 || !listsMembers(leaves) {
		return []*schema{anySchema} // which of them applies, if any, depends
	}
	return all
}

// listsMembers reports whether properties are declared: what is not among them
// counts as not accepted then.
func listsMembers(leaves []*schema) bool {
	return slices.ContainsFunc(leaves, func(s *schema) bool { return s.object != nil && len(s.object.properties) > 0 })
}

// schemasFor are an object's schemas for a member: its own, those whose pattern its
// name matches, else the one for additional members.
func (o *objectRules) schemasFor(name string) []*schema {
	var all []*schema
	if p := o.property(name); p != nil {
		all = append(all, p)
	}
	for _, p := range o.patterns {
		if p.pattern.parsed != nil && p.pattern.matches(name) {
			all = append(all, p.schema)
		}
	}
	if all == nil && o.additional != nil {
		all = append(all, o.additional)
	}
	return all
}

// tail plans the members that are not declared, nil if there are none. It is open
// if the schemas say that there may be any.
func (b *builder) tail(leaves []*schema) (tail form, open bool) {
	var names, values []*schema
	patterned, closed, said := false, false, false
	for _, s := range leaves {
		o := s.object
		if o == nil {
			continue
		}
		if o.names != nil {
			names = append(names, o.names)
		}
		more := o.additional
		if more == nil && o.patterns == nil && o.unevaluated != nil && !o.unevaluated.none {
			more = o.unevaluated
		}
		switch {
		case len(o.patterns) > 0:
			patterned, said = true, true
			values = append(values, patternValues(o)...)
		case more == nil:
		case more.none:
			closed = true
		default:
			said = true
			values = append(values, more)
		}
	}
	if !closed && !said && !listsMembers(leaves) {
		// It only names members that must be there: others may be, too.
		return &jsonText{kinds: kindObject}, true
	}
	if closed || len(values) == 0 {
		return nil, false
	}
	value := b.place(values)
	if value.isForbidden() {
		return nil, false
	}
	if t, ok := value.form.(*jsonText); ok && t.kinds&kindsAll == kindsAll && !patterned {
		return &jsonText{kinds: kindObject}, true
	}
	return b.pairs(leaves, names, value), true
}

// patternValues are the schemas for members by pattern: the only one, or if there
// are several, any value, since which one applies depends on the name.
func patternValues(o *objectRules) []*schema {
	var all []*schema
	for _, p := range o.patterns {
		if !p.schema.none {
			all = append(all, p.schema)
		}
	}
	if o.additional != nil && !o.additional.none {
		all = append(all, o.additional)
	}
	if len(all) > 1 {
		return []*schema{{id: anyOfID(all), path: all[0].path, anyOf: all}}
	}
	return all
}

// anyOfID numbers a schema that we made ourselves, apart from those that were read.
func anyOfID(all []*schema) int { return -2 - all[0].id }

func (b *builder) pairs(leaves, names []*schema, value *place) form {
	f := &pairs{value: value, least: -1, most: -1}
	plain := true
	for _, s := range leaves {
		if o := s.object; o != nil {
			f.least, f.most = max(f.least, o.least), tighter(f.most, o.most)
			plain = plain && o.properties == nil
			if len(o.patterns) == 1 && o.additional != nil && o.additional.none {
				names = append(names, &schema{path: s.path, types: kindString, text: &textRules{least: -1, most: -1, pattern: o.patterns[0].pattern}})
			}
		}
	}
	if !plain {
		f.least, f.most = -1, -1
	}
	f.key = &place{form: &scalar{kind: kindString}, schemas: []*schema{anySchema}}
	if names != nil {
		key := b.open(append([]*schema{{path: leaves[0].path, types: kindString}}, names...), nil)
		if key.form != nil && key.takes() == kindString && isText(key.form) {
			f.key = key
		}
	}
	return f
}

func isText(f form) bool {
	switch f.(type) {
	case *scalar, *choice:
		return true
	}
	return false
}

// sayCounts says how many members there must be, where that is not carried by the
// length of a list.
func (b *builder) sayCounts(p *place, leaves []*schema) {
	least, most := -1, -1
	for _, s := range leaves {
		if s.object != nil {
			least, most = max(least, s.object.least), tighter(most, s.object.most)
		}
	}
	if text := between(least, most, "member"); text != "" {
		p.words = append(p.words, text)
		b.notes.add(leaves[0].path, "the number of members is said in words")
	}
}
