package strictrules

import (
	"encoding/json"
	"fmt"
	"regexp"
)

// Rule names the rule that a definition breaks, or might.
type Rule string

// The rules for any function.
const (
	RuleName       Rule = "name"       // 1 to 64 of a-z, A-Z, 0-9, _ and -; no two functions alike
	RuleCount      Rule = "count"      // at most MostFunctions
	RuleRoot       Rule = "root"       // an object that lists its properties, and no union
	RuleItems      Rule = "items"      // every array says what its items are
	RuleMetaschema Rule = "metaschema" // valid under JSON Schema 2020-12, formats included
	RulePattern    Rule = "pattern"    // regular expressions compile in Python's re
)

// The rules that strict functions obey as well.
const (
	RuleClosed     Rule = "closed"     // additionalProperties: false
	RuleRequired   Rule = "required"   // required lists exactly the properties
	RuleKeyword    Rule = "keyword"    // only the keywords of the strict subset
	RuleRef        Rule = "ref"        // $ref stands alone, and leads somewhere
	RuleType       Rule = "type"       // type, $ref or anyOf everywhere; no boolean schemas
	RuleFormat     Rule = "format"     // only the nine formats
	RuleLookaround Rule = "lookaround" // none in a pattern
	RuleEnum       Rule = "enum"       // enum and const values fit the type
	RuleLimit      Rule = "limit"      // number and length of things
)

// MostFunctions is how many functions one request may carry.
const MostFunctions = 128

// most bounds how many violations are listed: a hostile schema has any number.
const most = 100

// Violation is one rule broken at one place.
type Violation struct {
	Path string // JSON pointer into the parameters; "" is their root
	Rule Rule
	Text string // as the API words it
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s (rule %q)", v.Path, v.Text, v.Rule)
}

var functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// Check lists what the API would refuse of a function: nothing if it would take
// it, and no more than 100 violations. Absent (empty) parameters are a function
// without any, which is legal unless it is strict.
func Check(name string, parameters json.RawMessage, strict bool) []Violation {
	c := &checker{strict: strict}
	if !functionName.MatchString(name) {
		c.report(RuleName, "Expected a string that matches the pattern '^[a-zA-Z0-9_-]{1,64}$', got %s.", quote(name))
	}
	if len(parameters) == 0 && !strict {
		return c.found
	}
	root, ok := read(parameters)
	if !ok {
		c.report(RuleRoot, "parameters are not valid JSON.")
		return c.found
	}
	c.root = &root
	c.checkRoot()
	c.walk(&root, 0, c.check)
	if strict {
		c.checkSizes()
	}
	return c.found
}

// CheckNames lists what the API would refuse of the functions' names taken
// together: too many, and two alike.
func CheckNames(names []string) []Violation {
	c := &checker{}
	if len(names) > MostFunctions {
		c.report(RuleCount, "Expected at most %d tools, got %d.", MostFunctions, len(names))
	}
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			c.report(RuleName, "Function names must be unique, got %s twice.", quote(name))
		}
		seen[name] = true
	}
	return c.found
}

// checker goes through one definition. Its methods report what is wrong with the
// schema that the walk is at.
type checker struct {
	walker
	root   *node
	strict bool
	found  []Violation
	sizes  sizes
}

func (c *checker) report(rule Rule, format string, args ...any) {
	if len(c.found) < most {
		c.found = append(c.found, Violation{c.pointer(), rule, fmt.Sprintf(format, args...)})
	}
}

// reportAt is report for the place of a keyword, or deeper.
func (c *checker) reportAt(tokens []string, rule Rule, format string, args ...any) {
	defer c.back(c.enter(tokens...))
	c.report(rule, format, args...)
}

// rootless are the keywords that the root may not have.
var rootless = []string{"oneOf", "anyOf", "allOf", "enum", "not"}

func (c *checker) checkRoot() {
	if c.root.kind != object {
		c.report(RuleRoot, "%s is not of type 'object'.", c.root.show())
		return
	}
	if t := c.root.get("type"); t.text() != "object" {
		c.report(RuleRoot, "schema must be a JSON Schema of 'type: \"object\"', got 'type: %s'.", t.show())
	}
	for _, name := range rootless {
		if c.root.get(name) != nil {
			c.report(RuleRoot, "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level, got '%s'.", name)
		}
	}
	if c.root.get("properties") == nil {
		c.report(RuleRoot, "object schema missing properties.")
	}
}

// check applies all rules to one schema; the walk brings those inside it.
func (c *checker) check(schema *node, level int) {
	for i := range schema.members {
		c.checkMember(&schema.members[i])
	}
	if schema.get("items") == nil && schema.hasType("array") {
		c.report(RuleItems, "array schema missing items.")
	}
	if c.strict {
		c.checkStrict(schema)
		c.count(schema, level)
	}
}
