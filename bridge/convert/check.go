package convert

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// checker validates values against schemas. It is our own because it has to judge
// parts of a schema (which branch of a union does this value fit?), to name what is
// wrong in terms that can be carried over to what the model was shown, and to stay
// within bounds whatever schema it meets.
type checker struct {
	steps  int  // left; a schema may ask for exponentially many
	report bool // collect what is wrong, instead of stopping at the first
	found  []violation
	judged map[judgement]verdict
}

// judgement is what has been looked at: what is referred to may be asked about the
// same value very many times.
type judgement struct {
	schema *schema
	value  *value
}

// verdict is what came of it.
type verdict uint8

const (
	accepted verdict = iota + 1
	refused
	reported // refused, and collected what is wrong
)

// violation is one thing that is wrong, and where.
type violation struct {
	at   *spot
	text string
	name bool // it is about the member's name, not its value
}

const (
	maxSteps      = 1_000_000 // some tens of milliseconds
	valuesPerStep = 8         // of an enum, compared with what is given
)

// fits reports whether a value fits all of the schemas.
func fits(all []*schema, v *value, steps *int) bool {
	c := checker{steps: *steps}
	defer func() { *steps = c.steps }()
	at := &spot{value: v}
	for _, s := range all {
		if !c.check(s, at) {
			return false
		}
	}
	return true
}

// violations lists what is wrong with a value.
func violations(s *schema, v *value) []violation {
	c := checker{steps: maxSteps, report: true}
	root := &spot{value: v}
	c.check(s, root)
	if c.steps < 0 {
		return []violation{{at: root, text: "checking this against the tool's schema takes too long; give less or simpler input"}}
	}
	return c.found
}

// fail notes a violation and reports whether to go on looking.
func (c *checker) fail(at *spot, format string, arguments ...any) bool {
	const most = 50
	if c.report && len(c.found) < most {
		c.found = append(c.found, violation{at: at, text: fmt.Sprintf(format, arguments...)})
	}
	return false
}

// check reports whether the value at a spot fits a schema.
func (c *checker) check(s *schema, at *spot) bool {
	v := at.value
	c.steps -= 1 + len(s.values)/valuesPerStep
	switch {
	case c.steps < 0:
		return false
	case s.nullable && v.kind == kindNull:
		return true
	case s.none:
		return c.fail(at, "nothing may be given here")
	case s.types != 0 && !v.isOf(s.types):
		return c.fail(at, "expected %s, got %s", describeKinds(s.types), show(v))
	case s.listed && !contains(s.values, v):
		return c.fail(at, "expected %s, got %s", oneOf(s.values), show(v))
	}
	if !s.refTarget {
		return c.checkRules(s, at)
	}
	asked := judgement{s, v}
	switch known := c.judged[asked]; {
	case known == accepted:
		return true
	case known == reported, known == refused && !c.report:
		return false
	}
	if c.judged == nil {
		c.judged = map[judgement]verdict{}
	}
	if c.checkRules(s, at) {
		c.judged[asked] = accepted
		return true
	}
	c.judged[asked] = refused
	if c.report {
		c.judged[asked] = reported
	}
	return false
}

func (c *checker) checkRules(s *schema, at *spot) bool {
	ok := c.checkKind(s, at)
	if !ok && !c.report {
		return false
	}
	return c.checkCombined(s, at) && ok
}

func (c *checker) checkKind(s *schema, at *spot) bool {
	switch {
	case at.value.kind == kindNumber && s.number != nil:
		return c.checkNumber(s.number, at)
	case at.value.kind == kindString && s.text != nil:
		return c.checkText(s.text, at)
	case at.value.kind == kindArray && s.array != nil:
		return c.checkArray(s, at)
	case at.value.kind == kindObject && s.object != nil:
		return c.checkObject(s, at)
	}
	return true
}

func (c *checker) checkNumber(n *numberRules, at *spot) bool {
	text := at.value.text
	switch {
	case n.least != "" && compareNumbers(text, n.least) < 0:
		return c.fail(at, "expected at least %s, got %s", n.least, show(at.value))
	case n.most != "" && compareNumbers(text, n.most) > 0:
		return c.fail(at, "expected at most %s, got %s", n.most, show(at.value))
	case n.above != "" && compareNumbers(text, n.above) <= 0:
		return c.fail(at, "expected more than %s, got %s", n.above, show(at.value))
	case n.below != "" && compareNumbers(text, n.below) >= 0:
		return c.fail(at, "expected less than %s, got %s", n.below, show(at.value))
	case n.step != "" && !isMultiple(text, n.step):
		return c.fail(at, "expected a multiple of %s, got %s", n.step, show(at.value))
	}
	return true
}

