package convert

import (
	"strconv"
	"strings"
)

// nulls says what null means where a form is shown, beside what the form takes.
type nulls struct {
	null bool   // null may be written: it is the value, or leaves the member out
	mark string // this text stands for null, "" if nothing does
}

// shown is how a place is shown: at which level of the schema, and with which nulls.
type shown struct {
	level int
	nulls
}

// writer writes the strict schema of a plan, compact and always in the same order.
type writer struct {
	b       []byte
	first   bool // nothing stands yet in the innermost object
	defs    []*definitionText
	work    *work
	names   map[string]bool                  // of definitions
	next    map[string]int                   // the number that a name gets when it is taken
	defined map[*definition]map[nulls]string // their names
	lifted  map[*place]map[nulls]string      // of places that would lie too deep
	tally   tally
}

// definitionText is a definition that is referred to and must be written.
type definitionText struct {
	name  string
	place *place
	at    nulls
	alias string // the reference that this one adds null to, "" if it is written out
}

// tally counts what the strict subset limits.
type tally struct {
	properties, enums, characters int
}

func newWriter(w *work) *writer {
	return &writer{
		b: make([]byte, 0, 2048), first: true, work: w, names: map[string]bool{}, next: map[string]int{},
		defined: map[*definition]map[nulls]string{}, lifted: map[*place]map[nulls]string{},
	}
}

func (w *writer) open() {
	w.b = append(w.b, '{')
	w.first = true
}

func (w *writer) close() {
	w.b = append(w.b, '}')
	w.first = false
}

func (w *writer) key(name string) {
	if !w.first {
		w.b = append(w.b, ',')
	}
	w.first = false
	w.b = append(appendString(w.b, name), ':')
}

func (w *writer) raw(name, json string) {
	w.key(name)
	w.b = append(w.b, json...)
}

func (w *writer) text(name, text string) {
	if text != "" {
		w.key(name)
		w.work.text(len(text))
		w.b = appendString(w.b, text)
	}
}

// count writes a bound, none if it is below 0.
func (w *writer) count(name string, n int) {
	if n >= 0 {
		w.raw(name, strconv.Itoa(n))
	}
}

func (w *writer) strings(name string, all []string) {
	w.key(name)
	w.b = append(w.b, '[')
	for i, s := range all {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = appendString(w.b, s)
	}
	w.b = append(w.b, ']')
}

// property begins a member of properties.
func (w *writer) property(name string) {
	w.tally.properties++
	w.tally.characters += len(name)
	w.key(name)
}

func (w *writer) typed(name string, null bool) {
	if null && name != "null" {
		w.raw("type", `["`+name+`","null"]`)
	} else {
		w.raw("type", `"`+name+`"`)
	}
}

// enum lists the values, and null and its mark where they are accepted.
func (w *writer) enum(values []*value, at shown) {
	w.key("enum")
	w.b = append(w.b, '[')
	for i, v := range values {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		start := len(w.b)
		w.b = appendValue(w.b, v)
		w.tally.characters += len(w.b) - start
	}
	w.work.step(len(values))
	w.tally.enums += len(values)
	if at.mark != "" {
		w.b = appendString(append(w.b, ','), at.mark)
		w.tally.enums++
		w.tally.characters += len(at.mark)
	}
	if at.null {
		w.b = append(w.b, ",null"...)
		w.tally.enums++
	}
	w.b = append(w.b, ']')
}

// field writes a member of a record.
func (w *writer) field(f *field, level int) {
	w.property(f.name)
	w.place(f.place, shown{level, f.nulls()})
}

func (f *field) nulls() nulls { return nulls{null: !f.required, mark: f.nullMark} }

// place writes the schema of a place.
func (w *writer) place(p *place, at shown) {
	if !w.work.step(1 + len(p.words)) {
		return
	}
	at.null = at.null || p.nullable
	if r, ok := p.form.(*reference); ok && w.isInlined(r.to) {
		w.place(p.over(r.to.place), at)
		return
	}
	w.open()
	defer w.close()
	if at.level >= safeLevel && at.level+w.height(p, maxLevel, at.nulls) > maxLevel {
		w.raw("$ref", spell(stringValue(w.lift(p, at.nulls))))
		return
	}
	w.body(p, at)
}

