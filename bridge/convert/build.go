package convert

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// builder makes the plan of a tool: a form for every place of its schema.
//
// Whatever it cannot work out exactly it shows wider than it is, never narrower,
// and says in words what the model must keep to; the schema itself is checked after
// inverting. So the plan is lossless by construction and sound by that check.
type builder struct {
	notes *notes
	work  *work
	left  int             // forms that may still be made
	met   map[*schema]int // how often each was opened where it stands
	defs  map[string]*definition
	order []*definition       // as they were met
	owns  map[*schema]*schema // by themselves, without what they combine
	made  int                 // schemas, those that were read included

	exclusives []exclusive
	queue      []pending
	all        []*place // of definitions
	every      []*place // all there are, inner ones first
}

// pending is a definition that is yet to be built.
type pending struct {
	def     *definition
	schemas []*schema
}

const (
	maxForms   = 20_000
	maxOptions = 64 // of one union
	maxLeaves  = 200
	maxMet     = 4 // times that a schema is spelled out, beyond that it is referred to
)

// place plans a value that has to fit all of the schemas.
func (b *builder) place(all []*schema) *place {
	b.work.step(1 + len(all))
	if b.left--; b.left < -maxForms {
		b.work.exhaust()
	}
	if b.left < 0 || len(all) > maxLeaves {
		return b.anything(all)
	}
	if len(all) > 1 {
		all = distinct(all)
	}
	if len(all) == 1 {
		return b.single(all[0])
	}
	// Two schemas that both contain themselves meet again and again.
	return &place{form: &reference{b.define(all)}, schemas: all}
}

func (b *builder) single(s *schema) *place {
	if !s.isReference() {
		if s.refTarget || b.repeats(s) {
			return &place{form: &reference{b.define(s.alone())}, schemas: s.alone()}
		}
		return b.open(s.alone(), nil)
	}
	p := &place{form: &reference{b.define(s.ref.alone())}, schemas: s.alone()}
	b.annotate(p, s.alone())
	return p
}

// repeats reports whether a schema is met so often that it is better shown once and
// referred to. No reference leads to it, but one may lead to what it is a part of: by
// that it may even contain itself, as in
//
//	{"properties": {"also": {"allOf": [{"$ref": "#"}], "description": "..."}}}
func (b *builder) repeats(s *schema) bool {
	if s.object == nil && s.array == nil && s.isPlain() {
		return false // there is nothing within
	}
	b.met[s]++
	return b.met[s] > maxMet
}

