package convert

// list shows an array as an array.
type list struct {
	item        *place
	least, most int // -1: no bound
}

func (f *list) takes() kinds { return kindArray }

func (f *list) expects() string { return "an array" }

func (f *list) invert(in *inversion, at *spot) *value {
	if at.value.kind != kindArray {
		return in.fail(at, "expected an array, got %s", show(at.value))
	}
	result := &value{kind: kindArray}
	for i, item := range at.value.items {
		if v := f.item.invert(in, at.item(i, item)); v != nil {
			result.items = append(result.items, v)
		} else if in.strict {
			return nil
		}
	}
	return result
}

func (f *list) forward(out *forwarding, at *spot) *value {
	if at.value.kind != kindArray {
		return out.fail(at, "expected an array, got %s", show(at.value))
	}
	result := &value{kind: kindArray}
	for i, item := range at.value.items {
		v := f.item.forward(out, at.item(i, item))
		if v == nil {
			return nil
		}
		result.items = append(result.items, v)
	}
	return result
}

func (f *list) parts(visit func(*place)) { visit(f.item) }

func (f *list) write(w *writer, at shown) {
	w.typed("array", false)
	w.key("items")
	w.place(f.item, shown{level: at.level + 1})
	w.count("minItems", f.least)
	w.count("maxItems", f.most)
}

// pairs shows an object with any names as an array of names and values.
type pairs struct {
	key, value  *place
	least, most int // -1: no bound
}

func (f *pairs) takes() kinds { return kindArray }

func (f *pairs) expects() string { return "an array of objects with key and value" }

func (f *pairs) invert(in *inversion, at *spot) *value {
	if at.value.kind == kindObject && !in.strict {
		return f.invertNative(in, at)
	}
	if at.value.kind != kindArray {
		return in.fail(at, "expected %s, got %s", f.expects(), show(at.value))
	}
	result := &value{kind: kindObject}
	seen := make(map[string]bool, len(at.value.items))
	for i, item := range at.value.items {
		key, v := f.invertPair(in, at.item(i, item))
		if v == nil {
			continue
		}
		if seen[key] {
			in.fail(at.item(i, item).member("key", nil), "%s is given twice; give each key once", cut(quote(key), maxShown))
			continue
		}
		seen[key] = true
		result.members = append(result.members, member{key, v})
	}
	return result
}

// invertNative takes an object that was written as one all the same.
func (f *pairs) invertNative(in *inversion, at *spot) *value {
	result := &value{kind: kindObject}
	for _, m := range at.value.members {
		if v := f.value.invert(in, at.member(m.name, m.value)); v != nil {
			result.members = append(result.members, member{m.name, v})
		}
	}
	return result
}

func (f *pairs) invertPair(in *inversion, at *spot) (string, *value) {
	if at.value.kind != kindObject {
		in.fail(at, "expected an object with key and value, got %s", show(at.value))
		return "", nil
	}
	for _, m := range at.value.members {
		if m.name != "key" && m.name != "value" {
			in.fail(at.member(m.name, m.value), "unknown; known are key, value")
			return "", nil
		}
	}
	key, v := at.value.get("key"), at.value.get("value")
	if key == nil {
		in.fail(at.member("key", nil), "required, but missing; expected a string")
		return "", nil
	}
	if v == nil {
		in.fail(at.member("value", nil), "required, but missing; expected %s", f.value.expects())
		return "", nil
	}
	name := f.key.invert(in, at.member("key", key))
	if name == nil {
		return "", nil
	}
	return name.text, f.value.invert(in, at.member("value", v))
}

func (f *pairs) forward(out *forwarding, at *spot) *value {
	if at.value.kind != kindObject {
		return out.fail(at, "expected an object, got %s", show(at.value))
	}
	result := &value{kind: kindArray}
	for _, m := range at.value.members {
		v := f.value.forward(out, at.member(m.name, m.value))
		if v == nil {
			return nil
		}
		result.items = append(result.items, pair(m.name, v))
	}
	return result
}

func pair(key string, v *value) *value {
	return &value{kind: kindObject, members: []member{{"key", stringValue(key)}, {"value", v}}}
}

func (f *pairs) parts(visit func(*place)) {
	visit(f.key)
	visit(f.value)
}

func (f *pairs) write(w *writer, at shown) {
	w.typed("array", false)
	w.key("items")
	w.open()
	w.typed("object", false)
	w.key("properties")
	w.open()
	w.property("key")
	w.place(f.key, shown{level: at.level + 2})
	w.property("value")
	w.place(f.value, shown{level: at.level + 2})
	w.close()
	w.raw("required", `["key","value"]`)
	w.raw("additionalProperties", "false")
	w.close()
	w.count("minItems", f.least)
	w.count("maxItems", f.most)
}