// body writes the members of a place's schema.
func (w *writer) body(p *place, at shown) {
	w.text("title", p.title)
	w.text("description", p.sentences(at))
	if _, ok := p.form.(*union); ok || p.carries(at.nulls) {
		p.form.write(w, at)
		return
	}
	w.alternatives([]*place{p.bare()}, at)
}

// bare is a place without what is said about it.
func (p *place) bare() *place { return &place{form: p.form, schemas: p.schemas} }

// over is a definition's place as it is shown at this one: what is said here comes
// before what is said there.
func (p *place) over(def *place) *place {
	merged := *def
	merged.nullable = p.nullable || def.nullable
	if p.title != "" {
		merged.title = p.title
	}
	if p.description != "" {
		merged.description = p.description
	}
	merged.words = append(append([]string(nil), p.words...), def.words...)
	return &merged
}

// carries reports whether a form can be written in one schema with these nulls,
// and not only as one of several alternatives.
func (p *place) carries(n nulls) bool {
	switch f := p.form.(type) {
	case *reference:
		return p.title == "" && p.description == "" && len(p.words) == 0 && !p.nullable
	case *scalar:
		return n.mark == "" || f.isFree()
	case *choice:
		return n.mark == "" || f.kind == kindString
	case *jsonText, *jsonChoice:
		return true
	}
	return !n.null && n.mark == ""
}

// alternatives writes anyOf over options, with null and its mark where the options
// themselves do not take them.
func (w *writer) alternatives(options []*place, at shown) {
	rest := at.nulls
	if takesAny(options, kindNull) {
		rest.null = false
	}
	w.key("anyOf")
	w.b = append(w.b, '[')
	for i, o := range options {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.place(o, shown{at.level + 1, rest.takenBy(o)})
	}
	w.marks(rest)
	w.b = append(w.b, ']')
	w.first = false
}

// takenBy takes off what an option's own schema can say of the nulls, and gives it.
func (n *nulls) takenBy(o *place) nulls {
	var taken nulls
	switch f := o.form.(type) {
	case *scalar:
		taken.null = n.null
		if f.isFree() {
			n.mark = ""
		}
	case *choice:
		taken.null = n.null
		if f.kind == kindString {
			taken.mark = n.mark
		}
	case *jsonText, *jsonChoice:
		taken.null = n.null
	case *reference:
		taken = *n
	}
	if taken.null {
		n.null = false
	}
	if taken.mark != "" {
		n.mark = ""
	}
	return taken
}

// marks writes the alternatives for null and its mark that are left.
func (w *writer) marks(rest nulls) {
	switch {
	case rest.mark != "" && rest.null:
		w.b = append(w.b, `,{"type":["string","null"],"enum":[`...)
		w.b = append(appendString(w.b, rest.mark), `,null]}`...)
		w.tally.enums += 2
	case rest.mark != "":
		w.b = append(w.b, `,{"type":"string","enum":[`...)
		w.b = append(appendString(w.b, rest.mark), `]}`...)
		w.tally.enums++
	case rest.null:
		w.b = append(w.b, `,{"type":"null"}`...)
	}
}

func takesAny(options []*place, k kinds) bool {
	for _, o := range options {
		if o.takes().has(k) {
			return true
		}
	}
	return false
}

// sentences is the description of a place: the author's, and what the schema
// cannot carry.
func (p *place) sentences(at shown) string {
	words := p.words
	if t, ok := p.form.(*jsonText); ok {
		words = append([]string{t.sentence()}, words...)
	}
	if _, ok := p.form.(*reference); !ok && at.mark != "" { // there the definition says it
		words = append(append([]string(nil), words...), nullWords(at.mark))
	}
	return join(p.description, words)
}

const nullableWord = "Nullable."

func nullWords(m string) string {
	if m == mark {
		return nullableWord
	}
	return "Nullable as " + quote(m) + "."
}

// join puts sentences after a text.
func join(text string, sentences []string) string {
	if len(sentences) == 0 {
		return text
	}
	if text != "" && !strings.ContainsAny(text[len(text)-1:], ".!?:;)\n") {
		text += "."
	}
	return strings.TrimSpace(text + " " + strings.Join(sentences, " "))
}
