package convert

import (
	"slices"
	"strings"
)

const (
	maxCombined = 24  // combinations of alternatives that are spelled out
	maxRepeated = 200 // members repeated for each alternative

	maxAlternatives = 1000 // bytes of alternatives that are said in words
)

// distribute plans a place with alternatives: each option has to fit what is said
// outside of them, too.
func (b *builder) distribute(p *place, leaves []*schema, alternatives []alternative) {
	base := constraining(leaves)
	spelled, said := b.choose(base, alternatives)
	for _, a := range said {
		b.sayAlternative(p, a)
	}
	if len(spelled) == 0 {
		b.shape(p, append(b.without(leaves), optionMembers(said)...))
		return
	}
	options, impossible := b.options(p, base, combinations(spelled))
	if len(base) > 0 && len(impossible) > 0 && len(options) > 0 {
		// What an impossible option declares, the others may accept undeclared.
		options, _ = b.options(p, append(base, impossible...), combinations(spelled))
	}
	if len(base) > 0 {
		openAll(options)
	}
	if nullableBy(leaves) {
		p.nullable = true
	}
	b.exclude(p, options, spelled)
	b.collect(p, options)
}

// options plans each way to fit. Those that nothing fits are left out; what they
// declare is given as schemas that only name members.
func (b *builder) options(p *place, base []*schema, ways [][]*schema) (options []*place, impossible []*schema) {
	for _, chosen := range ways {
		if b.work.spent() {
			break
		}
		if o := b.option(p, base, chosen); !o.forbidden() {
			options = b.splice(options, o)
			continue
		}
		for _, s := range chosen {
			impossible = append(impossible, &schema{id: b.nextID(), path: s.path, then: s})
		}
	}
	return options, impossible
}

// openAll opens options that do not say whether they are, if another one says that
// it is: members that only that one speaks of are accepted beside these, too.
func openAll(options []*place) {
	open := slices.ContainsFunc(options, func(o *place) bool {
		r, ok := o.form.(*record)
		return ok && r.tail != nil
	})
	for _, o := range options {
		if r, ok := o.form.(*record); ok && open && r.tail == nil && !r.closed {
			r.addTail(&jsonText{kinds: kindObject}, furtherMembers)
		}
	}
}

// collect makes the union of the options.
func (b *builder) collect(p *place, options []*place) {
	for _, o := range options {
		if o.nullable {
			p.nullable = true
			o.nullable = false
		}
	}
	options = slices.DeleteFunc(options, func(o *place) bool {
		s, ok := o.form.(*scalar)
		if ok && s.kind == kindNull {
			p.nullable = true
		}
		return ok && s.kind == kindNull
	})
	options = b.mergeChoices(dropTwins(options))
	if len(options) > maxOptions || slices.ContainsFunc(options, takesEverything) {
		p.form = &jsonText{kinds: kindsAll}
		p.nullable = false
		return
	}
	b.unite(p, options)
}

// dropTwins leaves out references to what an earlier option refers to.
func dropTwins(options []*place) []*place {
	seen := map[*definition]bool{}
	return slices.DeleteFunc(options, func(o *place) bool {
		r, ok := o.form.(*reference)
		if !ok {
			return false
		}
		twin := seen[r.to]
		seen[r.to] = true
		return twin
	})
}

func takesEverything(o *place) bool {
	t, ok := o.form.(*jsonText)
	return ok && t.kinds&kindsAll == kindsAll
}

// constraining are the schemas that say anything themselves.
func constraining(leaves []*schema) []*schema {
	var all []*schema
	for _, s := range leaves {
		if s.constrains() {
			all = append(all, s)
		}
	}
	return all
}

// choose splits the alternatives into those that are spelled out as options and
// those that are only said in words: because they do no more than name members that
// are required, or because there would be too many options.
func (b *builder) choose(base []*schema, alternatives []alternative) (spelled, said []alternative) {
	combined := 1
	repeated := 0
	for _, s := range base {
		if s.object != nil {
			repeated += len(s.object.properties)
		}
	}
	b.work.step(len(base) + len(alternatives)*repeated)
	for _, a := range alternatives {
		b.work.step(len(a.options))
		n := combined * len(a.options)
		switch {
		case len(base) > 0 && onlyRequires(base, a), n > maxCombined && len(alternatives) > 1, n > 1 && repeated*n > maxRepeated:
			said = append(said, a)
		default:
			spelled = append(spelled, a)
			combined = n
		}
	}
	return spelled, said
}

// onlyRequires reports whether alternatives differ in nothing but which of the
// members that are declared outside of them must be there, or must not.
func onlyRequires(base []*schema, a alternative) bool {
	if typesOf(base) != kindObject {
		return false
	}
	known := map[string]bool{}
	for _, s := range base {
		if s.object != nil {
			for _, p := range s.object.properties {
				known[p.name] = true
			}
		}
	}
	for _, o := range a.options {
		if !o.onlyRequires(known) {
			return false
		}
	}
	return len(known) > 0
}

