package convert

// definition is a part that is shown once and referred to: because it contains
// itself, or because several places share it.
type definition struct {
	name  string // what the author called it
	place *place // nil until it is built
	kinds kinds  // of JSON that the model writes for it
	uses  map[nulls]int
	loops bool // it contains itself
	root  bool // it is the whole schema
	small bool // naming it would take as much as writing it
}

// reference stands for a definition.
type reference struct{ to *definition }

func (f *reference) takes() kinds { return f.to.kinds }

func (f *reference) expects() string {
	switch f.to.place.form.(type) {
	case *reference, *union: // which may lead back here
		return describeKinds(f.to.kinds)
	}
	return f.to.place.expects()
}

func (f *reference) invert(in *inversion, at *spot) *value { return f.to.place.invert(in, at) }

func (f *reference) forward(out *forwarding, at *spot) *value { return f.to.place.forward(out, at) }

func (*reference) parts(func(*place)) {}

func (f *reference) write(w *writer, at shown) {
	w.raw("$ref", spell(stringValue(w.define(f.to, at.nulls))))
}
