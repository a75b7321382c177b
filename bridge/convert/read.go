package convert

import "strings"

// reader turns the JSON of a schema into schemas. It reads what can be reached
// from the root, each place once; a queue instead of recursion keeps long chains
// of references cheap.
type reader struct {
	root    *value
	draft   int  // 4, 6, 7, 2019 or 2020
	asserts bool // formats are rules and not just remarks
	notes   *notes
	places  map[*value]*schema
	made    int // schemas so far
	queue   []reading
	indexes map[*value]map[string]*value
	anchors map[string]*value // by full address; nil until one is asked for
}

type reading struct {
	json     *value
	schema   *schema
	resource *value // the part of the document with a $id of its own that this is in
}

// read reads a whole document and gives its root, and how many schemas there are.
func read(root *value, n *notes) (*schema, int) {
	r := &reader{root: root, notes: n, places: map[*value]*schema{}}
	r.draft = r.declaredDraft()
	// From 2019-09 on formats only annotate, for those who say that they use it. A
	// schema that does not say leaves it open; servers check them, and so do we.
	r.asserts = r.draft < 2019 || root.get("$schema") == nil
	s := r.schema(root, &pointer{}, root)
	for len(r.queue) > 0 {
		last := len(r.queue) - 1
		next := r.queue[last]
		r.queue = r.queue[:last]
		r.fill(next)
	}
	r.breakLoops()
	return s, r.made
}

func (r *reader) nextID() int {
	r.made++
	return r.made - 1
}

// declaredDraft is the draft that $schema names; MCP's default is 2020-12.
func (r *reader) declaredDraft() int {
	name := r.root.get("$schema")
	if name == nil || name.kind != kindString {
		return 2020
	}
	for _, d := range []struct {
		part  string
		draft int
	}{{"draft-03", 4}, {"draft-04", 4}, {"draft-05", 4}, {"draft-06", 6}, {"draft-07", 7}, {"2019-09", 2019}} {
		if strings.Contains(name.text, d.part) {
			return d.draft
		}
	}
	return 2020
}

// schema gives the schema of a place, and has it read later if it is new.
func (r *reader) schema(json *value, at *pointer, resource *value) *schema {
	if s := r.places[json]; s != nil {
		return s
	}
	s := &schema{id: r.nextID(), path: at, json: json}
	s.self[0] = s
	r.places[json] = s
	switch {
	case json.kind == kindObject:
		r.queue = append(r.queue, reading{json, s, resource})
	case json.kind == kindBoolean:
		s.none = json.text == "false"
	default:
		r.notes.add(at, "this is no schema but %s; taken as any value", brief(json, 40))
	}
	return s
}

// fill reads the keywords of one schema.
func (r *reader) fill(at reading) {
	s := at.schema
	if r.idOf(at.json) != "" {
		at.resource = at.json
	}
	if r.refersAlone(at.json) {
		// Before 2019-09 what stands beside $ref means nothing, but people read it.
		r.annotations(at)
		r.reference(at, at.json.get("$ref"))
		return
	}
	for _, m := range at.json.members {
		r.keyword(at, m.name, m.value)
	}
	r.settle(s)
}

// refersAlone reports whether a $ref makes all that stands beside it meaningless.
func (r *reader) refersAlone(json *value) bool {
	ref := json.get("$ref")
	return r.draft < 2019 && ref != nil && ref.kind == kindString
}

func (r *reader) annotations(at reading) {
	for _, m := range at.json.members {
		r.annotation(at.schema, m.name, m.value)
		if m.name == "nullable" {
			at.schema.nullable = m.value.text == "true"
		}
	}
}

// settle makes sense of keywords that only mean something together.
func (r *reader) settle(s *schema) {
	if !s.listed {
		return
	}
	var fit []*value
	for _, v := range s.values {
		if s.types == 0 || v.isOf(s.types) || s.nullable && v.kind == kindNull {
			fit = append(fit, v)
		}
	}
	if len(fit) == 0 && len(s.values) > 0 {
		r.mistyped(s)
		return
	}
	if len(fit) < len(s.values) {
		r.notes.add(s.path, "listed values that are not of the type are left out")
	}
	s.values = fit
}

// keyword reads one keyword. Those that say nothing about what is accepted, and
// those nobody defined, are passed over.
func (r *reader) keyword(at reading, name string, v *value) {
	switch {
	case r.annotation(at.schema, name, v):
	case r.general(at, name, v):
	case r.combining(at, name, v):
	case r.numeric(at, name, v):
	case r.textual(at.schema, name, v):
	case r.ofArrays(at, name, v):
	case r.ofObjects(at, name, v):
	}
}

func (r *reader) annotation(s *schema, name string, v *value) bool {
	switch name {
	case "title":
		s.title = textOf(v)
	case "description":
		s.description = textOf(v)
	case "default":
		s.preset = v
	case "examples":
		if v.kind == kindArray {
			s.examples = v.items
		}
	case "example":
		s.examples = append(s.examples, v)
	case "deprecated":
		s.deprecated = v.text == "true"
	case "readOnly":
		s.readOnly = v.text == "true"
	case "writeOnly":
		s.writeOnly = v.text == "true"
	default:
		return false
	}
	return true
}

// textOf is the text of a string, "" of anything else.
func textOf(v *value) string {
	if v.kind != kindString {
		return ""
	}
	return strings.TrimSpace(v.text)
}

