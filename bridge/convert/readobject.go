package convert

func (r *reader) ofArrays(at reading, name string, v *value) bool {
	s := at.schema
	switch name {
	case "items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems",
		"contains", "minContains", "maxContains", "unevaluatedItems":
	default:
		return false
	}
	if s.array == nil {
		s.array = &arrayRules{least: -1, most: -1, leastFound: 1, mostFound: -1}
	}
	a := s.array
	switch name {
	case "items":
		if v.kind == kindArray {
			a.prefix = r.schemas(at, name, v)
		} else {
			a.items = r.schema(v, s.path.to(name), at.resource)
		}
	case "prefixItems":
		a.prefix = r.schemas(at, name, v)
	case "additionalItems":
		// It means something only beside a tuple.
		if items := at.json.get("items"); items != nil && items.kind == kindArray {
			a.items = r.schema(v, s.path.to(name), at.resource)
		}
	case "minItems":
		a.least = r.count(s, name, v)
	case "maxItems":
		a.most = r.count(s, name, v)
	case "uniqueItems":
		a.unique = v.text == "true"
	case "contains":
		a.contains = r.schema(v, s.path.to(name), at.resource)
		r.rule(s, name, v)
	case "minContains":
		a.leastFound = r.count(s, name, v)
		r.rule(s, name, v)
	case "maxContains":
		a.mostFound = r.count(s, name, v)
		r.rule(s, name, v)
	case "unevaluatedItems":
		a.unevaluated = r.schema(v, s.path.to(name), at.resource)
		r.rule(s, name, v)
	}
	return true
}

func (r *reader) ofObjects(at reading, name string, v *value) bool {
	s := at.schema
	switch name {
	case "required":
		r.required(s, v)
		return true
	case "properties", "patternProperties", "additionalProperties", "propertyNames", "minProperties", "maxProperties",
		"dependencies", "dependentRequired", "dependentSchemas", "unevaluatedProperties":
	default:
		return false
	}
	o := s.ofObject()
	switch name {
	case "properties":
		r.properties(at, v)
	case "patternProperties":
		for _, m := range v.members {
			o.patterns = append(o.patterns, patternProperty{newPattern(m.name), r.schema(m.value, s.path.to(m.name), at.resource)})
		}
	case "additionalProperties":
		o.additional = r.schema(v, s.path.to(name), at.resource)
	case "propertyNames":
		o.names = r.schema(v, s.path.to(name), at.resource)
	case "minProperties":
		o.least = r.count(s, name, v)
	case "maxProperties":
		o.most = r.count(s, name, v)
	case "unevaluatedProperties":
		o.unevaluated = r.schema(v, s.path.to(name), at.resource)
	default:
		r.dependencies(at, name, v)
	}
	return true
}

// ofObject gives the rules for objects, made on first use.
func (s *schema) ofObject() *objectRules {
	if s.object == nil {
		s.object = &objectRules{least: -1, most: -1}
	}
	return s.object
}

// required reads the list of names. Draft 3 put true into the property itself;
// properties looks for that.
func (r *reader) required(s *schema, v *value) {
	if v.kind == kindBoolean {
		return
	}
	items := v.items
	if v.kind == kindString {
		items = []*value{v}
		r.notes.add(s.path, "required is no list; taken as a list of one")
	}
	o := s.ofObject()
	seen := map[string]bool{}
	for _, item := range items {
		if item.kind == kindString && !seen[item.text] {
			seen[item.text] = true
			o.required = append(o.required, item.text)
		}
	}
}

func (r *reader) properties(at reading, v *value) {
	s := at.schema
	o := s.ofObject()
	if v.kind != kindObject {
		r.notes.add(s.path, "properties is no object; passed over")
	}
	o.properties = make([]property, 0, len(v.members))
	for _, m := range v.members {
		o.properties = append(o.properties, property{m.name, r.schema(m.value, s.path.to(m.name), at.resource)})
		if must := m.value.get("required"); must != nil && must.kind == kindBoolean {
			r.notes.add(s.path.to(m.name), "required %s in a property is read as in draft 3", must.text)
			if must.text == "true" {
				o.required = append(o.required, m.name)
			}
		}
	}
	if len(o.properties) < manyMembers {
		return
	}
	o.index = make(map[string]*schema, len(o.properties))
	for _, p := range o.properties {
		o.index[p.name] = p.schema
	}
}

func (r *reader) dependencies(at reading, name string, v *value) {
	s := at.schema
	for _, m := range v.members {
		d := dependency{name: m.name}
		switch {
		case m.value.kind == kindArray && name != "dependentSchemas":
			for _, item := range m.value.items {
				if item.kind == kindString {
					d.required = append(d.required, item.text)
				}
			}
		case m.value.kind == kindString && name == "dependencies":
			d.required = []string{m.value.text} // draft 3
		case name != "dependentRequired":
			d.schema = r.schema(m.value, s.path.to(m.name), at.resource)
			r.rule(s, name, v)
		}
		s.object.needs = append(s.object.needs, d)
	}
}
