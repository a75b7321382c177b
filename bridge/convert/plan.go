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

var errNothingFits = errors.New("its schema accepts no arguments at all, not even none")

// makePlan plans a tool's arguments and writes the schema that the model is shown.
// The reason is why that is not strict, "" if it is.
func makePlan(s *schema, made int, n *notes) (p *plan, text json.RawMessage, reason string, err error) {
	b := &builder{notes: n, left: maxForms, made: made, defs: map[string]*definition{}, owns: map[*schema]*schema{}}
	root, wrapped := b.root(s)
	if root == nil {
		return nil, nil, "", errNothingFits
	}
	b.drain()
	b.every = allWithin(append([]*place{root}, b.all...))
	b.shortenEnums()
	b.settle()
	p = &plan{schema: s, root: root, wrapped: wrapped}
	text, used := b.write(root)
	for used.exceeds() != "" && b.giveUpLargest(p) {
		b.settle()
		text, used = b.write(root)
	}
	p.marks = hasMarks(b.every)
	return p, text, used.exceeds(), nil
}

// write gives the strict schema and what it uses of the limits.
func (b *builder) write(root *place) (json.RawMessage, tally) {
	for _, d := range b.defs {
		d.uses, d.loops, d.small = nil, false, false
	}
	countUses(root)
	w := newWriter()
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

// giveUpLargest shows the largest member that is not JSON text yet as JSON text, and
// reports whether there was one.
func (b *builder) giveUpLargest(p *plan) bool {
	var largest *field
	most := 1
	for _, f := range p.record().fields {
		if size := sizeOf(f.place, map[*definition]bool{}); size > most {
			largest, most = f, size
		}
	}
	if largest == nil {
		return false
	}
	old := largest.place
	s := old.schemas[0]
	for s.ref != nil && s.json == nil {
		s = s.ref
	}
	f := &jsonText{kinds: kindsAll}
	if s.json != nil {
		const most = 2000
		f.schema = cut(spell(s.json), most)
	}
	largest.place = &place{form: f, title: old.title, description: old.description, words: old.words, schemas: old.schemas}
	largest.nullMark, largest.escaped = "", false
	b.notes.add(s.path, "%s is given as JSON text: spelled out it would exceed strict's limits", cut(quote(largest.name), 80))
	return true
}

// sizeOf counts the places within a place, definitions included.
func sizeOf(p *place, seen map[*definition]bool) int {
	if r, ok := p.form.(*reference); ok {
		if seen[r.to] {
			return 1
		}
		seen[r.to] = true
		return 1 + sizeOf(r.to.place, seen)
	}
	size := 1
	p.form.parts(func(part *place) { size += sizeOf(part, seen) })
	if c, ok := p.form.(*choice); ok {
		size += len(c.values)
	}
	return size
}
