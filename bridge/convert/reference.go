package convert

// definition is a part that is shown once and referred to: because it contains
// itself, or because several places share it.
type definition struct {
	name  string // what the author called it
	place *place // nil until it is built
	uses  map[nulls]int
	loops bool // it contains itself
	root  bool // it is the whole schema
	small bool // naming it would take as much as writing it
}

// reference stands for a definition.
type reference struct{ to *definition }

func (f *reference) takes() kinds {
	if f.to.place == nil || f.to.place.form == nil {
		return 0
	}
	return f.to.place.takes()
}

func (f *reference) expects() string {
	if r, ok := f.to.place.form.(*reference); ok && r.to == f.to {
		return "a value"
	}
	return f.to.place.expects()
}

func (f *reference) invert(in *inversion, at *spot) *value { return f.to.place.invert(in, at) }

func (f *reference) forward(out *forwarding, at *spot) *value { return f.to.place.forward(out, at) }

func (*reference) parts(func(*place)) {}

func (f *reference) write(w *writer, at shown) {
	w.raw("$ref", spell(stringValue(w.define(f.to, at.nulls))))
}
