package convert

import "strings"

// jsonText shows a value as a string that holds its JSON: the one way in which
// strict can carry a value of any shape.
type jsonText struct {
	kinds  kinds
	schema string // of what the text holds, compact, where that had to be given up
}

func (f *jsonText) takes() kinds { return kindString }

func (f *jsonText) expects() string {
	return "a string with the JSON text of " + describeKinds(f.kinds)
}

func (f *jsonText) invert(in *inversion, at *spot) *value {
	v := at.value
	if v.kind == kindString {
		v = f.parse(in, at)
	} else if in.strict {
		return in.fail(at, "expected %s, got %s", f.expects(), show(v))
	}
	if v == nil {
		return nil
	}
	if !v.isOf(f.kinds) {
		return in.fail(at, "expected %s, got %s", f.expects(), show(v))
	}
	return v
}

// parse reads the text. Text that is plainly meant as itself is taken so where
// strings are accepted: models forget the inner quotes.
func (f *jsonText) parse(in *inversion, at *spot) *value {
	text := strings.TrimSpace(at.value.text)
	v, err := parseArguments([]byte(text))
	if err == nil {
		return v
	}
	if !in.strict && f.kinds.has(kindString) && (text == "" || !strings.ContainsAny(text[:1], `{["`)) {
		return at.value
	}
	return in.fail(at, "expected %s, got %s: %v", f.expects(), show(at.value), err)
}

func (f *jsonText) forward(out *forwarding, at *spot) *value {
	if !at.value.isOf(f.kinds) {
		return out.fail(at, "expected %s, got %s", describeKinds(f.kinds), show(at.value))
	}
	return stringValue(spell(at.value))
}

func (*jsonText) parts(func(*place)) {}

func (f *jsonText) write(w *writer, at shown) { w.typed("string", at.null) }

// sentence says that the string is JSON, and of what.
func (f *jsonText) sentence() string {
	text := "JSON text"
	if f.kinds&kindsAll != kindsAll {
		text += " of " + describeKinds(f.kinds)
	}
	if f.schema != "" {
		text += ", by this schema: " + f.schema
	}
	return text + "."
}

// jsonChoice shows an enum of arrays and objects as an enum of their JSON.
type jsonChoice struct {
	values []*value
	texts  []*value
}

func newJSONChoice(values []*value) *jsonChoice {
	f := &jsonChoice{values: values}
	for _, v := range values {
		f.texts = append(f.texts, stringValue(spell(v)))
	}
	return f
}

func (f *jsonChoice) takes() kinds { return kindString }

func (f *jsonChoice) expects() string { return oneOf(f.texts) }

func (f *jsonChoice) invert(in *inversion, at *spot) *value {
	for i, text := range f.texts {
		if equal(text, at.value) || !in.strict && equal(f.values[i], at.value) {
			return f.values[i]
		}
	}
	return in.fail(at, "expected %s, got %s", f.expects(), show(at.value))
}

func (f *jsonChoice) forward(out *forwarding, at *spot) *value {
	for i, v := range f.values {
		if equal(v, at.value) {
			return f.texts[i]
		}
	}
	return out.fail(at, "expected %s, got %s", oneOf(f.values), show(at.value))
}

func (*jsonChoice) parts(func(*place)) {}

func (f *jsonChoice) write(w *writer, at shown) {
	w.typed("string", at.null)
	w.enum(f.texts, at)
}
