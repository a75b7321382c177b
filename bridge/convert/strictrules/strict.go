package strictrules

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// checkStrict applies the rules that only strict functions obey to one schema,
// other than those about single keywords.
func (c *checker) checkStrict(schema *node) {
	if ref := schema.get("$ref"); ref != nil {
		c.checkRef(schema, ref)
		return
	}
	c.checkType(schema)
	c.checkObject(schema)
	c.checkValues(schema)
	if f := schema.get("format"); f != nil && !formats[f.text()] {
		c.reportAt([]string{"format"}, RuleFormat, "%s is not a valid format.", f.show())
	}
}

// checkRef sees that $ref has no siblings and leads to a schema of the same
// definition: nothing is fetched.
func (c *checker) checkRef(schema, ref *node) {
	var others []string
	for i := range schema.members {
		if name := schema.members[i].name; name != "$ref" {
			others = append(others, "'"+name+"'")
		}
	}
	if others != nil {
		c.report(RuleRef, "$ref cannot have keywords {%s}.", strings.Join(others, ", "))
	}
	if target := c.root.resolve(ref.text()); target == nil || target.kind != object {
		c.reportAt([]string{"$ref"}, RuleRef, "reference to %s was not found in the schema.", ref.show())
	}
}

// resolve finds what a reference within the definition leads to.
func (n *node) resolve(ref string) *node {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	pointer, err := url.PathUnescape(pointer)
	if err != nil || pointer != "" && pointer[0] != '/' {
		return nil
	}
	if pointer == "" {
		return n
	}
	at := n
	for token := range strings.SplitSeq(pointer[1:], "/") {
		if at = at.child(strings.NewReplacer("~1", "/", "~0", "~").Replace(token)); at == nil {
			return nil
		}
	}
	return at
}

func (n *node) child(token string) *node {
	if n.kind == array {
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(n.items) || token != strconv.Itoa(i) {
			return nil
		}
		return &n.items[i]
	}
	return n.get(token)
}

func (c *checker) checkType(schema *node) {
	if schema.get("type") != nil {
		return
	}
	if schema.get("anyOf") == nil || schema.get("enum") != nil || schema.get("const") != nil {
		c.report(RuleType, "schema must have a 'type' key.")
	}
}

// checkObject sees that an object is closed and requires all its properties. What
// speaks of properties counts as an object, whatever its type.
func (c *checker) checkObject(schema *node) {
	properties, required := schema.get("properties"), schema.get("required")
	more := schema.get("additionalProperties")
	if !schema.hasType("object") && properties == nil && required == nil && more == nil {
		return
	}
	if more == nil || more.raw != "false" {
		c.report(RuleClosed, "'additionalProperties' is required to be supplied and to be false.")
	}
	c.checkRequired(properties, required)
}

func (c *checker) checkRequired(properties, required *node) {
	names := properties.names()
	listed := required.texts()
	if slices.Equal(names, listed) {
		return // as it mostly is, and then without maps
	}
	for _, name := range without(listed, names) {
		c.report(RuleRequired, "Extra required key %s supplied.", quote(name))
	}
	for _, name := range without(names, listed) {
		c.report(RuleRequired, "'required' is required to be supplied and to be an array including every key in properties. Missing %s.", quote(name))
	}
}

// without is what names has and others lacks.
func without(names, others []string) []string {
	known := make(map[string]bool, len(others))
	for _, name := range others {
		known[name] = true
	}
	var out []string
	for _, name := range names {
		if !known[name] {
			out = append(out, name)
		}
	}
	return out
}

// names are those of the members.
func (n *node) names() []string {
	if n == nil {
		return nil
	}
	out := make([]string, len(n.members))
	for i := range n.members {
		out[i] = n.members[i].name
	}
	return out
}

// texts are the strings of a list.
func (n *node) texts() []string {
	if n == nil {
		return nil
	}
	out := make([]string, 0, len(n.items))
	for i := range n.items {
		if n.items[i].kind == text {
			out = append(out, n.items[i].text())
		}
	}
	return out
}

// checkValues sees that enum and const hold only what the type allows.
func (c *checker) checkValues(schema *node) {
	t := schema.get("type")
	if t == nil {
		return // has been said
	}
	if enum := schema.get("enum"); enum != nil {
		wrong := slices.IndexFunc(enum.items, func(v node) bool { return !schema.fits(&v) })
		if wrong >= 0 {
			c.reportAt([]string{"enum"}, RuleEnum, "enum value %s does not validate against {'type': %s}.", enum.items[wrong].show(), t.show())
		}
	}
	if value := schema.get("const"); value != nil && !schema.fits(value) {
		c.reportAt([]string{"const"}, RuleEnum, "const value %s does not validate against {'type': %s}.", value.show(), t.show())
	}
}
