package strictrules

import "unicode/utf8"

// The sizes that a strict function may have (structured outputs guide, as of
// August 2026).
const (
	MostProperties = 5000
	MostLevels     = 10
	MostEnumValues = 1000
	MostCharacters = 120_000 // names of properties and definitions, enum and const values

	// A single enum of strings with more than LongEnum values may have at most
	// LongEnumCharacters characters in them.
	LongEnum           = 250
	LongEnumCharacters = 15_000
)

// sizes counts what a whole definition has.
type sizes struct {
	properties, enumValues, characters int
	tooDeep                            bool
}

func (c *checker) count(schema *node, level int) {
	if level > MostLevels && !c.sizes.tooDeep {
		c.sizes.tooDeep = true
		c.report(RuleLimit, "%d levels of nesting exceeds limit of %d.", level, MostLevels)
	}
	if p := schema.get("properties"); p != nil {
		c.sizes.properties += len(p.members)
	}
	for _, keyword := range []string{"properties", "$defs", "definitions"} {
		c.sizes.characters += nameCharacters(schema.get(keyword))
	}
	if value := schema.get("const"); value != nil {
		c.sizes.characters += value.characters()
	}
	if enum := schema.get("enum"); enum != nil {
		c.countEnum(enum)
	}
}

func nameCharacters(n *node) int {
	if n == nil {
		return 0
	}
	total := 0
	for i := range n.members {
		total += utf8.RuneCountInString(n.members[i].name)
	}
	return total
}

func (c *checker) countEnum(enum *node) {
	total, strings := 0, 0
	for i := range enum.items {
		n := enum.items[i].characters()
		total += n
		if enum.items[i].kind == text {
			strings += n
		}
	}
	c.sizes.enumValues += len(enum.items)
	c.sizes.characters += total
	if len(enum.items) > LongEnum && strings > LongEnumCharacters {
		c.reportAt([]string{"enum"}, RuleLimit, "an enum of %d values has %d characters, which exceeds limit of %d for more than %d values.",
			len(enum.items), strings, LongEnumCharacters, LongEnum)
	}
}

// characters is the length of a value: of a string, without quotes.
func (n *node) characters() int {
	switch n.kind {
	case text:
		return utf8.RuneCountInString(n.text())
	case object:
		total := 2
		for i := range n.members {
			total += utf8.RuneCountInString(n.members[i].name) + n.members[i].value.characters()
		}
		return total
	case array:
		total := 2
		for i := range n.items {
			total += n.items[i].characters()
		}
		return total
	}
	return len(n.raw)
}

func (c *checker) checkSizes() {
	if n := c.sizes.properties; n > MostProperties {
		c.report(RuleLimit, "%d object properties exceeds limit of %d.", n, MostProperties)
	}
	if n := c.sizes.enumValues; n > MostEnumValues {
		c.report(RuleLimit, "%d enum values exceeds limit of %d.", n, MostEnumValues)
	}
	if n := c.sizes.characters; n > MostCharacters {
		c.report(RuleLimit, "%d characters in names, enum and const values exceeds limit of %d.", n, MostCharacters)
	}
}
