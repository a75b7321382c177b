package strictrules

import (
	"strconv"
	"strings"
)

// walker goes through a schema and the schemas inside it, in the order in which
// they are written, and knows where it is.
type walker struct {
	path []string
}

// enter goes to the member or element of that name and gives the way back.
func (w *walker) enter(tokens ...string) (before int) {
	before = len(w.path)
	w.path = append(w.path, tokens...)
	return before
}

func (w *walker) back(before int) { w.path = w.path[:before] }

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// pointer is the place as a JSON pointer.
func (w *walker) pointer() string {
	var b strings.Builder
	for _, token := range w.path {
		b.WriteByte('/')
		_, _ = pointerEscape.WriteString(&b, token) // a Builder takes everything
	}
	return b.String()
}

// walk visits a schema that is an object and then all those below it. A level is
// a property, items, a branch or a definition: keywords do not count, nor does
// what a $ref leads to.
func (w *walker) walk(schema *node, level int, visit func(schema *node, level int)) {
	if schema.kind != object {
		return
	}
	visit(schema, level)
	for i := range schema.members {
		m := &schema.members[i]
		shape := keywords[m.name].shape
		if !shape.holdsSchemas() {
			continue
		}
		before := w.enter(m.name)
		w.descend(shape, &m.value, level+1, visit)
		w.back(before)
	}
}

func (s shape) holdsSchemas() bool {
	return s == aSchema || s == schemaList || s == schemaMap || s == patternMap || s == dependencyMap
}

func (w *walker) descend(shape shape, value *node, level int, visit func(*node, int)) {
	if shape == aSchema {
		w.walk(value, level, visit)
		return
	}
	for i := range value.items {
		before := w.enter(strconv.Itoa(i))
		w.walk(&value.items[i], level, visit)
		w.back(before)
	}
	for i := range value.members {
		before := w.enter(value.members[i].name)
		w.walk(&value.members[i].value, level, visit)
		w.back(before)
	}
}
