package convert

// place is where a value stands in a tool's arguments: how the model is shown it,
// what is said there, and by which form it is turned one way and the other.
type place struct {
	form        form
	nullable    bool // null stands for null, beside the form
	title       string
	description string
	words       []string  // what the form cannot carry, in sentences
	example     *value    // one that the schema gives: its default, or an example
	schemas     []*schema // that a value here has to fit, all of them
}

// form is one way of showing values to a model in the strict subset, with the way
// there and back. A form takes as much as the schema or more, never less: what it
// takes too much of is refused by the schema after inverting.
type form interface {
	// takes are the kinds of JSON that the model writes for it.
	takes() kinds
	// expects says in a few words what the model is to write.
	expects() string
	// invert turns what the model wrote into the tool's own value, nil if it cannot;
	// then it has told the inversion why.
	invert(in *inversion, at *spot) *value
	// forward turns the tool's own value into what the model would have written, nil
	// if that cannot be said; then it has told the forwarding why.
	forward(out *forwarding, at *spot) *value
	// parts visits the places within.
	parts(visit func(*place))
	// sample is a value as the model could write it, for examples.
	sample(m *sampler, p *place, like *value) *value
	// write appends the members of its schema, without braces and annotations.
	write(w *writer, at shown)
}

func (p *place) takes() kinds {
	k := p.form.takes()
	if p.nullable {
		k |= kindNull
	}
	return k
}

func (p *place) expects() string {
	text := p.form.expects()
	if p.nullable && !p.form.takes().has(kindNull) {
		text += " or null"
	}
	return text
}

func (p *place) invert(in *inversion, at *spot) *value {
	if in.steps--; in.steps < 0 {
		return in.fail(at, "working this out takes too long; give less or simpler input")
	}
	result := at.value
	if at.value.kind != kindNull || !p.nullable {
		result = p.form.invert(in, at)
	}
	if in.origins != nil && result != nil {
		in.origins[result] = at
	}
	return result
}

func (p *place) forward(out *forwarding, at *spot) *value {
	if out.steps--; out.steps < 0 {
		return out.fail(at, "working this out takes too long")
	}
	if at.value.kind == kindNull && p.nullable {
		return nullValue()
	}
	return p.form.forward(out, at)
}

// resolved is the form that a reference leads to, or the form itself.
func (p *place) resolved() form {
	f := p.form
	for range 32 {
		r, ok := f.(*reference)
		if !ok || r.to.place == nil {
			break
		}
		f = r.to.place.form
	}
	return f
}

// forbidden marks a place where nothing fits.
func (p *place) forbidden() bool { return p.form == nil }