// distinct drops schemas that leave everything open, and repetitions.
func distinct(all []*schema) []*schema {
	var kept []*schema
	for _, s := range all {
		if !slices.Contains(kept, s) && !(s.isAny() && s.description == "" && s.title == "") {
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		return all[:1]
	}
	return kept
}

// define gives the definition of what fits all of the schemas.
func (b *builder) define(all []*schema) *definition {
	if len(all) == 1 {
		for all[0].isReference() {
			all = all[0].ref.alone()
		}
	}
	key := keyOf(all)
	if d := b.defs[key]; d != nil {
		return d
	}
	d := &definition{name: cmp.Or(all[0].label, all[0].path.name)}
	b.defs[key] = d
	b.order = append(b.order, d)
	b.queue = append(b.queue, pending{def: d, schemas: all})
	return d
}

// keyOf is the same for the same schemas.
func keyOf(all []*schema) string {
	var key strings.Builder
	for _, s := range all {
		key.WriteString(strconv.Itoa(s.id))
		key.WriteByte(' ')
	}
	return key.String()
}

func (b *builder) nextID() int {
	b.made++
	return b.made - 1
}

// drain builds the definitions that are waiting.
func (b *builder) drain() {
	for len(b.queue) > 0 {
		next := b.queue[0]
		b.queue = b.queue[1:]
		if b.left < 0 || b.work.spent() {
			next.def.place = b.anything(next.schemas)
		} else {
			next.def.place = b.open(next.schemas, nil)
		}
		if next.def.place.forbidden() {
			next.def.place.form = &jsonText{kinds: kindsAll}
			next.def.place.words = append(next.def.place.words, "Nothing is accepted here.")
		}
		b.all = append(b.all, next.def.place)
	}
}

// anything plans JSON text, which takes every value.
func (b *builder) anything(all []*schema) *place {
	p := &place{form: &jsonText{kinds: kindsAll}, schemas: all}
	b.annotate(p, all)
	return p
}

// open plans what fits all of the schemas, looking into them: references and allOf
// are merged, alternatives become options. What is said about the place is taken
// from about, or from the schemas if that is nil.
func (b *builder) open(all, about []*schema) *place {
	leaves, alternatives := flatten(all, b.work)
	p := &place{schemas: all}
	if about == nil {
		about = leaves
	}
	b.annotate(p, about)
	if len(leaves) > maxLeaves || b.work.spent() {
		p.form = &jsonText{kinds: kindsAll}
		return p
	}
	if len(alternatives) > 0 {
		b.distribute(p, leaves, alternatives)
		return p
	}
	b.shape(p, leaves)
	return p
}

// shape plans by the kinds of values that are accepted.
func (b *builder) shape(p *place, leaves []*schema) {
	types := typesOf(leaves)
	nullable := nullableBy(leaves)
	values, listed := valuesOf(leaves)
	if listed {
		values = b.fitting(values, leaves)
		b.enumerate(p, leaves, values, types, nullable)
		return
	}
	if types == 0 {
		if nullable {
			p.form = &scalar{kind: kindNull}
		}
		return
	}
	if nullable {
		types |= kindNull
	}
	if isFreeForm(types, leaves) {
		p.form = &jsonText{kinds: types, schema: unread(leaves)}
		b.sayFacets(p, leaves)
		return
	}
	b.kinds(p, leaves, types)
}

// isFreeForm reports whether values of so many shapes are accepted that only JSON
// text says them all plainly.
func isFreeForm(types kinds, leaves []*schema) bool {
	if types&(kindString|kindArray|kindObject) != kindString|kindArray|kindObject {
		return false
	}
	for _, s := range leaves {
		if s.object != nil || s.array != nil {
			return false
		}
	}
	return true
}

// unread is the text of a schema with parts that JSON Schema has no meaning for, ""
// if there is none: authors who forget "properties" still tell a model something.
func unread(leaves []*schema) string {
	const most = 1000
	for _, s := range leaves {
		if s.json == nil || !s.isAny() {
			continue
		}
		for _, m := range s.json.members {
			if m.value.kind == kindObject && m.name != "default" && m.name != "example" {
				return brief(s.json, most)
			}
		}
	}
	return ""
}

// kinds plans a union of the kinds, or the only one.
func (b *builder) kinds(p *place, leaves []*schema, types kinds) {
	p.nullable = types.has(kindNull)
	types &^= kindNull
	if types.count() == 1 {
		b.kind(p, leaves, types)
		b.fold(p)
		return
	}
	var options []*place
	for _, k := range []kinds{kindString, kindNumber, kindInteger, kindBoolean, kindArray, kindObject} {
		if !types.has(k) || k == kindInteger && types.has(kindNumber) {
			continue
		}
		o := &place{schemas: leaves}
		b.kind(o, leaves, k)
		if !o.forbidden() {
			options = append(options, o)
		}
	}
	b.unite(p, options)
}

// unite makes a place of the options: the only one, or a union.
func (b *builder) unite(p *place, options []*place) {
	switch {
	case len(options) == 0:
	case len(options) == 1:
		o := options[0]
		p.form = o.form
		p.nullable = p.nullable || o.nullable
		p.words = append(p.words, o.words...)
		if o.description != "" && p.description == "" {
			p.description = o.description
		} else if o.description != "" && o.description != p.description {
			p.words = append([]string{o.description}, p.words...)
		}
		if p.title == "" {
			p.title = o.title
		}
		if p.example == nil {
			p.example = o.example
		}
	default:
		p.form = &union{options}
	}
	b.fold(p)
}

// fold makes null one more value that JSON text may hold, or the only value.
func (b *builder) fold(p *place) {
	if !p.nullable {
		return
	}
	switch f := p.form.(type) {
	case nil:
		p.form, p.nullable = &scalar{kind: kindNull}, false
	case *jsonText:
		p.form = &jsonText{kinds: f.kinds | kindNull, schema: f.schema}
		p.nullable = false
	}
}

// kind plans values of one kind.
func (b *builder) kind(p *place, leaves []*schema, k kinds) {
	switch {
	case k == kindString:
		b.text(p, leaves)
	case k.has(kindNumber):
		b.number(p, leaves, kindNumber)
	case k == kindInteger:
		b.number(p, leaves, kindInteger)
	case k == kindBoolean:
		p.form = &scalar{kind: k}
	case k == kindArray:
		b.array(p, leaves)
	case k == kindObject:
		b.object(p, leaves)
	}
}

// typesOf are the kinds that all of the schemas accept.
func typesOf(leaves []*schema) kinds {
	types, inferred := kindsAll, kinds(0)
	said := false
	for _, s := range leaves {
		if s.none {
			return 0
		}
		if s.types != 0 {
			types &= kinds(s.types)
			said = true
		}
		inferred |= s.inferred()
	}
	if !said && inferred != 0 {
		return inferred
	}
	return types
}

func nullableBy(leaves []*schema) bool {
	return slices.ContainsFunc(leaves, func(s *schema) bool { return s.nullable })
}

// valuesOf are the values that all of the schemas list.
func valuesOf(leaves []*schema) (values []*value, listed bool) {
	for _, s := range leaves {
		if !s.listed {
			continue
		}
		if !listed {
			values, listed = s.values, true
		} else {
			values = both(values, s.values)
		}
	}
	return values, listed
}

// enumerate plans listed values, by kind.
func (b *builder) enumerate(p *place, leaves []*schema, values []*value, types kinds, nullable bool) {
	if typesOf(leaves) == 0 && !nullable {
		return
	}
	b.work.step(len(values))
	byKind := map[kinds][]*value{}
	said := slices.ContainsFunc(leaves, func(s *schema) bool { return s.types != 0 })
	for _, v := range values {
		if said && !v.isOf(types) && !(nullable && v.kind == kindNull) {
			continue
		}
		k := v.kind
		if k == kindArray {
			k = kindObject
		}
		byKind[k] = append(byKind[k], v)
	}
	p.nullable = nullable || byKind[kindNull] != nil
	var options []*place
	for _, k := range []kinds{kindString, kindNumber, kindBoolean, kindObject} {
		if of := byKind[k]; of != nil {
			options = append(options, &place{form: b.choiceOf(k, of), schemas: leaves})
		}
	}
	b.unite(p, options)
}

// fitting leaves out listed values that other rules exclude.
func (b *builder) fitting(values []*value, leaves []*schema) []*value {
	if len(leaves) == 1 && leaves[0].number == nil && leaves[0].text == nil && leaves[0].array == nil && leaves[0].object == nil && leaves[0].rules == nil {
		return values
	}
	steps := maxSteps
	defer func() { b.work.step(maxSteps - steps) }()
	own := b.without(leaves)
	var fit []*value
	for _, v := range values {
		if fits(own, v, &steps) || steps < 0 {
			fit = append(fit, v)
		}
	}
	return fit
}

func (b *builder) choiceOf(k kinds, values []*value) form {
	switch {
	case k == kindObject:
		f := newJSONChoice(values)
		for _, text := range f.texts {
			b.work.text(len(text.text))
		}
		return f
	case k == kindBoolean && len(values) == 2:
		return &scalar{kind: k}
	case k == kindNumber && !slices.ContainsFunc(values, func(v *value) bool { return !isWhole(v.text) }):
		return &choice{kind: kindInteger, values: values}
	case k == kindNumber:
		return &choice{kind: kindsNumeric, values: values}
	}
	return &choice{kind: k, values: values}
}
