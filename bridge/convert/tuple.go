package convert

// tuple shows an array whose items each have a meaning of their own as an object
// with a member for each: item_1, item_2 and so on, and the rest.
type tuple struct {
	record *record // its fields, and the rest as the last field
	items  int     // fields that are single items
}

func (f *tuple) takes() kinds { return kindObject }

func (f *tuple) expects() string { return "an object with the items as members" }

func (f *tuple) invert(in *inversion, at *spot) *value {
	if at.value.kind == kindArray && !in.strict {
		return f.invertNative(in, at)
	}
	if at.value.kind != kindObject {
		return in.fail(at, "expected %s, got %s", f.expects(), show(at.value))
	}
	given := f.record.sort(in, at)
	result := &value{kind: kindArray}
	gap := ""
	for i, one := range f.record.fields {
		before := len(in.problems)
		v := one.invert(in, at, given[one.name])
		switch {
		case v == nil && len(in.problems) == before && gap == "":
			gap = one.name
		case v == nil:
		case gap != "":
			in.fail(at.member(gap, nil), "required, since %s is given", one.name)
		case i < f.items:
			result.items = append(result.items, v)
		default:
			result.items = append(result.items, v.items...)
		}
	}
	return result
}

// invertNative takes an array that was written as one all the same.
func (f *tuple) invertNative(in *inversion, at *spot) *value {
	result := &value{kind: kindArray}
	for i, item := range at.value.items {
		var v *value
		switch {
		case i < f.items:
			v = f.record.fields[i].place.invert(in, at.item(i, item))
		case f.items < len(f.record.fields):
			v = f.rest().item.invert(in, at.item(i, item))
		default:
			return in.fail(at, "expected at most %s, got %d", plural(f.items, "item"), len(at.value.items))
		}
		if v != nil {
			result.items = append(result.items, v)
		}
	}
	return result
}

func (f *tuple) rest() *list { return f.record.fields[f.items].place.form.(*list) }

func (f *tuple) forward(out *forwarding, at *spot) *value {
	items := at.value.items
	if at.value.kind != kindArray {
		return out.fail(at, "expected an array, got %s", show(at.value))
	}
	if len(items) > f.items && f.items == len(f.record.fields) {
		return out.fail(at.item(f.items, items[f.items]), "the function has no place for this")
	}
	result := &value{kind: kindObject}
	for i, one := range f.record.fields {
		v := f.forwardField(out, at, i)
		if v == nil {
			return nil
		}
		result.members = append(result.members, member{one.name, v})
	}
	return result
}

func (f *tuple) forwardField(out *forwarding, at *spot, i int) *value {
	one, items := f.record.fields[i], at.value.items
	switch {
	case i < f.items && i < len(items):
		return one.forward(out, at.item(i, items[i]))
	case i == f.items && i < len(items):
		return one.place.forward(out, &spot{up: at.up, name: at.name, index: at.index, value: &value{kind: kindArray, items: items[i:]}})
	case one.required:
		return out.fail(at.item(i, nil), "required, but missing")
	}
	return nullValue()
}

func (f *tuple) parts(visit func(*place)) { f.record.parts(visit) }

func (f *tuple) write(w *writer, at shown) { f.record.write(w, at) }
