package convert

import (
	"slices"
	"strings"
)

const (
	maxSaid     = 200 // bytes of a default or an example
	maxRule     = 600 // bytes of a rule in JSON Schema
	maxExamples = 3
)

// annotate takes over what schemas say about a place: the first title and
// description, and in words what strict cannot carry of the rest.
func (b *builder) annotate(p *place, leaves []*schema) {
	for _, s := range leaves {
		if p.title == "" {
			p.title = s.title
		}
		if p.description == "" {
			p.description = s.description
		}
	}
	for _, s := range leaves {
		b.work.step(1 + len(s.rules) + (len(p.title)+len(p.description))/bytesPerStep)
		b.sayValues(p, s)
		b.sayRules(p, s)
	}
}

// sayValues says defaults and examples, unless the description does already.
func (b *builder) sayValues(p *place, s *schema) {
	if s.preset != nil && p.example == nil {
		p.example = s.preset
	}
	if s.preset != nil && s.preset.kind != kindNull {
		text := brief(s.preset, maxSaid)
		plain := strings.Trim(text, `"`)
		if !mentions(p.description, plain) {
			p.words = append(p.words, "Default: "+text+".")
		}
	}
	if len(s.examples) > 0 {
		p.example = s.examples[0]
		var texts []string
		for _, example := range s.examples[:min(maxExamples, len(s.examples))] {
			texts = append(texts, brief(example, maxSaid))
		}
		lead := "Examples: "
		if len(texts) == 1 {
			lead = "Example: "
		}
		p.words = append(p.words, lead+strings.Join(texts, "; ")+".")
	}
	for _, flag := range []struct {
		set  bool
		word string
	}{{s.deprecated, "Deprecated."}, {s.readOnly, "Read-only."}, {s.writeOnly, "Write-only."}} {
		if flag.set && !strings.Contains(strings.ToLower(p.description), strings.ToLower(flag.word[:len(flag.word)-1])) {
			p.words = append(p.words, flag.word)
		}
	}
}

// mentions reports whether a description says a default: the word, and right after
// it the value, whole. Saying it twice is better than losing it.
func mentions(description, value string) bool {
	text, value := strings.ToLower(description), strings.ToLower(value)
	for value != "" {
		_, after, ok := strings.Cut(text, "default")
		if !ok {
			return false
		}
		text = after
		if rest, ok := strings.CutPrefix(trimLead(after), value); ok && !startsInWord(rest) {
			return true
		}
	}
	return false
}

// trimLead takes off what stands between the word default and its value.
func trimLead(s string) string {
	for {
		before := s
		s = strings.TrimLeft(s, " :=`'\"*(")
		for _, word := range []string{"s to ", "s:", "ed to ", "to ", "is ", "value "} {
			s = strings.TrimPrefix(s, word)
		}
		if s == before {
			return s
		}
	}
}

func startsInWord(s string) bool {
	if s == "" {
		return false
	}
	c := s[0]
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 0x80 ||
		c == '.' && len(s) > 1 && s[1] >= '0' && s[1] <= '9'
}

// sayRules says what combines or constrains a whole value in ways that strict has
// no keyword for. A model reads JSON Schema well, so what has no short wording is
// quoted as it is.
func (b *builder) sayRules(p *place, s *schema) {
	if s.object != nil {
		b.sayNeeds(p, s)
	}
	if len(s.rules) == 0 {
		return
	}
	rules := slices.Clone(s.rules)
	if names := forbiddenTogether(s); names != nil {
		p.words = append(p.words, "Not together: "+strings.Join(names, ", ")+".")
		rules = slices.DeleteFunc(rules, func(m member) bool { return m.name == "not" })
	}
	if len(rules) > 0 {
		text := brief(&value{kind: kindObject, members: rules}, maxRule)
		p.words = append(p.words, "Must also fit this JSON Schema: "+text+" .")
	}
	for _, r := range s.rules {
		b.notes.add(s.path, "%s is said in words", r.name)
	}
}

// forbiddenTogether are the names of a plain {"not": {"required": [...]}}.
func forbiddenTogether(s *schema) []string {
	n := s.not
	if n == nil || n.object == nil || n.types&^kindObject != 0 || n.listed || n.object.properties != nil || n.object.additional != nil ||
		len(n.object.required) < 2 || n.not != nil || n.allOf != nil || n.anyOf != nil || n.oneOf != nil || n.ref != nil {
		return nil
	}
	return n.object.required
}

func (b *builder) sayNeeds(p *place, s *schema) {
	for _, d := range s.object.needs {
		if len(d.required) > 0 {
			p.words = append(p.words, d.name+" requires "+strings.Join(d.required, ", ")+".")
			b.notes.add(s.path, "what %s requires is said in words", cut(d.name, 64))
		}
	}
	if s.object.names != nil && s.object.properties != nil {
		b.notes.add(s.path, "propertyNames is checked after the call is written")
	}
}
