package convert

import "strings"

// scalar shows a string, number, boolean or null as what it is.
type scalar struct {
	kind  kinds
	rules []keyword
	// pattern is the one among the rules, if there is.
	pattern *pattern
}

// keyword is a member of a schema that strict can carry, spelled as JSON.
type keyword struct{ name, json string }

func (f *scalar) takes() kinds {
	if f.kind.has(kindNumber) {
		return kindsNumeric
	}
	return f.kind
}

func (f *scalar) expects() string { return describeKinds(f.kind) }

func (f *scalar) invert(in *inversion, at *spot) *value {
	if !at.value.isOf(f.kind) {
		return in.fail(at, "expected %s, got %s", f.expects(), show(at.value))
	}
	return at.value
}

func (f *scalar) forward(out *forwarding, at *spot) *value {
	if !at.value.isOf(f.kind) {
		return out.fail(at, "expected %s, got %s", f.expects(), show(at.value))
	}
	return at.value
}

func (*scalar) parts(func(*place)) {}

// isFree reports whether any string at all can be written here.
func (f *scalar) isFree() bool { return f.kind == kindString && len(f.rules) == 0 }

func (f *scalar) typeName() string {
	switch f.kind {
	case kindNull:
		return "null"
	case kindBoolean:
		return "boolean"
	case kindInteger:
		return "integer"
	case kindString:
		return "string"
	}
	return "number"
}

func (f *scalar) write(w *writer, at shown) {
	w.typed(f.typeName(), at.null)
	for _, rule := range f.rules {
		w.raw(rule.name, rule.json)
	}
}

// choice shows an enum of strings, numbers or booleans as what it is.
type choice struct {
	kind   kinds
	values []*value
}

func (f *choice) takes() kinds { return f.kind }

func (f *choice) expects() string { return oneOf(f.values) }

func (f *choice) invert(in *inversion, at *spot) *value {
	if !contains(f.values, at.value) {
		return in.fail(at, "expected %s, got %s%s", f.expects(), show(at.value), f.meant(at.value))
	}
	return at.value
}

// meant suggests the value that differs only in the case of its letters.
func (f *choice) meant(given *value) string {
	for _, v := range f.values {
		if v.kind == kindString && strings.EqualFold(v.text, given.text) {
			return "; did you mean " + quote(v.text) + "?"
		}
	}
	return ""
}

func (f *choice) forward(out *forwarding, at *spot) *value {
	if !at.value.isOf(f.kind) {
		return out.fail(at, "expected %s, got %s", f.expects(), show(at.value))
	}
	return at.value
}

func (*choice) parts(func(*place)) {}

func (f *choice) write(w *writer, at shown) {
	w.typed((&scalar{kind: f.kind}).typeName(), at.null)
	w.enum(f.values, at)
}
