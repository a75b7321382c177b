package strictrules

import (
	"regexp"
	"strconv"
)

// checkMember judges one keyword's value by the metaschema, and whether a strict
// function may use the keyword at all.
func (c *checker) checkMember(m *member) {
	k, known := keywords[m.name]
	if !known {
		return
	}
	defer c.back(c.enter(m.name))
	if wrong := c.shapeError(k.shape, &m.value); wrong != "" {
		c.report(RuleMetaschema, "%s %s.", m.value.show(), wrong)
	}
	switch {
	case !c.strict:
	case k.strict == refused, k.strict == rootOnly && len(c.path) > 1:
		c.report(RuleKeyword, "'%s' is not permitted.", m.name)
	}
}

// shapeError says what is wrong with a keyword's value, not looking into the
// schemas that it holds.
func (c *checker) shapeError(shape shape, v *node) string {
	switch shape {
	case aSchema:
		c.checkSubschema(v)
	case schemaList:
		return c.schemaListError(v)
	case schemaMap, patternMap, dependencyMap:
		return c.schemaMapError(shape, v)
	case aPattern:
		return c.patternError(v)
	case typeNames:
		return typeNamesError(v)
	case nameList:
		return nameListError(v)
	case nameListMap:
		return membersError(v, nameListError)
	case vocabulary:
		return membersError(v, kindError(boolean, "is not of type 'boolean'"))
	default:
		return scalarError(shape, v)
	}
	return ""
}

// checkSubschema judges what stands where a schema belongs. Of booleans a strict
// function takes only the false of additionalProperties, of which closedness has
// its own rule.
func (c *checker) checkSubschema(v *node) {
	switch {
	case v.kind == object:
	case v.kind != boolean:
		c.report(RuleMetaschema, "%s is not of type 'object', 'boolean'.", v.show())
	case c.strict && c.path[len(c.path)-1] != "additionalProperties":
		c.report(RuleType, "schema must have a 'type' key, got the boolean %s.", v.raw)
	}
}

func (c *checker) schemaListError(v *node) string {
	if v.kind != array {
		return "is not of type 'array'"
	}
	if len(v.items) == 0 {
		return "should be non-empty"
	}
	for i := range v.items {
		before := c.enter(strconv.Itoa(i))
		c.checkListed(&v.items[i])
		c.back(before)
	}
	return ""
}

func (c *checker) schemaMapError(shape shape, v *node) string {
	if v.kind != object {
		return "is not of type 'object'"
	}
	for i := range v.members {
		m := &v.members[i]
		before := c.enter(m.name)
		switch {
		case shape == dependencyMap && m.value.kind == array:
			if wrong := nameListError(&m.value); wrong != "" {
				c.report(RuleMetaschema, "%s %s.", m.value.show(), wrong)
			}
		case shape == patternMap:
			c.checkPattern(m.name)
			fallthrough
		default:
			c.checkListed(&m.value)
		}
		c.back(before)
	}
	return ""
}

// checkListed is checkSubschema for a schema that has a name or a number: there
// it may be called additionalProperties and mean nothing by it.
func (c *checker) checkListed(v *node) {
	if v.kind == boolean && c.strict {
		c.report(RuleType, "schema must have a 'type' key, got the boolean %s.", v.raw)
		return
	}
	if v.kind != object && v.kind != boolean {
		c.report(RuleMetaschema, "%s is not of type 'object', 'boolean'.", v.show())
	}
}

func (c *checker) patternError(v *node) string {
	if v.kind != text {
		return "is not of type 'string'"
	}
	c.checkPattern(v.text())
	return ""
}

func (c *checker) checkPattern(pattern string) {
	p, err := parsePython(pattern)
	if err != nil {
		c.report(RulePattern, "%s is not a 'regex': %s.", quote(pattern), err)
		return
	}
	if c.strict && p.lookaround {
		c.report(RuleLookaround, "%s is not supported: lookaround is not permitted.", quote(pattern))
	}
}

func typeNamesError(v *node) string {
	switch {
	case v.kind == text:
		if !types[v.text()] {
			return "is not valid under any of the given schemas"
		}
	case v.kind != array || len(v.items) == 0:
		return "is not valid under any of the given schemas"
	}
	seen := map[string]bool{}
	for i := range v.items {
		name := v.items[i].text()
		if !types[name] || seen[name] {
			return "is not valid under any of the given schemas"
		}
		seen[name] = true
	}
	return ""
}

func nameListError(v *node) string {
	if v.kind != array {
		return "is not of type 'array'"
	}
	seen := make(map[string]bool, len(v.items))
	for i := range v.items {
		if v.items[i].kind != text {
			return "has elements that are not of type 'string'"
		}
		name := v.items[i].text()
		if seen[name] {
			return "has non-unique elements"
		}
		seen[name] = true
	}
	return ""
}

func membersError(v *node, each func(*node) string) string {
	if v.kind != object {
		return "is not of type 'object'"
	}
	for i := range v.members {
		if wrong := each(&v.members[i].value); wrong != "" {
			return "member " + quote(v.members[i].name) + " " + wrong
		}
	}
	return ""
}

func kindError(want kind, wrong string) func(*node) string {
	return func(v *node) string {
		if v.kind != want {
			return wrong
		}
		return ""
	}
}

var anchor = regexp.MustCompile(`^[A-Za-z_][-A-Za-z0-9._]*$`)

func scalarError(shape shape, v *node) string {
	switch shape {
	case aString, aReference, anID, aURI, anAnchor:
		if v.kind != text {
			return "is not of type 'string'"
		}
		return stringError(shape, v)
	case aNumber, aPositive:
		if v.kind != number {
			return "is not of type 'number'"
		}
		if shape == aPositive && sign(v.raw) <= 0 {
			return "is less than or equal to the minimum of 0"
		}
	case aCount:
		if v.kind != number || !isInteger(v.raw) {
			return "is not of type 'integer'"
		}
		if sign(v.raw) < 0 {
			return "is less than the minimum of 0"
		}
	case aBoolean:
		return kindError(boolean, "is not of type 'boolean'")(v)
	case aList, someValues:
		if v.kind != array {
			return "is not of type 'array'"
		}
		if shape == someValues && len(v.items) == 0 {
			return "should be non-empty"
		}
	}
	return ""
}

func stringError(shape shape, v *node) string {
	if shape == aString {
		return ""
	}
	s := v.text()
	switch {
	case shape == anAnchor && !anchor.MatchString(s):
		return "does not match '" + anchor.String() + "'"
	case shape == aURI && !(isReference(s) && hasScheme(s)):
		return "is not a 'uri'"
	case (shape == aReference || shape == anID) && !isReference(s):
		return "is not a 'uri-reference'"
	case shape == anID && len(fragment(s)) > 1:
		return "does not match '^[^#]*#?$'"
	}
	return ""
}
