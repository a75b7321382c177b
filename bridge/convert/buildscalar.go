package convert

import (
	"strconv"
	"strings"
)

// strictFormats are the formats that strict carries.
var strictFormats = map[string]bool{
	"date-time": true, "time": true, "date": true, "duration": true, "email": true,
	"hostname": true, "ipv4": true, "ipv6": true, "uuid": true,
}

// text plans a string.
func (b *builder) text(p *place, leaves []*schema) {
	f := &scalar{kind: kindString}
	least, most := -1, -1
	for _, s := range leaves {
		t := s.text
		if t == nil {
			continue
		}
		least = max(least, t.least)
		most = tighter(most, t.most)
		if t.pattern != nil {
			b.pattern(p, f, s, t.pattern)
		}
		if t.format != "" {
			b.format(p, f, s, t.format)
		}
		for _, content := range t.content {
			p.words = append(p.words, "Content: "+cut(content, 60)+".")
			b.notes.add(s.path, "content %s is said in words", cut(content, 60))
		}
	}
	if text := between(least, most, "character"); text != "" {
		p.words = append(p.words, text)
		b.notes.add(leaves[0].path, "length is said in words")
	}
	p.form = f
}

// tighter is the smaller of two upper bounds, -1 being none.
func tighter(a, b int) int {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

func (b *builder) pattern(p *place, f *scalar, s *schema, pattern *pattern) {
	switch {
	case f.pattern != nil && f.pattern.source == pattern.source:
	case f.pattern == nil && pattern.isPortable():
		f.pattern = pattern
		f.rules = append(f.rules, keyword{"pattern", spell(stringValue(pattern.source))})
	default:
		p.words = append(p.words, "Pattern: "+cut(pattern.source, 300)+" .")
		b.notes.add(s.path, "pattern is said in words")
	}
	if pattern.parsed == nil {
		b.notes.add(s.path, "pattern cannot be read by Go and is not checked")
	}
}

// format carries a format, or says it: one that strict does not know, a second one,
// and (format "") one of something else than a string.
func (b *builder) format(p *place, f *scalar, s *schema, format string) {
	rule := keyword{"format", spell(stringValue(s.text.format))}
	for _, r := range f.rules {
		if r == rule {
			return
		}
		if r.name == "format" {
			format = "" // one is carried already
		}
	}
	if strictFormats[format] {
		f.rules = append(f.rules, rule)
		return
	}
	p.words = append(p.words, "Format: "+cut(strings.Trim(rule.json, `"`), 60)+".")
	b.notes.add(s.path, "format %s is said in words", cut(s.text.format, 60))
}

// number plans a number or an integer.
func (b *builder) number(p *place, leaves []*schema, k kinds) {
	var n numberRules
	for _, s := range leaves {
		if s.number != nil {
			b.narrow(p, &n, s)
		}
		if s.text != nil && s.text.format != "" && s.types != 0 {
			b.format(p, &scalar{}, s, "")
		}
	}
	f := &scalar{kind: k}
	for _, rule := range []keyword{
		{"minimum", n.least}, {"maximum", n.most}, {"exclusiveMinimum", n.above},
		{"exclusiveMaximum", n.below}, {"multipleOf", n.step},
	} {
		if rule.json != "" {
			f.rules = append(f.rules, rule)
		}
	}
	p.form = f
}

// narrow adds a schema's bounds to those so far.
func (b *builder) narrow(p *place, n *numberRules, s *schema) {
	raise(&n.least, s.number.least, 1)
	raise(&n.most, s.number.most, -1)
	raise(&n.above, s.number.above, 1)
	raise(&n.below, s.number.below, -1)
	switch step := s.number.step; {
	case step == "" || step == n.step:
	case n.step == "":
		n.step = step
	default:
		p.words = append(p.words, "Also a multiple of "+step+".")
		b.notes.add(s.path, "a second multipleOf is said in words")
	}
}

// raise takes over a bound that is tighter in the direction.
func raise(bound *string, other string, direction int) {
	if *bound == "" || other != "" && compareNumbers(other, *bound)*direction > 0 {
		*bound = other
	}
}

// sayFacets says the rules for texts and numbers of a place that takes any value.
func (b *builder) sayFacets(p *place, leaves []*schema) {
	for _, k := range []kinds{kindString, kindNumber} {
		o := &place{}
		b.kind(o, leaves, k)
		for _, rule := range o.form.(*scalar).rules {
			p.words = append(p.words, strings.ToUpper(rule.name[:1])+rule.name[1:]+": "+strings.Trim(rule.json, `"`)+" .")
		}
		p.words = append(p.words, o.words...)
	}
}

// between says "1 to 9 characters." and the like, "" without bounds.
func between(least, most int, noun string) string {
	switch {
	case least > 0 && most == least:
		return "Exactly " + plural(least, noun) + "."
	case least > 0 && most >= 0:
		return strconv.Itoa(least) + " to " + plural(most, noun) + "."
	case least > 0:
		return "At least " + plural(least, noun) + "."
	case most >= 0:
		return "At most " + plural(most, noun) + "."
	}
	return ""
}
