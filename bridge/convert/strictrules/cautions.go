package strictrules

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// The cautions: what some endpoints refuse, or what nobody has proven to work.
const (
	CautionDescription Rule = "description"  // more than 1024 characters: older OpenAI, Azure, some proxies
	CautionMixedUnion  Rule = "mixed union"  // type, enum and oneOf on one schema
	CautionReference   Rule = "reference"    // $ref other than # and #/$defs/x, or one that leads nowhere
	CautionSiblings    Rule = "siblings"     // anyOf beside more than title and description
	CautionFirstKey    Rule = "first key"    // objects of one anyOf that begin with the same property
	CautionEmpty       Rule = "empty object" // an object without properties below the root
	CautionTypes       Rule = "types"        // a type array other than [T,"null"]
	CautionUnknown     Rule = "unknown"      // a keyword that is not in the strict subset, nor known to be refused
	CautionDuplicate   Rule = "duplicate"    // two members of one name: readers differ on which counts
	CautionNullable    Rule = "nullable"     // a type with null whose enum has none: null cannot be said
	CautionFineTuned   Rule = "fine-tuned"   // fine-tuned models and Azure take no pattern, format or bounds
	CautionAzure       Rule = "azure"        // more than Azure's 100 properties or 5 levels
)

// Azure's sizes of a strict function (as documented in August 2026).
const (
	azureProperties   = 100
	azureLevels       = 5
	oldestDescription = 1024 // characters
)

// Cautions lists what might be refused of a function though no rule says so for
// certain: see the constants. description is the function's own.
func Cautions(name, description string, parameters json.RawMessage, strict bool) []Violation {
	c := &cautious{checker{strict: strict}, 0, 0}
	if utf8.RuneCountInString(description) > oldestDescription {
		c.report(CautionDescription, "the description of %s has more than %d characters.", quote(name), oldestDescription)
	}
	root, ok := read(parameters)
	if !ok {
		return c.found
	}
	c.root = &root
	c.walk(&root, 0, c.check)
	if strict && (c.properties > azureProperties || c.levels > azureLevels) {
		c.report(CautionAzure, "%d properties and %d levels: Azure takes %d and %d.", c.properties, c.levels, azureProperties, azureLevels)
	}
	return c.found
}

// cautious is a checker of what is doubtful.
type cautious struct {
	checker
	properties, levels int
}

func (c *cautious) check(schema *node, level int) {
	c.checkDuplicates(schema)
	if schema.get("type") != nil && schema.get("enum") != nil && schema.get("oneOf") != nil {
		c.report(CautionMixedUnion, "type, enum and oneOf stand on one schema.")
	}
	c.checkReference(schema)
	if !c.strict {
		return
	}
	c.levels = max(c.levels, level)
	c.checkKeywords(schema)
	c.checkUnion(schema)
	c.checkTypes(schema)
	properties := schema.get("properties")
	c.properties += len(properties.names())
	if len(properties.names()) == 0 && schema.hasType("object") && len(c.path) > 0 {
		c.report(CautionEmpty, "an object without properties.")
	}
}

// checkDuplicates looks at the schema's own members and at those of the maps of
// schemas in it.
func (c *cautious) checkDuplicates(schema *node) {
	c.checkNames(schema)
	for i := range schema.members {
		m := &schema.members[i]
		if s := keywords[m.name].shape; s == schemaMap || s == patternMap {
			before := c.enter(m.name)
			c.checkNames(&m.value)
			c.back(before)
		}
	}
}

func (c *cautious) checkNames(n *node) {
	seen := make(map[string]bool, len(n.members))
	for _, name := range n.names() {
		if seen[name] {
			c.report(CautionDuplicate, "%s stands there twice.", quote(name))
		}
		seen[name] = true
	}
}

func (c *cautious) checkReference(schema *node) {
	ref := schema.get("$ref")
	if ref == nil {
		return
	}
	defined, isDefinition := strings.CutPrefix(ref.text(), "#/$defs/")
	switch {
	case c.root.resolve(ref.text()) == nil:
		c.report(CautionReference, "%s leads nowhere.", ref.show())
	case ref.text() != "#" && (!isDefinition || strings.Contains(defined, "/")):
		c.report(CautionReference, "%s is neither # nor #/$defs/x.", ref.show())
	}
}

// bounds are the keywords that fine-tuned models refuse.
var bounds = []string{"pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"}

func (c *cautious) checkKeywords(schema *node) {
	for _, name := range schema.names() {
		k, known := keywords[name]
		switch {
		case !known, k.strict == doubtful:
			c.report(CautionUnknown, "'%s' is not in the strict subset.", name)
		case slices.Contains(bounds, name):
			c.report(CautionFineTuned, "'%s' is refused by fine-tuned models.", name)
		}
	}
}

func (c *cautious) checkUnion(schema *node) {
	union := schema.get("anyOf")
	if union == nil {
		return
	}
	for _, name := range schema.names() {
		if !slices.Contains([]string{"anyOf", "title", "description"}, name) {
			c.report(CautionSiblings, "anyOf stands beside '%s'.", name)
		}
	}
	firsts := map[string]bool{}
	for i := range union.items {
		names := c.dereferenced(&union.items[i]).get("properties").names()
		if len(names) == 0 {
			continue
		}
		if firsts[names[0]] {
			c.report(CautionFirstKey, "two objects of one anyOf begin with %s.", quote(names[0]))
		}
		firsts[names[0]] = true
	}
}

// dereferenced is the schema, or what its $ref leads to, one step far.
func (c *cautious) dereferenced(schema *node) *node {
	if ref := schema.get("$ref"); ref != nil {
		if target := c.root.resolve(ref.text()); target != nil {
			return target
		}
	}
	return schema
}

func (c *cautious) checkTypes(schema *node) {
	t := schema.get("type")
	if t == nil || t.kind != array {
		return
	}
	if names := t.texts(); len(names) != 2 || !slices.Contains(names, "null") {
		c.report(CautionTypes, "type %s is not [T,\"null\"].", t.show())
	}
	enum := schema.get("enum")
	if enum != nil && schema.hasType("null") && !slices.ContainsFunc(enum.items, func(v node) bool { return v.kind == null }) {
		c.report(CautionNullable, "the type takes null, the enum does not: %s.", enum.show())
	}
}
