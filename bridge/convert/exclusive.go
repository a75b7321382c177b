package convert

import "slices"

// exclusive is a place of which only one option may fit.
type exclusive struct {
	place   *place
	options []*place
}

// exclude remembers options of which only one may fit, as they are now.
func (b *builder) exclude(p *place, options []*place, spelled []alternative) {
	if !slices.ContainsFunc(spelled, func(a alternative) bool { return a.one }) {
		return
	}
	e := exclusive{place: p}
	for _, o := range options {
		as := *o
		e.options = append(e.options, &as)
	}
	b.exclusives = append(b.exclusives, e)
}

// sayExclusive says that only one option may fit, if several could.
func (b *builder) sayExclusive(e exclusive) {
	for i, o := range e.options {
		for _, earlier := range e.options[:i] {
			if len(e.options) <= maxOptions && b.comparison().neverBoth(earlier, o, 0) {
				continue
			}
			e.place.words = append(e.place.words, "Must fit only one of the options.")
			b.notes.add(e.place.schemas[0].path, "that only one option may fit is said in words")
			return
		}
	}
}

// neverBoth reports whether none of the tool's own values fits both places. What
// the model writes for them may differ all the same: that says nothing here.
func (c *comparison) neverBoth(a, b *place, depth int) bool {
	if !c.step(1) || depth > deepestLook {
		return false
	}
	if !a.ownKinds(0).has(b.ownKinds(0)) {
		return true
	}
	if a.nullable && b.nullable {
		return false
	}
	f, g := a.resolved(), b.resolved()
	if u, ok := f.(*union); ok {
		return u.all(func(o *place) bool { return c.neverBoth(o, b, depth+1) })
	}
	if u, ok := g.(*union); ok {
		return u.all(func(o *place) bool { return c.neverBoth(a, o, depth+1) })
	}
	switch f := f.(type) {
	case *choice:
		g, ok := g.(*choice)
		c.work.step(len(f.values))
		return ok && len(both(f.values, g.values)) == 0
	case *jsonChoice:
		g, ok := g.(*jsonChoice)
		c.work.step(len(f.values))
		return ok && len(both(f.values, g.values)) == 0
	case *record:
		g, ok := g.(*record)
		return ok && (f.lacks(g) || g.lacks(f) || c.differ(f, g, depth))
	}
	return false
}

// lacks reports whether a record has no place for what another one requires.
func (f *record) lacks(other *record) bool {
	return f.closed && slices.ContainsFunc(other.fields, func(one *field) bool {
		return one.required && f.index[one.name] == nil
	})
}

// differ reports whether a member that both require is never the same in both.
func (c *comparison) differ(f, g *record, depth int) bool {
	c.work.step(len(f.fields))
	for _, one := range f.fields {
		other := g.index[one.name]
		if other != nil && one.required && other.required && c.neverBoth(one.place, other.place, depth+1) {
			return true
		}
	}
	return false
}

// ownKinds are the kinds of the tool's own values, not of what is written for them.
func (p *place) ownKinds(depth int) kinds {
	k := kinds(0)
	if p.nullable {
		k = kindNull
	}
	switch f := p.form.(type) {
	case *scalar:
		return k | f.takes()
	case *choice:
		return k | f.takes()
	case *jsonText:
		return k | f.kinds
	case *list, *tuple:
		return k | kindArray
	case *record, *pairs:
		return k | kindObject
	case *wrapped:
		return k | f.in.ownKinds(depth)
	case *union:
		if depth > deepestLook {
			return kindsAll
		}
		for _, o := range f.options {
			k |= o.ownKinds(depth + 1)
		}
		return k
	case *reference:
		if depth > deepestLook {
			return kindsAll
		}
		return k | f.to.place.ownKinds(depth+1)
	}
	return kindArray | kindObject | k
}
