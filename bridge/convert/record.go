package convert

import "strings"

// record shows an object whose members are declared as an object with all of them
// required, as strict wants it: null stands for one that is left out.
type record struct {
	fields   []*field
	index    map[string]*field
	tail     *place // members that are not declared, nil if there are none; gives an object
	tailName string
	closed   bool // by the schema's own word, not only because it does not say
}

// field is a member of a record, or an item of a tuple.
type field struct {
	name     string
	place    *place
	required bool
	// nullMark is how the model writes null where null itself means left out, ""
	// where null is not accepted.
	nullMark string
	escaped  bool // strings that look like the mark get one more "<"
}

func newRecord(fields []*field) *record {
	f := &record{fields: fields, index: make(map[string]*field, len(fields))}
	for _, one := range fields {
		f.index[one.name] = one
	}
	return f
}

func (f *record) takes() kinds { return kindObject }

func (f *record) expects() string { return "an object" }

func (f *record) names() []string {
	names := make([]string, 0, len(f.fields)+1)
	for _, one := range f.fields {
		names = append(names, one.name)
	}
	if f.tail != nil {
		names = append(names, f.tailName)
	}
	return names
}

func (f *record) invert(in *inversion, at *spot) *value {
	if at.value.kind != kindObject {
		return in.fail(at, "expected an object, got %s", show(at.value))
	}
	given := f.sort(in, at)
	result := &value{kind: kindObject}
	for _, one := range f.fields {
		if v := one.invert(in, at, given[one.name]); v != nil {
			result.members = append(result.members, member{one.name, v})
		}
		if in.strict && len(in.problems) > 0 {
			return nil
		}
	}
	if f.tail != nil {
		f.invertTail(in, at, given, result)
	}
	return result
}

// sort gives what was written by name, and reports names that are not known. An
// object that is open takes them as further members.
func (f *record) sort(in *inversion, at *spot) map[string]*value {
	given := make(map[string]*value, len(at.value.members))
	for _, m := range at.value.members {
		known := f.index[m.name] != nil || f.tail != nil && m.name == f.tailName
		if !known && (in.strict || f.tail == nil) {
			in.fail(at.member(m.name, m.value), "unknown%s", meant(m.name, f.names()))
			continue
		}
		given[m.name] = m.value
	}
	return given
}

// invert gives the member's own value, nil if it is left out or wrong.
func (f *field) invert(in *inversion, up *spot, given *value) *value {
	at := up.member(f.name, given)
	switch {
	case given == nil && f.required:
		return in.fail(at, "required, but missing; expected %s", f.place.expects())
	case given == nil && in.strict:
		return in.fail(at, "missing")
	case given == nil || given.kind == kindNull && !f.required:
		return nil
	case f.nullMark != "" && given.kind == kindString:
		return f.unmark(in, at)
	}
	return f.place.invert(in, at)
}

// unmark reads the mark for null, and takes away the "<" by which strings that
// look like the mark are told from it.
func (f *field) unmark(in *inversion, at *spot) *value {
	text := at.value.text
	if text == f.nullMark {
		null := nullValue()
		if in.origins != nil {
			in.origins[null] = at
		}
		return null
	}
	if f.escaped && isMarkLike(text, f.nullMark) {
		at.value = stringValue(text[1:])
	}
	return f.place.invert(in, at)
}

// forward gives what the model would write for a value that is there.
func (f *field) forward(out *forwarding, at *spot) *value {
	if f.nullMark != "" && at.value.kind == kindNull {
		return stringValue(f.nullMark)
	}
	v := f.place.forward(out, at)
	if v != nil && f.escaped && v.kind == kindString && isMarkLike(v.text, f.nullMark) {
		return stringValue("<" + v.text)
	}
	return v
}

const mark = "<null>"

// isMarkLike reports whether a text is the mark, or the mark after more "<".
func isMarkLike(text, mark string) bool {
	return strings.HasSuffix(text, mark) && strings.Trim(text[:len(text)-len(mark)], "<") == ""
}