func (r *reader) general(at reading, name string, v *value) bool {
	s := at.schema
	switch name {
	case "type":
		r.types(at, v)
	case "nullable":
		s.nullable = v.text == "true"
	case "enum":
		r.enum(s, v)
	case "const":
		if r.draft >= 6 {
			r.list(s, []*value{v})
		}
	case "$ref":
		r.reference(at, v)
	case "$dynamicRef", "$recursiveRef":
		// Which target is meant depends on the way there. Tools are not extended from
		// outside, so it is the one that $ref would mean.
		r.reference(at, v)
	default:
		return false
	}
	return true
}

func (r *reader) enum(s *schema, v *value) {
	if v.kind != kindArray || len(v.items) == 0 {
		r.notes.add(s.path, "enum lists nothing; taken as any value")
		return
	}
	r.list(s, v.items)
}

// list narrows what is accepted to the values, each once.
func (r *reader) list(s *schema, values []*value) {
	if s.listed {
		s.values = both(s.values, values)
		s.none = s.none || len(s.values) == 0
		return
	}
	s.listed = true
	seen := map[string]bool{}
	for _, v := range values {
		key := identity(v)
		if !seen[key] {
			seen[key] = true
			s.values = append(s.values, v)
		}
	}
}

// both gives the values of a that are in b, too.
func both(a, b []*value) []*value {
	known := keysOf(b)
	var found []*value
	for _, v := range a {
		if known[identity(v)] {
			found = append(found, v)
		}
	}
	return found
}

func contains(values []*value, v *value) bool {
	for _, other := range values {
		if equal(v, other) {
			return true
		}
	}
	return false
}

func (r *reader) combining(at reading, name string, v *value) bool {
	s := at.schema
	switch name {
	case "allOf":
		s.allOf = append(s.allOf, r.schemas(at, name, v)...)
	case "anyOf":
		s.anyOf = r.schemas(at, name, v)
	case "oneOf":
		s.oneOf = r.schemas(at, name, v)
	case "not":
		s.not = r.schema(v, s.path.to(name), at.resource)
		r.rule(s, name, v)
	case "if":
		if r.draft >= 7 {
			s.when = r.schema(v, s.path.to(name), at.resource)
			r.rule(s, name, v)
		}
	case "then":
		s.then = r.schema(v, s.path.to(name), at.resource)
		r.rule(s, name, v)
	case "else":
		s.other = r.schema(v, s.path.to(name), at.resource)
		r.rule(s, name, v)
	default:
		return false
	}
	return true
}

// schemas reads a list of schemas; a lone one is taken as a list of one.
func (r *reader) schemas(at reading, name string, v *value) []*schema {
	items := v.items
	if v.kind == kindObject || v.kind == kindBoolean {
		items = []*value{v}
	}
	if len(items) == 0 {
		r.notes.add(at.schema.path, "%s lists nothing; passed over", name)
	}
	var all []*schema
	for _, item := range items {
		all = append(all, r.schema(item, at.schema.path.to(name), at.resource))
	}
	return all
}

// rule keeps a keyword as it is written, for the words.
func (r *reader) rule(s *schema, name string, v *value) {
	s.rules = append(s.rules, member{name, v})
}

func (r *reader) numeric(at reading, name string, v *value) bool {
	s := at.schema
	switch name {
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "divisibleBy":
	default:
		return false
	}
	if v.kind == kindBoolean && strings.HasPrefix(name, "exclusive") {
		r.exclude(at, name, v.text == "true")
		return true
	}
	if v.kind != kindNumber || !isReasonable(v.text) {
		r.notes.add(s.path, "%s %s is no number to compare with; passed over", name, brief(v, 40))
		return true
	}
	if s.number == nil {
		s.number = &numberRules{}
	}
	switch name {
	case "minimum":
		s.number.least = v.text
	case "maximum":
		s.number.most = v.text
	case "exclusiveMinimum":
		s.number.above = v.text
	case "exclusiveMaximum":
		s.number.below = v.text
	default:
		if compareNumbers(v.text, "0") <= 0 {
			r.notes.add(s.path, "%s %s is not above 0; passed over", name, v.text)
			return true
		}
		s.number.step = v.text
	}
	return true
}

// exclude reads draft 4's way: exclusiveMinimum true turns minimum into an
// exclusive bound. Either may stand first.
func (r *reader) exclude(at reading, name string, exclusive bool) {
	if !exclusive {
		return
	}
	s := at.schema
	bound := at.json.get(strings.ToLower(strings.TrimPrefix(name, "exclusive")))
	if bound == nil || bound.kind != kindNumber || !isReasonable(bound.text) {
		return
	}
	if s.number == nil {
		s.number = &numberRules{}
	}
	if name == "exclusiveMinimum" {
		s.number.above = bound.text
	} else {
		s.number.below = bound.text
	}
}

func (r *reader) textual(s *schema, name string, v *value) bool {
	switch name {
	case "minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType":
	default:
		return false
	}
	if s.text == nil {
		s.text = &textRules{least: -1, most: -1, assert: r.asserts}
	}
	switch name {
	case "minLength":
		s.text.least = r.count(s, name, v)
	case "maxLength":
		s.text.most = r.count(s, name, v)
	case "pattern":
		if v.kind == kindString {
			s.text.pattern = newPattern(v.text)
		}
	case "format":
		s.text.format = textOf(v)
	default:
		s.text.content = append(s.text.content, textOf(v))
	}
	return true
}

// count reads a length or a number of items, -1 if it is none.
func (r *reader) count(s *schema, name string, v *value) int {
	const most = 1 << 30
	if v.kind != kindNumber || !isWhole(v.text) || compareNumbers(v.text, "0") < 0 {
		r.notes.add(s.path, "%s %s is no count; passed over", name, brief(v, 40))
		return -1
	}
	if compareNumbers(v.text, "1073741824") >= 0 {
		return most
	}
	return int(rational(v.text).Num().Int64())
}
