package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// plan is how a tool's arguments are turned one way and the other.
type plan struct {
	schema  *schema
	root    *place // its form is a record
	wrapped bool   // the record's only member holds the arguments
	marks   bool   // null is written as a text somewhere
}

func (p *plan) record() *record { return p.root.form.(*record) }

// OpenAI's limits for a strict function (guide to structured outputs, "Supported
// schemas").
const (
	maxProperties     = 5000
	maxEnums          = 1000
	maxCharacters     = 120_000
	manyValues        = 250
	maxEnumCharacters = 15_000 // of an enum with more than that many values
)

const maxQuoted = 2000 // bytes of a schema that is quoted where it is not spelled out

var errNothingFits = errors.New("its schema accepts no arguments at all, not even none")

// makePlan plans a tool's arguments and writes the schema that the model is shown.
// The reason is why that is not strict, "" if it is.
func makePlan(s *schema, made int, n *notes, w *work) (p *plan, text json.RawMessage, reason string, err error) {
	b := newBuilder(made, n, w)
	root, wrapped := b.root(s)
	if root == nil && !w.spent() {
		return nil, nil, "", errNothingFits
	}
	if w.spent() {
		return barePlan(s, made, n)
	}
	b.drain()
	b.every = allWithin(append([]*place{root}, b.all...))
	b.shortenEnums()
	b.settle()
	p = &plan{schema: s, root: root, wrapped: wrapped}
	text, used := b.write(root)
	for used.exceeds() != "" && !w.spent() && b.giveUp(p, used.excess()) {
		b.settle()
		text, used = b.write(root)
	}
	if w.spent() {
		return barePlan(s, made, n)
	}
	p.marks = hasMarks(b.every)
	return p, text, used.exceeds(), nil
}

func newBuilder(made int, n *notes, w *work) *builder {
	return &builder{
		notes: n, work: w, left: maxForms, made: made,
		defs: map[string]*definition{}, owns: map[*schema]*schema{}, met: map[*schema]int{},
	}
}

// barePlan shows a tool's arguments as one text of JSON, where spelling them out
// would be more work than any tool is worth.
func barePlan(s *schema, made int, n *notes) (p *plan, text json.RawMessage, reason string, err error) {
	n.add(s.path, "given as JSON text, since spelling it out takes too much work")
	b := newBuilder(made, n, &work{})
	root := &place{title: s.title, description: s.description, schemas: s.alone()}
	f := &jsonText{kinds: kindObject, schema: brief(s.json, maxQuoted)}
	leaves, _ := flatten(s.alone(), b.work)
	wrapped := !typesOf(leaves).has(kindObject)
	if wrapped {
		f.kinds = kindsAll
		root.form = newRecord([]*field{{name: "arguments", place: &place{form: f, schemas: s.alone()}, required: true}})
	} else {
		root.form = withTail(f)
	}
	text, used := b.write(root)
	return &plan{schema: s, root: root, wrapped: wrapped}, text, used.exceeds(), nil
}

// write gives the strict schema and what it uses of the limits.
func (b *builder) write(root *place) (json.RawMessage, tally) {
	for _, d := range b.defs {
		d.uses, d.loops, d.small = nil, false, false
	}
	countUses(root, b.work)
	w := newWriter(b.work)
	w.open()
	w.text("title", root.title)
	w.text("description", root.description)
	root.form.write(w, shown{})
	w.definitions()
	w.close()
	return w.b, w.tally
}

// exceeds says which limit is exceeded, "" if none is.
func (t tally) exceeds() string {
	switch {
	case t.properties > maxProperties:
		return fmt.Sprintf("%d properties are more than %d", t.properties, maxProperties)
	case t.enums > maxEnums:
		return fmt.Sprintf("%d enum values are more than %d", t.enums, maxEnums)
	case t.characters > maxCharacters:
		return fmt.Sprintf("%d characters of names and enum values are more than %d", t.characters, maxCharacters)
	}
	return ""
}

// shortenEnums says enums in words that are longer than strict allows: first each
// that is too long by itself, then the longest until all fit together.
func (b *builder) shortenEnums() {
	var enums []*place
	total := 0
	for _, p := range b.every {
		c, ok := p.form.(*choice)
		switch {
		case !ok:
		case c.isTooLong():
			b.sayEnum(p, c)
		default:
			enums = append(enums, p)
			total += len(c.values)
		}
	}
	const room = 50 // for null and its marks
	if total <= maxEnums-room {
		return
	}
	slices.SortStableFunc(enums, func(a, b *place) int {
		return len(b.form.(*choice).values) - len(a.form.(*choice).values)
	})
	for _, p := range enums {
		if total <= maxEnums-room {
			return
		}
		total -= len(p.form.(*choice).values)
		b.sayEnum(p, p.form.(*choice))
	}
}

func (f *choice) isTooLong() bool {
	characters := 0
	for _, v := range f.values {
		characters += len(v.text)
	}
	return len(f.values) > maxEnums || len(f.values) > manyValues && characters > maxEnumCharacters
}

func (b *builder) sayEnum(p *place, c *choice) {
	const most = 4000
	words := "One of: "
	for i, v := range c.values {
		if len(words) > most {
			words += fmt.Sprintf("… (%d in all)", len(c.values))
			break
		}
		if i > 0 {
			words += ", "
		}
		words += spell(v)
	}
	p.form = &scalar{kind: c.kind}
	p.words = append(p.words, words+".")
	if len(p.schemas) > 0 {
		b.notes.add(p.schemas[0].path, "an enum of %d values is said in words", len(c.values))
	}
}

// excess is the share of what is used that has to go.
func (t tally) excess() float64 {
	return max(
		1-float64(maxProperties)/float64(t.properties+1),
		1-float64(maxEnums)/float64(t.enums+1),
		1-float64(maxCharacters)/float64(t.characters+1))
}

// giveUp shows the largest members that are not JSON text yet as JSON text, until a
// share of the whole is gone. It reports whether there were any.
func (b *builder) giveUp(p *plan, share float64) bool {
	type sized struct {
		field *field
		size  int
	}
	var all []sized
	total := 0
	for _, f := range p.record().fields {
		if size := b.sizeOf(f.place, map[*definition]bool{}); size > 1 {
			all = append(all, sized{f, size})
			total += size
		}
	}
	slices.SortStableFunc(all, func(a, b sized) int { return b.size - a.size })
	gone := 0
	for _, one := range all {
		if gone > 0 && float64(gone) >= share*float64(total) {
			break
		}
		gone += one.size
		b.giveUpField(one.field)
	}
	return gone > 0
}

func (b *builder) giveUpField(f *field) {
	old := f.place
	s := old.schemas[0]
	text := &jsonText{kinds: kindsAll}
	if s.json != nil {
		text.schema = brief(s.json, maxQuoted)
		b.work.text(len(text.schema))
	}
	f.place = &place{form: text, title: old.title, description: old.description, words: old.words, schemas: old.schemas}
	f.nullMark, f.escaped = "", false
	b.notes.add(s.path, "given as JSON text, since spelled out it would exceed strict's limits")
}

// sizeOf counts the places within a place, definitions included.
func (b *builder) sizeOf(p *place, seen map[*definition]bool) int {
	if !b.work.step(1) {
		return 1
	}
	if r, ok := p.form.(*reference); ok {
		if seen[r.to] {
			return 1
		}
		seen[r.to] = true
		return 1 + b.sizeOf(r.to.place, seen)
	}
	size := 1
	p.form.parts(func(part *place) { size += b.sizeOf(part, seen) })
	if c, ok := p.form.(*choice); ok {
		size += len(c.values)
	}
	return size
}
