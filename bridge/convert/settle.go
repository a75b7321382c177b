package convert

import (
	"slices"
	"strconv"
)

// settle decides what can only be decided when every part is known: which options
// of a union need a name to be told apart, and how null is written where null
// itself leaves a member out.
func (b *builder) settle() {
	// Naming an option changes what the unions around it can tell apart.
	const rounds = 4
	for range rounds {
		b.weigh()
		changed := false
		for _, p := range b.every {
			changed = b.separate(p) || changed
		}
		if !changed || b.work.spent() {
			break
		}
	}
	for _, e := range b.exclusives {
		b.sayExclusive(e)
	}
	b.exclusives = nil
	b.work.step(len(b.every))
	for _, p := range b.every {
		for _, f := range p.fields() {
			if !b.work.step(1) {
				return
			}
			b.markNull(f)
		}
	}
}

// weigh works out what kinds of JSON each definition takes. They refer to each
// other, so it looks until nothing changes; later ones first, since they are mostly
// what earlier ones lead to.
func (b *builder) weigh() {
	for _, d := range b.order {
		d.kinds = 0
	}
	for changed := true; changed && b.work.step(len(b.order)); {
		changed = false
		for i := len(b.order) - 1; i >= 0; i-- {
			d := b.order[i]
			if k := d.place.takes(); k != d.kinds {
				d.kinds, changed = k, true
			}
		}
	}
}

// gathering lists places and all within them, inner ones first, not through references.
type gathering struct {
	found []*place
	visit func(*place)
}

func allWithin(roots []*place) []*place {
	w := gathering{found: make([]*place, 0, 4*len(roots))}
	w.visit = w.add
	for _, p := range roots {
		w.add(p)
	}
	return w.found
}

func (w *gathering) add(p *place) {
	p.form.parts(w.visit)
	w.found = append(w.found, p)
}

func (p *place) fields() []*field {
	switch f := p.form.(type) {
	case *record:
		return f.fields
	case *tuple:
		return f.record.fields
	}
	return nil
}

// separate names the options of a union that could be mistaken for an earlier one.
func (b *builder) separate(p *place) bool {
	u, ok := p.form.(*union)
	if !ok {
		return false
	}
	changed := false
	for i := range u.options {
		if _, done := u.options[i].form.(*wrapped); done {
			continue
		}
		for _, earlier := range u.options[:i] {
			if !b.comparison().agree(earlier, u.options[i], 0) {
				u.options[i] = u.wrap(i)
				changed = true
				break
			}
		}
	}
	return changed
}

// wrap puts an option into an object with one member.
func (u *union) wrap(i int) *place {
	o := u.options[i]
	name := "option_" + strconv.Itoa(i+1)
	if _, ok := o.form.(*jsonText); ok {
		name = "json"
	}
	for slices.ContainsFunc(u.options, func(other *place) bool { return hasOnly(other, name) }) {
		name += "_"
	}
	return &place{form: &wrapped{name: name, in: o}, schemas: o.schemas}
}

// hasOnly reports whether an option is an object with that single member.
func hasOnly(p *place, name string) bool {
	switch f := p.resolved().(type) {
	case *wrapped:
		return f.name == name
	case *record:
		names := f.names()
		return len(names) == 1 && names[0] == name
	case *tuple:
		return len(f.record.fields) == 1 && f.record.fields[0].name == name
	}
	return false
}

// markNull gives a member that is optional and nullable a text for null, since null
// itself leaves it out: models write null for "nothing".
func (b *builder) markNull(f *field) {
	if f.required || !f.place.takes().has(kindNull) {
		return
	}
	t := texts{notes: b.notes, work: b.work}
	t.collect(f.place)
	f.nullMark = mark
	for slices.Contains(t.literals, f.nullMark) {
		f.nullMark = "<" + f.nullMark
	}
	f.escaped = t.free
}

// texts is what strings can be written at a place.
type texts struct {
	free     bool // any, or ones that could look like the mark
	literals []string
	seen     map[*definition]bool
	notes    *notes
	work     *work
}

func (t *texts) collect(p *place) {
	if !t.work.step(1) {
		return
	}
	switch f := p.form.(type) {
	case *scalar:
		if f.kind == kindString && (f.pattern == nil || f.pattern.matches(mark) || f.pattern.matches("<"+mark)) {
			f.loosen(p, t.notes)
			t.free = true
		}
	case *choice:
		t.work.step(len(f.values))
		for _, v := range f.values {
			if v.kind == kindString {
				t.literals = append(t.literals, v.text)
			}
		}
	case *reference:
		if !t.seen[f.to] {
			if t.seen == nil {
				t.seen = map[*definition]bool{}
			}
			t.seen[f.to] = true
			t.collect(f.to.place)
		}
	case *union:
		for _, o := range f.options {
			t.collect(o)
		}
	}
}

// loosen says in words what would keep the model from writing the mark, or from
// adding a "<" to a text that looks like it.
func (f *scalar) loosen(p *place, n *notes) {
	if f.pattern == nil {
		return
	}
	p.words = append(p.words, "Pattern: "+cut(f.pattern.source, 300)+" .")
	n.add(p.schemas[0].path, "pattern is said in words, since null must be sayable")
	f.pattern = nil
	f.rules = slices.DeleteFunc(f.rules, func(k keyword) bool { return k.name == "pattern" })
}
