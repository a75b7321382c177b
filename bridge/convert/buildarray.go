package convert

import "strconv"

// array plans a list, or a tuple if its first items have schemas of their own.
func (b *builder) array(p *place, leaves []*schema) {
	least, most, prefix := -1, -1, 0
	for _, s := range leaves {
		a := s.array
		if a == nil {
			continue
		}
		least, most = max(least, a.least), tighter(most, a.most)
		prefix = max(prefix, len(a.prefix))
		if a.unique {
			p.words = append(p.words, "No item twice.")
			b.notes.add(s.path, "uniqueItems is said in words")
		}
	}
	if most >= 0 && least > most {
		return
	}
	if prefix > 0 && most != 0 {
		b.tuple(p, leaves, prefix, least, most)
		return
	}
	item := b.place(itemsAt(leaves, 0))
	switch {
	case most == 0, item.isForbidden() && least <= 0:
		p.form = newJSONChoice([]*value{{kind: kindArray}})
	case item.isForbidden():
	default:
		p.form = &list{item: item, least: least, most: most}
	}
}

// isForbidden also looks at a schema that is false, which a reference may hide
// until it is built.
func (p *place) isForbidden() bool {
	if p.form == nil {
		return true
	}
	for _, s := range p.schemas {
		if s.none || s.ref != nil && s.ref.none {
			return true
		}
	}
	return false
}

// itemsAt are the schemas for the item at an index.
func itemsAt(leaves []*schema, i int) []*schema {
	var all []*schema
	for _, s := range leaves {
		switch {
		case s.array == nil:
		case i < len(s.array.prefix):
			all = append(all, s.array.prefix[i])
		case s.array.items != nil:
			all = append(all, s.array.items)
		}
	}
	if all == nil {
		return []*schema{anySchema}
	}
	return all
}

// anySchema leaves everything open.
var anySchema = &schema{id: -1, path: &pointer{}}

// tuple plans an array with items that have a meaning each.
func (b *builder) tuple(p *place, leaves []*schema, prefix, least, most int) {
	if most >= 0 {
		prefix = min(prefix, most)
	}
	var fields []*field
	for i := range prefix {
		item := b.place(itemsAt(leaves, i))
		if item.isForbidden() {
			if i < least {
				return
			}
			most = i
			break
		}
		fields = append(fields, &field{name: "item_" + strconv.Itoa(i+1), place: item, required: i < least})
	}
	items := len(fields)
	if most < 0 || most > items {
		rest := b.place(itemsAt(leaves, prefix))
		if !rest.isForbidden() {
			form := &list{item: rest, least: max(-1, least-items), most: max(-1, most-items)}
			fields = append(fields, &field{name: "rest", place: &place{form: form, schemas: []*schema{anySchema}}, required: least > items})
		} else if least > items {
			return
		}
	}
	p.words = append(p.words, "A list, given by its items.")
	if len(fields) > max(least, 0)+1 {
		p.words = append(p.words, "Only the last may be left out.")
		b.notes.add(leaves[0].path, "that items are only left out at the end is said in words")
	}
	if len(fields) == 0 {
		p.form = newJSONChoice([]*value{{kind: kindArray}})
		return
	}
	p.form = &tuple{record: newRecord(fields), items: items}
}
