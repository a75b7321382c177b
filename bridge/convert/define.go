package convert

import (
	"slices"
	"strconv"
)

const (
	maxLevel  = 10 // levels of a schema, the root being 0
	safeLevel = 8  // up to here the largest step down, two levels, stays within
	smallText = 60 // bytes of a definition that is not worth a name
)

// height is how many levels a place's schema has below it, no more than limit.
func (w *writer) height(p *place, limit int, n nulls) int {
	if limit <= 0 {
		return 0
	}
	if _, ok := p.form.(*union); !ok && !p.carries(nulls{n.null || p.nullable, n.mark}) {
		return 1 + w.formHeight(p, limit-1)
	}
	return w.formHeight(p, limit)
}

func (w *writer) formHeight(p *place, limit int) int {
	step := 0
	switch p.form.(type) {
	case *record, *list, *union, *wrapped, *tuple:
		step = 1
	case *pairs:
		step = 2
	}
	deepest := step
	look := func(part *place, n nulls) {
		if deepest < limit && w.work.step(1) {
			deepest = max(deepest, step+w.height(part, limit-step, n))
		}
	}
	if r, ok := p.form.(*record); ok {
		for _, f := range r.fields {
			look(f.place, f.nulls())
		}
		return deepest
	}
	p.form.parts(func(part *place) { look(part, nulls{}) })
	return deepest
}

// isInlined reports whether a definition is written where it is used: if it is used
// once, or too small to be worth a name.
func (w *writer) isInlined(d *definition) bool {
	if d.loops || d.root {
		return false
	}
	total := 0
	for _, uses := range d.uses {
		total += uses
	}
	return total <= 1 || d.small
}

// define gives the reference to a definition with these nulls, and has it written.
func (w *writer) define(d *definition, n nulls) string {
	if d.root && n == (nulls{}) {
		return "#"
	}
	if d.place.takes().has(kindNull) && n.mark == "" {
		n.null = false // it takes null anyway
	}
	names := w.defined[d]
	if names == nil {
		names = map[nulls]string{}
		w.defined[d] = names
	}
	if name, ok := names[n]; ok {
		return "#/$defs/" + name
	}
	suffix := ""
	if n != (nulls{}) {
		suffix = "_or_null"
	}
	if len(d.uses) == 1 && !d.root {
		suffix = ""
	}
	name := w.name(d.name, suffix)
	names[n] = name
	text := &definitionText{name: name, place: d.place, at: n}
	w.defs = append(w.defs, text)
	if suffix != "" && !d.place.carries(n) {
		text.alias = w.define(d, nulls{})
	}
	return "#/$defs/" + name
}

// lift makes a definition of a place that would lie too deep.
func (w *writer) lift(p *place, n nulls) string {
	if name, ok := w.lifted[p][n]; ok {
		return "#/$defs/" + name
	}
	if w.lifted[p] == nil {
		w.lifted[p] = map[nulls]string{}
	}
	name := w.name(p.label(), "")
	w.lifted[p][n] = name
	w.defs = append(w.defs, &definitionText{name: name, place: p, at: n})
	return "#/$defs/" + name
}

// label is what the schema calls a place, for a name.
func (p *place) label() string {
	if len(p.schemas) == 0 || p.schemas[0].path == nil {
		return ""
	}
	return p.schemas[0].path.name
}

// name makes a definition's name legal, and different from the others.
func (w *writer) name(wanted, suffix string) string {
	const longest = 64
	legal := make([]byte, 0, len(wanted))
	for i := 0; i < len(wanted) && i < longest-16; i++ {
		c := wanted[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|32 < 'a' || c|32 > 'z') {
			c = '_'
		}
		legal = append(legal, c)
	}
	name := string(legal) + suffix
	if len(legal) == 0 {
		name = "part" + suffix
	}
	for base := name; w.names[name]; {
		// Numbers go on where they ended: thousands may want the same name.
		w.next[base] = max(2, w.next[base]+1)
		name = base + "_" + strconv.Itoa(w.next[base])
	}
	w.names[name] = true
	w.tally.characters += len(name)
	return name
}

// definitions writes those that are referred to; writing one may add others.
func (w *writer) definitions() {
	if len(w.defs) == 0 {
		return
	}
	w.key("$defs")
	w.open()
	for i := 0; i < len(w.defs) && !w.work.spent(); i++ {
		d := w.defs[i]
		w.key(d.name)
		if d.alias != "" {
			w.aliased(d)
			continue
		}
		w.open()
		n := d.at
		n.null = n.null || d.place.nullable
		w.body(d.place, shown{1, n})
		w.close()
	}
	w.close()
}

func (w *writer) aliased(d *definitionText) {
	w.open()
	if d.at.mark != "" {
		w.text("description", nullWords(d.at.mark))
	}
	w.raw("anyOf", `[{"$ref":`+spell(stringValue(d.alias))+`}`)
	rest := d.at
	if d.place.takes().has(kindNull) {
		rest.null = false
	}
	w.marks(rest)
	w.b = append(w.b, ']')
	w.first = false
	w.close()
}

// countUses walks from the root and counts how each definition is used, so that the
// writer knows which are worth a name, and finds those that contain themselves.
func countUses(root *place, work *work) {
	c := useCounter{open: map[*definition]bool{}, seen: map[*definition]bool{}}
	c.visit = func(p *place) { c.walk(p, nulls{}) }
	c.walk(root, nulls{})
	slices.Reverse(c.order)
	for _, d := range c.order {
		d.small = !d.loops && isSmall(d, work)
	}
}

type useCounter struct {
	open, seen map[*definition]bool
	order      []*definition
	visit      func(*place)
}

func (c *useCounter) walk(p *place, n nulls) {
	if r, ok := p.form.(*reference); ok {
		c.use(r.to, nulls{n.null || p.nullable, n.mark})
		return
	}
	if rec, ok := p.form.(*record); ok {
		for _, f := range rec.fields {
			c.walk(f.place, f.nulls())
		}
		if rec.tail != nil {
			c.walk(rec.tail, nulls{null: true})
		}
		return
	}
	p.form.parts(c.visit)
}

func (c *useCounter) use(d *definition, n nulls) {
	if d.uses == nil {
		d.uses = map[nulls]int{}
	}
	d.uses[n]++
	if d.root {
		return
	}
	if c.open[d] {
		d.loops = true
		return
	}
	if c.seen[d] {
		return
	}
	c.seen[d] = true
	c.open[d] = true
	c.walk(d.place, nulls{})
	delete(c.open, d)
	c.order = append(c.order, d)
}

// isSmall reports whether a definition takes about as little as a reference to it.
func isSmall(d *definition, work *work) bool {
	switch d.place.form.(type) {
	case *scalar, *choice, *jsonText:
	default:
		return false
	}
	w := newWriter(work)
	w.open()
	w.body(d.place, shown{})
	w.close()
	return len(w.b) <= smallText
}
