package convert

import "strings"

// union shows alternatives as anyOf. No two of its options can be mistaken for each
// other: whatever both take, both turn into the same (see agree.go).
type union struct {
	options []*place
}

func (f *union) takes() kinds {
	var k kinds
	for _, o := range f.options {
		k |= o.takes()
	}
	return k
}

func (f *union) expects() string {
	const most = 6
	var words []string
	for i, o := range f.options {
		if i == most {
			words = append(words, "…")
			break
		}
		words = append(words, o.expects())
	}
	return strings.Join(words, " or ")
}

func (f *union) invert(in *inversion, at *spot) *value {
	for _, o := range f.options {
		if v := in.try(o, at, true); v != nil {
			return v
		}
	}
	if in.strict {
		return in.fail(at, "expected %s, got %s", f.expects(), show(at.value))
	}
	return f.invertLoosely(in, at)
}

// invertLoosely looks for the option that was meant by something that is none
// exactly: one whose result the tool accepts, else any that gives one.
func (f *union) invertLoosely(in *inversion, at *spot) *value {
	var first *value
	for _, o := range f.options {
		v := in.try(o, at, false)
		if v != nil && fits(o.schemas, v, &in.steps) {
			return v
		}
		if first == nil {
			first = v
		}
	}
	if first != nil {
		return first
	}
	if meant := f.likeliest(at.value); meant != nil {
		return meant.invert(in, at)
	}
	return in.fail(at, "expected %s, got %s", f.expects(), show(at.value))
}

// likeliest is the option to explain a mistake by: of those that take this kind
// of value the one that knows the most of its members. nil if that is not clear.
func (f *union) likeliest(v *value) *place {
	var best *place
	most, ties := -1, 0
	for _, o := range f.options {
		likeness := o.likeness(v)
		switch {
		case likeness < most || likeness < 0:
		case likeness == most:
			ties++
		default:
			best, most, ties = o, likeness, 1
		}
	}
	if ties != 1 {
		return nil
	}
	return best
}

func (p *place) likeness(v *value) int {
	if !v.isOf(p.takes()) {
		return -1
	}
	r, ok := p.resolved().(*record)
	if !ok {
		return 0
	}
	known := 0
	for _, m := range v.members {
		if f := r.index[m.name]; f != nil {
			known++
			if c, ok := f.place.resolved().(*choice); ok && contains(c.values, m.value) {
				known += 2
			}
		}
	}
	return known
}

// forward takes the first option whose schema fits and that can say the value;
// for values that fit none, the first that can say it.
func (f *union) forward(out *forwarding, at *spot) *value {
	var first *value
	var kept error
	for _, o := range f.options {
		fit := fits(o.schemas, at.value, &out.steps)
		if !fit && first != nil {
			continue
		}
		out.err = nil
		v := o.forward(out, at)
		if v != nil && fit {
			return v
		}
		if v == nil && (fit || kept == nil) {
			kept = out.err
		}
		if first == nil {
			first = v
		}
	}
	out.err = kept
	if first != nil {
		out.err = nil
	}
	return first
}

func (f *union) parts(visit func(*place)) {
	for _, o := range f.options {
		visit(o)
	}
}

func (f *union) write(w *writer, at shown) { w.alternatives(f.options, at) }

// wrapped shows an option as the only member of an object, by whose name it is
// told from the other options.
type wrapped struct {
	name string
	in   *place
}

func (f *wrapped) takes() kinds { return kindObject }

func (f *wrapped) expects() string { return "an object with the member " + f.name }

func (f *wrapped) invert(in *inversion, at *spot) *value {
	inner := at.value.get(f.name)
	if inner == nil || len(at.value.members) != 1 {
		return in.fail(at, "expected %s, got %s", f.expects(), show(at.value))
	}
	return f.in.invert(in, at.member(f.name, inner))
}

func (f *wrapped) forward(out *forwarding, at *spot) *value {
	v := f.in.forward(out, at)
	if v == nil {
		return nil
	}
	return &value{kind: kindObject, members: []member{{f.name, v}}}
}

func (f *wrapped) parts(visit func(*place)) { visit(f.in) }

func (f *wrapped) write(w *writer, at shown) {
	w.typed("object", false)
	w.key("properties")
	w.open()
	w.property(f.name)
	w.place(f.in, shown{level: at.level + 1})
	w.close()
	w.strings("required", []string{f.name})
	w.raw("additionalProperties", "false")
}