func (c *checker) checkText(t *textRules, at *spot) bool {
	text := at.value.text
	switch {
	case t.least > 0 && utf8.RuneCountInString(text) < t.least:
		return c.fail(at, "expected at least %s, got %s", plural(t.least, "character"), show(at.value))
	case t.most >= 0 && utf8.RuneCountInString(text) > t.most:
		return c.fail(at, "expected at most %s, got %d", plural(t.most, "character"), utf8.RuneCountInString(text))
	case t.pattern != nil && !t.pattern.matches(text):
		return c.fail(at, "expected text that matches %s, got %s", cut(t.pattern.source, 200), show(at.value))
	case t.assert && !isOfFormat(t.format, text):
		return c.fail(at, "expected text of format %s, got %s", cut(t.format, 40), show(at.value))
	}
	return true
}

// isOfFormat checks the formats that the validator library knows; others say
// nothing.
func isOfFormat(format, text string) bool {
	known := jsonschema.Formats[format]
	return known == nil || known(text)
}

func (c *checker) checkCombined(s *schema, at *spot) bool {
	ok := true
	if s.ref != nil {
		ok = c.check(s.ref, at)
	}
	for _, part := range s.allOf {
		if !ok && !c.report {
			return false
		}
		ok = c.check(part, at) && ok
	}
	if len(s.anyOf) > 0 && c.count(s.anyOf, at, 1) == 0 {
		ok = c.failAlternatives(s.anyOf, at)
	}
	if len(s.oneOf) > 0 {
		switch c.count(s.oneOf, at, 2) {
		case 0:
			ok = c.failAlternatives(s.oneOf, at)
		case 2:
			ok = c.failBoth(s.oneOf, at)
		}
	}
	if s.not != nil && c.quietly(s.not, at) {
		ok = c.fail(at, "this must not be of the form %s", ruleText(s.rules, "not"))
	}
	if s.when != nil {
		ok = c.checkCondition(s, at) && ok
	}
	return ok
}

func (c *checker) checkCondition(s *schema, at *spot) bool {
	if c.quietly(s.when, at) {
		return s.then == nil || c.check(s.then, at)
	}
	return s.other == nil || c.check(s.other, at)
}

// quietly checks without collecting what is wrong.
func (c *checker) quietly(s *schema, at *spot) bool {
	report := c.report
	c.report = false
	defer func() { c.report = report }()
	return c.check(s, at)
}

// count says how many of the alternatives fit, no further than to most.
func (c *checker) count(all []*schema, at *spot, most int) int {
	fit := 0
	for _, s := range all {
		if c.quietly(s, at) {
			if fit++; fit == most {
				break
			}
		}
	}
	return fit
}

// failAlternatives says what is wrong by the alternative that was most likely
// meant: the only one that takes values of this kind, or an object with these
// members.
func (c *checker) failAlternatives(all []*schema, at *spot) bool {
	if !c.report {
		return false
	}
	if names := requirements(all); names != "" && at.value.kind == kindObject {
		return c.fail(at, "expected at least one of %s to be given", names)
	}
	if meant := likeliest(all, at.value); meant != nil {
		before := len(c.found)
		c.check(meant, at)
		if len(c.found) > before {
			return false
		}
	}
	return c.fail(at, "%s fits none of the forms that are accepted here", show(at.value))
}

func (c *checker) failBoth(all []*schema, at *spot) bool {
	if names := requirements(all); names != "" && at.value.kind == kindObject {
		return c.fail(at, "expected exactly one of %s to be given", names)
	}
	return c.fail(at, "this fits more than one of the forms of which it may only have one")
}

// requirements lists what alternatives require that do nothing but require members,
// "" if they do more.
func requirements(all []*schema) string {
	var words []string
	for _, s := range all {
		o := s.object
		if o == nil || len(o.required) == 0 || !s.isPlain() || o.properties != nil || s.not != nil {
			return ""
		}
		words = append(words, strings.Join(o.required, " and "))
	}
	return cut(strings.Join(words, ", "), 300)
}

// likeliest picks the alternative that fits a value's kind and, for objects, has
// the most of its members; nil if none or no single one does.
func likeliest(all []*schema, v *value) *schema {
	var best *schema
	most, ties := -1, 0
	for _, s := range all {
		likeness := s.likeness(v, 0)
		switch {
		case likeness < 0 || likeness < most:
		case likeness == most:
			ties++
		default:
			best, most, ties = s, likeness, 1
		}
	}
	if ties != 1 {
		return nil
	}
	return best
}

// likeness is -1 if a schema takes no values of this kind, else the number of
// members that it declares, and twice those that it fixes and that agree.
func (s *schema) likeness(v *value, depth int) int {
	const deepest = 8
	if s.ref != nil && depth < deepest {
		return s.ref.likeness(v, depth+1)
	}
	if s.none || s.types != 0 && !v.isOf(s.types) || s.listed && !contains(s.values, v) {
		return -1
	}
	score := 0
	if s.object == nil {
		return score
	}
	for _, m := range v.members {
		p := s.object.property(m.name)
		switch {
		case p == nil:
		case p.listed && contains(p.values, m.value):
			score += 3
		case p.listed:
		default:
			score++
		}
	}
	return score
}
