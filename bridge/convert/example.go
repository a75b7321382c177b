package convert

// maxExample bounds the example in an error; a longer one hides the problems.
const maxExample = 2000 // bytes

// refuse makes the error for arguments that cannot be used. The example has the
// members that the model gave, and those it must give; it is left out if none can
// be made that would be accepted.
func (f *Function) refuse(problems []Problem, written *value) error {
	e := &ArgumentError{Problems: problems}
	for _, like := range []*value{written, nil} {
		example := f.plan.example(like)
		if example == nil {
			continue
		}
		if text := appendValue(nil, example); len(text) <= maxExample {
			e.Example = text
			break
		}
	}
	return e
}

// example is arguments as a model could write them, nil if none are known that fit.
func (p *plan) example(like *value) *value {
	m := sampler{left: 2000}
	example := p.root.sample(&m, like)
	if example == nil {
		return nil
	}
	in := inversion{steps: stepsFor(example)}
	own := p.own(&in, example)
	if own == nil || violations(p.schema, own) != nil {
		return nil
	}
	return example
}

// sampler makes values for the forms of one plan.
type sampler struct {
	left  int // values that may still be made
	depth int
}

func (p *place) sample(m *sampler, like *value) *value {
	const deepest = 30
	if m.left--; m.left < 0 || m.depth > deepest {
		return nil
	}
	m.depth++
	defer func() { m.depth-- }()
	if p.example != nil {
		out := forwarding{steps: 1000}
		if v := p.forward(&out, &spot{value: p.example}); v != nil {
			return v
		}
	}
	if v := p.form.sample(m, p, like); v != nil || !p.nullable {
		return v
	}
	return nullValue()
}

func (f *scalar) sample(_ *sampler, p *place, _ *value) *value {
	leaves, _ := flatten(p.schemas, &work{})
	switch {
	case f.kind == kindNull:
		return nullValue()
	case f.kind == kindBoolean:
		return &value{kind: kindBoolean, text: "true"}
	case f.kind == kindString:
		return stringValue(sampleText(leaves))
	}
	return &value{kind: kindNumber, text: sampleNumber(leaves, f.kind)}
}

func (f *choice) sample(*sampler, *place, *value) *value { return f.values[0] }

func (f *jsonChoice) sample(*sampler, *place, *value) *value { return f.texts[0] }

func (f *jsonText) sample(*sampler, *place, *value) *value {
	switch {
	case f.kinds.has(kindObject):
		return stringValue("{}")
	case f.kinds.has(kindString):
		return stringValue(`"text"`)
	case f.kinds.has(kindArray):
		return stringValue("[]")
	}
	return stringValue("1")
}

func (f *list) sample(m *sampler, _ *place, like *value) *value {
	result := &value{kind: kindArray}
	n := max(0, f.least)
	var first *value
	if like != nil && len(like.items) > 0 {
		first, n = like.items[0], max(1, n)
	}
	if f.most >= 0 {
		n = min(n, f.most)
	}
	const most = 20
	for range min(n, most) {
		item := f.item.sample(m, first)
		if item == nil {
			return nil
		}
		result.items = append(result.items, item)
	}
	return result
}

func (f *pairs) sample(m *sampler, _ *place, _ *value) *value {
	key, v := f.key.sample(m, nil), f.value.sample(m, nil)
	if key == nil || v == nil || f.most == 0 {
		return &value{kind: kindArray}
	}
	return &value{kind: kindArray, items: []*value{pair(key.text, v)}}
}

func (f *record) sample(m *sampler, _ *place, like *value) *value {
	if like == nil {
		like = nullValue()
	}
	result := &value{kind: kindObject}
	for _, one := range f.fields {
		v := one.sample(m, like.get(one.name))
		if v == nil {
			return nil
		}
		result.members = append(result.members, member{one.name, v})
	}
	if f.tail != nil {
		result.members = append(result.members, member{f.tailName, nullValue()})
	}
	return result
}

// sample leaves an optional member out unless the model gave it.
func (f *field) sample(m *sampler, like *value) *value {
	if f.required {
		return f.place.sample(m, like)
	}
	if like == nil || like.kind == kindNull {
		return nullValue()
	}
	if v := f.place.sample(m, like); v != nil {
		return v
	}
	return nullValue()
}

func (f *tuple) sample(m *sampler, p *place, like *value) *value { return f.record.sample(m, p, like) }

func (f *union) sample(m *sampler, _ *place, like *value) *value {
	if like != nil {
		if meant := f.likeliest(like); meant != nil {
			return meant.sample(m, like)
		}
	}
	for _, o := range f.options {
		if v := o.sample(m, nil); v != nil {
			return v
		}
	}
	return nil
}

func (f *wrapped) sample(m *sampler, _ *place, _ *value) *value {
	v := f.in.sample(m, nil)
	if v == nil {
		return nil
	}
	return &value{kind: kindObject, members: []member{{f.name, v}}}
}

func (f *reference) sample(m *sampler, _ *place, like *value) *value {
	return f.to.place.sample(m, like)
}