func (f *record) invertTail(in *inversion, at *spot, given map[string]*value, result *value) {
	if written := given[f.tailName]; written == nil && in.strict {
		in.fail(at.member(f.tailName, nil), "missing")
	} else if written != nil && written.kind != kindNull {
		more := f.tail.invert(in, at.member(f.tailName, written))
		if more == nil {
			return
		}
		f.add(in, at.member(f.tailName, written), result, more.members)
	}
	for _, m := range at.value.members {
		if f.index[m.name] != nil || m.name == f.tailName {
			continue
		}
		alone := &value{kind: kindObject, members: []member{m}}
		if more := f.tail.invert(in, &spot{up: at.up, name: at.name, index: at.index, value: alone}); more != nil {
			f.add(in, at, result, more.members)
		}
	}
}

func (f *record) add(in *inversion, at *spot, result *value, more []member) {
	for _, m := range more {
		if f.index[m.name] != nil {
			in.fail(at, "%s is declared; give it as a member of its own", cut(quote(m.name), maxShown))
		} else if result.get(m.name) != nil {
			in.fail(at, "%s is given twice", cut(quote(m.name), maxShown))
		} else {
			result.members = append(result.members, m)
		}
	}
}

func (f *record) forward(out *forwarding, at *spot) *value {
	if at.value.kind != kindObject {
		return out.fail(at, "expected an object, got %s", show(at.value))
	}
	given := make(map[string]*value, len(at.value.members))
	more := &value{kind: kindObject}
	for _, m := range at.value.members {
		switch {
		case f.index[m.name] != nil:
			given[m.name] = m.value
		case f.tail == nil:
			return out.fail(at.member(m.name, m.value), "the function has no place for this")
		default:
			more.members = append(more.members, m)
		}
	}
	result := &value{kind: kindObject}
	for _, one := range f.fields {
		v := one.forwardOptional(out, at, given[one.name])
		if v == nil {
			return nil
		}
		result.members = append(result.members, member{one.name, v})
	}
	return f.forwardTail(out, at, result, more)
}

func (f *field) forwardOptional(out *forwarding, up *spot, given *value) *value {
	if given != nil {
		return f.forward(out, up.member(f.name, given))
	}
	if f.required {
		return out.fail(up.member(f.name, nil), "required, but missing")
	}
	return nullValue()
}

func (f *record) forwardTail(out *forwarding, at *spot, result, more *value) *value {
	if f.tail == nil {
		return result
	}
	written := nullValue()
	if len(more.members) > 0 {
		if written = f.tail.forward(out, &spot{up: at.up, name: at.name, index: at.index, value: more}); written == nil {
			return nil
		}
	}
	result.members = append(result.members, member{f.tailName, written})
	return result
}

func (f *record) parts(visit func(*place)) {
	for _, one := range f.fields {
		visit(one.place)
	}
	if f.tail != nil {
		visit(f.tail)
	}
}

func (f *record) write(w *writer, at shown) {
	w.typed("object", false)
	w.key("properties")
	w.open()
	for _, one := range f.fields {
		w.field(one, at.level+1)
	}
	if f.tail != nil {
		w.property(f.tailName)
		w.place(f.tail, shown{at.level + 1, nulls{null: true}})
	}
	w.close()
	w.strings("required", f.names())
	w.raw("additionalProperties", "false")
}

// meant suggests the known name that is most like an unknown one.
func meant(name string, known []string) string {
	const most = 12
	if len(known) == 0 {
		return "; nothing may be given here"
	}
	best, least := "", 1+len(name)/3
	for _, other := range known {
		if d := Distance(strings.ToLower(name), strings.ToLower(other)); d <= least {
			best, least = other, d-1
		}
	}
	if best != "" {
		return "; did you mean " + quote(best) + "?"
	}
	if len(known) > most {
		return "; known are " + strings.Join(known[:most], ", ") + " and others"
	}
	return "; known are " + strings.Join(known, ", ")
}
