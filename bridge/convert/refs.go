package convert

import (
	"net/url"
	"strconv"
	"strings"
)

// reference resolves a $ref within the document. Nothing is ever fetched: what a
// reference names elsewhere is not known, and taken as any value.
func (r *reader) reference(at reading, ref *value) {
	s := at.schema
	if ref.kind != kindString {
		r.notes.add(s.path, "$ref is no text; passed over")
		return
	}
	target, resource := r.find(at.resource, ref.text)
	if target == nil || target == at.json {
		r.notes.add(s.path, "$ref %s leads nowhere in this schema; taken as any value", cut(quote(ref.text), 80))
		return
	}
	s.ref = r.schema(target, s.path, resource)
	s.ref.refTarget = true
	if s.ref.label == "" {
		s.ref.label = ref.text[strings.LastIndexAny(ref.text, "/#")+1:]
	}
}

// find gives the place that a reference names, and the resource it is in.
func (r *reader) find(resource *value, ref string) (target, in *value) {
	address, fragment, _ := strings.Cut(ref, "#")
	in = resource
	if address != "" {
		if in = r.anchor(r.absolute(resource, address)); in == nil {
			return nil, nil
		}
	}
	if fragment == "" {
		return in, in
	}
	if !strings.HasPrefix(fragment, "/") {
		return r.anchor(r.absolute(in, "#"+fragment)), in
	}
	for _, base := range []*value{in, r.root} {
		for _, spelled := range spellings(fragment) {
			if target := r.walk(base, spelled); target != nil {
				return target, base
			}
		}
	}
	return nil, nil
}

// spellings gives a pointer as it is, and with the other of the two names that
// definitions have had: authors who move to a newer draft forget the references.
func spellings(fragment string) []string {
	if rest, ok := strings.CutPrefix(fragment, "/definitions/"); ok {
		return []string{fragment, "/$defs/" + rest}
	}
	if rest, ok := strings.CutPrefix(fragment, "/$defs/"); ok {
		return []string{fragment, "/definitions/" + rest}
	}
	return []string{fragment}
}

// walk follows a JSON pointer (RFC 6901).
func (r *reader) walk(v *value, fragment string) *value {
	for _, token := range strings.Split(fragment, "/")[1:] {
		if plain, err := url.PathUnescape(token); err == nil {
			token = plain
		}
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch v.kind {
		case kindObject:
			v = r.member(v, token)
		case kindArray:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v.items) {
				return nil
			}
			v = v.items[i]
		default:
			return nil
		}
		if v == nil {
			return nil
		}
	}
	return v
}

// member gives the member of an object. Large objects get an index: a document may
// hold thousands of definitions, each referred to from another.
func (r *reader) member(v *value, name string) *value {
	if len(v.members) < manyMembers {
		return v.get(name)
	}
	index := r.indexes[v]
	if index == nil {
		index = make(map[string]*value, len(v.members))
		for _, m := range v.members {
			index[m.name] = m.value
		}
		if r.indexes == nil {
			r.indexes = map[*value]map[string]*value{}
		}
		r.indexes[v] = index
	}
	return index[name]
}

// absolute spells an address in full, relative to the $id of a resource.
func (r *reader) absolute(resource *value, address string) string {
	from, err := url.Parse(r.idOf(resource))
	to, err2 := url.Parse(address)
	if err != nil || err2 != nil {
		return address
	}
	return strings.TrimSuffix(from.ResolveReference(to).String(), "#")
}

// anchor gives the place of that full address. The document is searched once, and
// only if it uses such addresses at all.
func (r *reader) anchor(address string) *value {
	if r.anchors == nil {
		r.anchors = map[string]*value{}
		r.collect(r.root, r.root)
	}
	return r.anchors[address]
}

// idName is the keyword by which a part of a document has an address of its own.
func (r *reader) idName() string {
	if r.draft == 4 {
		return "id"
	}
	return "$id"
}

// idOf is that address, "" if it has none.
func (r *reader) idOf(v *value) string {
	id := v.get(r.idName())
	if id == nil || id.kind != kindString || strings.HasPrefix(id.text, "#") || r.refersAlone(v) {
		return ""
	}
	return id.text
}

func (r *reader) collect(v, resource *value) {
	for _, item := range v.items {
		r.collect(item, resource)
	}
	if v.kind != kindObject {
		return
	}
	if id := v.get(r.idName()); id != nil && id.kind == kindString {
		r.anchors[r.absolute(resource, id.text)] = v
	}
	if r.idOf(v) != "" {
		resource = v
	}
	for _, name := range []string{"$anchor", "$dynamicAnchor"} {
		if anchor := v.get(name); anchor != nil && anchor.kind == kindString {
			r.anchors[r.absolute(resource, "#"+anchor.text)] = v
		}
	}
	for _, m := range v.members {
		r.collect(m.value, resource)
	}
}
