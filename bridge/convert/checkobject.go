package convert

func (c *checker) checkArray(s *schema, at *spot) bool {
	a, items := s.array, at.value.items
	ok := true
	switch {
	case a.least > len(items):
		ok = c.fail(at, "expected at least %s, got %d", plural(a.least, "item"), len(items))
	case a.most >= 0 && a.most < len(items):
		ok = c.fail(at, "expected at most %s, got %d", plural(a.most, "item"), len(items))
	case a.unique && hasTwice(items):
		ok = c.fail(at, "expected no item twice")
	}
	for i, item := range items {
		if !ok && !c.report {
			return false
		}
		rule := a.items
		if i < len(a.prefix) {
			rule = a.prefix[i]
		}
		if rule != nil {
			ok = c.check(rule, at.item(i, item)) && ok
		}
	}
	if a.contains != nil {
		ok = c.checkContains(a, at) && ok
	}
	if a.unevaluated != nil {
		ok = c.checkUnevaluatedItems(s, at) && ok
	}
	return ok
}

func hasTwice(items []*value) bool {
	return len(keysOf(items)) < len(items)
}

func (c *checker) checkContains(a *arrayRules, at *spot) bool {
	found := 0
	for i, item := range at.value.items {
		if c.quietly(a.contains, at.item(i, item)) {
			found++
		}
	}
	switch {
	case found < a.leastFound:
		return c.fail(at, "expected at least %s of the form that it must contain, got %d", plural(a.leastFound, "item"), found)
	case a.mostFound >= 0 && found > a.mostFound:
		return c.fail(at, "expected at most %s of the form that it must contain, got %d", plural(a.mostFound, "item"), found)
	}
	return true
}

func (c *checker) checkUnevaluatedItems(s *schema, at *spot) bool {
	done := make([]bool, len(at.value.items))
	c.evaluatedItems(s, at, done, true)
	ok := true
	for i, item := range at.value.items {
		if !done[i] {
			ok = c.check(s.array.unevaluated, at.item(i, item)) && ok
		}
	}
	return ok
}

// evaluatedItems marks the items that a schema, and what it says about the same
// value elsewhere, has rules for.
func (c *checker) evaluatedItems(s *schema, at *spot, done []bool, own bool) {
	if a := s.array; a != nil {
		c.steps -= len(done)
		for i := range done {
			done[i] = done[i] || i < len(a.prefix) || a.items != nil || a.unevaluated != nil && !own ||
				a.contains != nil && c.quietly(a.contains, at.item(i, at.value.items[i]))
		}
	}
	for _, part := range c.applied(s, at) {
		c.evaluatedItems(part, at, done, false)
	}
}

// applied gives the schemas about the same value that a value fits, and that
// therefore count as having evaluated its parts.
func (c *checker) applied(s *schema, at *spot) []*schema {
	var all []*schema
	add := func(part *schema) bool {
		fit := part != nil && c.quietly(part, at)
		if fit {
			all = append(all, part)
		}
		return fit
	}
	add(s.ref)
	for _, list := range [][]*schema{s.allOf, s.anyOf, s.oneOf} {
		for _, part := range list {
			add(part)
		}
	}
	if s.when != nil {
		if add(s.when) {
			add(s.then)
		} else {
			add(s.other)
		}
	}
	if s.object != nil {
		for _, d := range s.object.needs {
			if at.value.get(d.name) != nil {
				add(d.schema)
			}
		}
	}
	return all
}

func (c *checker) checkObject(s *schema, at *spot) bool {
	o, members := s.object, at.value.members
	ok := true
	switch {
	case o.least > len(members):
		ok = c.fail(at, "expected at least %s, got %d", plural(o.least, "member"), len(members))
	case o.most >= 0 && o.most < len(members):
		ok = c.fail(at, "expected at most %s, got %d", plural(o.most, "member"), len(members))
	}
	for _, name := range o.required {
		if at.value.get(name) == nil {
			ok = c.fail(at.member(name, nil), "required, but missing")
		}
	}
	for _, m := range members {
		if !ok && !c.report {
			return false
		}
		ok = c.checkMember(o, at.member(m.name, m.value)) && ok
	}
	for _, d := range o.needs {
		if at.value.get(d.name) != nil {
			ok = c.checkDependency(d, at) && ok
		}
	}
	if o.unevaluated != nil {
		ok = c.checkUnevaluated(s, at) && ok
	}
	return ok
}

func (c *checker) checkMember(o *objectRules, at *spot) bool {
	ok := true
	declared := o.property(at.name)
	if declared != nil {
		ok = c.check(declared, at)
	}
	matched := false
	c.steps -= len(o.patterns)
	for _, p := range o.patterns {
		if c.steps < 0 {
			return false
		}
		if p.pattern.parsed != nil && p.pattern.matches(at.name) {
			matched = true
			ok = c.check(p.schema, at) && ok
		}
	}
	if o.names != nil && !c.quietly(o.names, &spot{value: stringValue(at.name)}) {
		ok = c.failName(at, namesWanted(o))
	}
	if declared != nil || matched || o.additional == nil {
		return ok
	}
	if o.additional.none {
		return c.failName(at, namesWanted(o))
	}
	return c.check(o.additional, at) && ok
}

// failName notes that a member's name is not accepted.
func (c *checker) failName(at *spot, wanted string) bool {
	before := len(c.found)
	c.fail(at, "the name %s is not accepted%s", cut(quote(at.name), maxShown), wanted)
	if len(c.found) > before {
		c.found[before].name = true
	}
	return false
}

// namesWanted says which names are accepted, as far as that can be said shortly.
func namesWanted(o *objectRules) string {
	switch {
	case o.names != nil && o.names.text != nil && o.names.text.pattern != nil:
		return "; names must match " + cut(o.names.text.pattern.source, 200)
	case o.names != nil && o.names.listed:
		return "; expected " + oneOf(o.names.values)
	case o.names == nil && len(o.patterns) == 1:
		return "; names must match " + cut(o.patterns[0].pattern.source, 200)
	}
	return ""
}

func (c *checker) checkDependency(d dependency, at *spot) bool {
	ok := true
	for _, name := range d.required {
		if at.value.get(name) == nil {
			ok = c.fail(at.member(name, nil), "required beside %s, but missing", cut(d.name, 64))
		}
	}
	if d.schema != nil {
		ok = c.check(d.schema, at) && ok
	}
	return ok
}

func (c *checker) checkUnevaluated(s *schema, at *spot) bool {
	done := map[string]bool{}
	c.evaluated(s, at, done, true)
	ok := true
	for _, m := range at.value.members {
		if !done[m.name] {
			ok = c.check(s.object.unevaluated, at.member(m.name, m.value)) && ok
		}
	}
	return ok
}

// evaluated collects the names of the members that a schema, and what it says
// about the same value elsewhere, has rules for.
func (c *checker) evaluated(s *schema, at *spot, done map[string]bool, own bool) {
	if o := s.object; o != nil {
		c.steps -= len(at.value.members) * (1 + len(o.patterns))
		for _, m := range at.value.members {
			if c.steps < 0 {
				return
			}
			if o.additional != nil || o.unevaluated != nil && !own || o.property(m.name) != nil || o.matchesPattern(m.name) {
				done[m.name] = true
			}
		}
	}
	for _, part := range c.applied(s, at) {
		c.evaluated(part, at, done, false)
	}
}

func (o *objectRules) matchesPattern(name string) bool {
	for _, p := range o.patterns {
		if p.pattern.matches(name) {
			return true
		}
	}
	return false
}