func (s *schema) onlyRequires(known map[string]bool) bool {
	if s.ref != nil || s.listed || s.allOf != nil || s.anyOf != nil || s.oneOf != nil || s.types&^kindObject != 0 || s.when != nil {
		return false
	}
	o := s.object
	if o == nil {
		return true
	}
	for _, p := range o.properties {
		if !known[p.name] || !p.schema.isAny() && !p.schema.none {
			return false
		}
	}
	return o.additional == nil && o.patterns == nil && o.needs == nil && o.unevaluated == nil
}

// combinations are all ways to take one option of each.
func combinations(alternatives []alternative) [][]*schema {
	all := [][]*schema{nil}
	for _, a := range alternatives {
		var next [][]*schema
		for _, so := range all {
			for _, o := range a.options {
				next = append(next, append(slices.Clone(so), o))
			}
		}
		all = next
	}
	return all
}

// option plans one way to fit, together with what is said outside.
func (b *builder) option(p *place, base, chosen []*schema) *place {
	if len(base) == 0 {
		return b.place(chosen)
	}
	b.work.step(1 + len(base))
	if b.left--; b.left < 0 {
		return b.anything(chosen)
	}
	about, _ := flatten(chosen, b.work)
	o := b.open(append(slices.Clone(chosen), b.without(base)...), about)
	if o.description == p.description {
		o.description = ""
	}
	return o
}

// without gives the schemas as they are without the alternatives, references and
// parts that have been looked at already.
func (b *builder) without(leaves []*schema) []*schema {
	var all []*schema
	for _, s := range leaves {
		if s.ref == nil && s.allOf == nil && s.anyOf == nil && s.oneOf == nil {
			all = append(all, s)
			continue
		}
		all = append(all, b.own(s))
	}
	return all
}

// own is a schema by itself, the same one each time: definitions are known by the
// schemas they are made of.
func (b *builder) own(s *schema) *schema {
	if own := b.owns[s]; own != nil {
		return own
	}
	own := *s
	own.id = b.nextID()
	own.ref, own.allOf, own.anyOf, own.oneOf = nil, nil, nil, nil
	b.owns[s] = &own
	return &own
}

// splice adds an option, or if it is no more than a union itself, its options.
func (b *builder) splice(options []*place, o *place) []*place {
	u, ok := o.form.(*union)
	if !ok || o.title != "" || o.description != "" || len(o.words) > 0 {
		return append(options, o)
	}
	if o.nullable {
		options = append(options, &place{form: &scalar{kind: kindNull}, schemas: o.schemas})
	}
	return append(options, u.options...)
}

// mergeChoices makes one enum of options that each list values of the same kind and
// say nothing else.
func (b *builder) mergeChoices(options []*place) []*place {
	var merged []*place
	first := map[kinds]*place{}
	for _, o := range options {
		c, ok := o.form.(*choice)
		if !ok || o.title != "" || o.description != "" || len(o.words) > 0 {
			merged = append(merged, o)
			continue
		}
		into := first[c.kind]
		if into == nil {
			first[c.kind] = &place{form: c, schemas: o.schemas, example: o.example}
			merged = append(merged, first[c.kind])
			continue
		}
		old := into.form.(*choice)
		values := slices.Clone(old.values)
		b.work.step(len(values) + len(c.values))
		known := keysOf(values)
		for _, v := range c.values {
			if !known[identity(v)] {
				values = append(values, v)
			}
		}
		into.form = &choice{kind: c.kind, values: values}
		into.schemas = []*schema{anyOf(into.schemas, o.schemas)}
	}
	return merged
}

// anyOf is a schema that either of two sets of schemas makes, for checking.
func anyOf(a, b []*schema) *schema {
	path := &pointer{}
	return &schema{path: path, anyOf: []*schema{{path: path, allOf: a}, {path: path, allOf: b}}}
}

// optionMembers are schemas that give the members which alternatives speak of a
// place, when the alternatives themselves are only said in words.
func optionMembers(said []alternative) []*schema {
	var parts []*schema
	for _, a := range said {
		for _, o := range a.options {
			parts = append(parts, &schema{path: a.of.path, then: o})
		}
	}
	return parts
}

// sayAlternative says alternatives in words.
func (b *builder) sayAlternative(p *place, a alternative) {
	lead := "At least one of these must hold: "
	if a.one {
		lead = "Exactly one of these must hold: "
	}
	var words []string
	for length := 0; len(words) < len(a.options) && length <= maxAlternatives+len("; "); {
		word := b.ruleOf(a.options[len(words)])
		words = append(words, word)
		length += len(word) + len("; ")
		b.work.text(len(word))
	}
	p.words = append(p.words, lead+cut(strings.Join(words, "; "), maxAlternatives)+".")
	b.notes.add(a.of.path, "alternatives are said in words")
}

// ruleOf says what one of several alternatives asks for: the members it requires,
// or else its schema.
func (b *builder) ruleOf(s *schema) string {
	if o := s.object; o != nil && o.properties == nil && len(o.required) > 0 && s.not == nil && o.names == nil && o.least < 0 && o.most < 0 {
		return strings.Join(o.required, " and ") + " given"
	}
	return brief(s.json, maxAlternatives)
}
