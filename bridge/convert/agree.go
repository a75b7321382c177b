package convert

// Two options of a union may stand side by side if the model's answer cannot be
// taken for the wrong one: whatever can be written for both must turn into the same
// value. What cannot be shown to agree is told apart by a name.

const (
	deepestLook    = 6 // references that lead on and on are told apart
	maxComparisons = 5000
)

// comparison is one comparing of two options. Unions of unions can ask for very many
// steps; when they are used up, the options are told apart by a name.
type comparison struct {
	left int
	work *work // of all comparisons together
}

func (b *builder) comparison() *comparison { return &comparison{maxComparisons, b.work} }

// step takes steps, and reports whether the comparing may go on.
func (c *comparison) step(n int) bool {
	c.left -= n
	return c.work.step(n) && c.left >= 0
}

// agree reports whether everything that can be written for both places turns into
// the same value.
func (c *comparison) agree(a, b *place, depth int) bool {
	if !c.step(1) {
		return false
	}
	if c.apart(a, b, depth) {
		return true
	}
	f, g := a.resolved(), b.resolved()
	if f == g {
		return true
	}
	if depth > deepestLook {
		return false
	}
	if u, ok := f.(*union); ok {
		return u.all(func(o *place) bool { return c.agree(o, b, depth+1) })
	}
	if u, ok := g.(*union); ok {
		return u.all(func(o *place) bool { return c.agree(a, o, depth+1) })
	}
	switch f := f.(type) {
	case *scalar, *choice:
		return isAsItIs(g)
	case *jsonText, *jsonChoice:
		return isJSON(g)
	case *list:
		g, ok := g.(*list)
		return ok && c.agree(f.item, g.item, depth+1)
	case *pairs:
		g, ok := g.(*pairs)
		return ok && c.agree(f.value, g.value, depth+1)
	case *wrapped:
		g, ok := g.(*wrapped)
		return ok && c.agree(f.in, g.in, depth+1)
	case *record:
		g, ok := g.(*record)
		return ok && c.records(f, g, depth+1)
	case *tuple:
		g, ok := g.(*tuple)
		return ok && f.items == g.items && c.records(f.record, g.record, depth+1)
	}
	return false
}

func isAsItIs(f form) bool {
	switch f.(type) {
	case *scalar, *choice:
		return true
	}
	return false
}

func isJSON(f form) bool {
	switch f.(type) {
	case *jsonText, *jsonChoice:
		return true
	}
	return false
}

func (f *union) all(holds func(*place) bool) bool {
	for _, o := range f.options {
		if !holds(o) {
			return false
		}
	}
	return true
}

// records compares records with the same members.
func (c *comparison) records(f, g *record, depth int) bool {
	for _, one := range f.fields {
		other := g.index[one.name]
		if other == nil || one.required != other.required || !c.agree(one.place, other.place, depth) {
			return false
		}
		if !one.required && one.place.takes().has(kindNull) != other.place.takes().has(kindNull) {
			return false // what null's mark means differs
		}
	}
	return f.tail == nil || c.agree(f.tail, g.tail, depth)
}

// apart reports whether nothing can be written for both places. null stands for
// the same in both.
func (c *comparison) apart(a, b *place, depth int) bool {
	if !a.takes().has(b.takes() &^ kindNull) {
		return true
	}
	if !c.step(1) || depth > deepestLook {
		return false
	}
	f, g := a.resolved(), b.resolved()
	if u, ok := f.(*union); ok {
		return u.all(func(o *place) bool { return c.apart(o, b, depth+1) })
	}
	if u, ok := g.(*union); ok {
		return u.all(func(o *place) bool { return c.apart(a, o, depth+1) })
	}
	if l, ok := literals(f); ok {
		return c.excludes(g, l)
	}
	if l, ok := literals(g); ok {
		return c.excludes(f, l)
	}
	return c.objectsApart(f, g, depth)
}

// literals are the only values that can be written for a form, if they are listed.
func literals(f form) ([]*value, bool) {
	switch f := f.(type) {
	case *choice:
		return f.values, true
	case *jsonChoice:
		return f.texts, true
	}
	return nil, false
}

// excludes reports whether a form takes none of the values.
func (c *comparison) excludes(f form, values []*value) bool {
	c.work.step(len(values))
	if own, ok := literals(f); ok {
		c.work.step(len(own))
		return len(both(own, values)) == 0
	}
	t, ok := f.(*jsonText)
	if !ok {
		return false
	}
	for _, v := range values {
		c.work.text(len(v.text))
		if held, err := parseArguments([]byte(v.text)); err == nil && held.isOf(t.kinds) {
			return false
		}
	}
	return true
}

// objectsApart compares what is written as objects: members that only one of them
// has, or a member that is never the same, tell them apart.
func (c *comparison) objectsApart(f, g form, depth int) bool {
	a, b := written(f), written(g)
	if a == nil || b == nil {
		return false
	}
	if len(a) != len(b) {
		return true
	}
	c.work.step(len(a) + len(b))
	byName := make(map[string]*field, len(b))
	for _, one := range b {
		byName[one.name] = one
	}
	for _, one := range a {
		other := byName[one.name]
		if other == nil {
			return true
		}
		null := one.takesNull() && other.takesNull()
		if !null && c.apart(one.place, other.place, depth+1) {
			return true
		}
	}
	return false
}

func (f *field) takesNull() bool { return !f.required || f.place.takes().has(kindNull) }

// written are the members that the model writes for a form, nil if it writes no
// object.
func written(f form) []*field {
	switch f := f.(type) {
	case *record:
		if f.tail == nil {
			return f.fields
		}
		all := append([]*field(nil), f.fields...)
		return append(all, &field{name: f.tailName, place: f.tail})
	case *tuple:
		return f.record.fields
	case *wrapped:
		return []*field{{name: f.name, place: f.in, required: true}}
	}
	return nil
}
