package strictrules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// closed makes a strict root of properties.
func closed(properties string) string {
	var names map[string]json.RawMessage
	if err := json.Unmarshal([]byte("{"+properties+"}"), &names); err != nil {
		panic(err)
	}
	quoted := []string{}
	for name := range names {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	slices.Sort(quoted)
	return fmt.Sprintf(`{"type":"object","properties":{%s},"required":[%s],"additionalProperties":false}`, properties, strings.Join(quoted, ","))
}

// pairs are definitions that differ in one thing: the first breaks the rule, the
// second does not.
type pair struct {
	it        string
	rule      Rule
	path      string // of the violation
	bad, good string
}

var anyFunction = []pair{
	{"refuses a root without type", RuleRoot, "", `{"properties":{}}`, `{"type":"object","properties":{}}`},
	{"refuses a root of another type", RuleRoot, "", `{"type":"string","properties":{}}`, `{"type":"object","properties":{}}`},
	{"refuses a root whose type is a list", RuleRoot, "", `{"type":["object"],"properties":{}}`, `{"type":"object","properties":{}}`},
	{"refuses a root without properties", RuleRoot, "", `{"type":"object"}`, `{"type":"object","properties":{}}`},
	{"refuses a root that is no object", RuleRoot, "", `true`, `{"type":"object","properties":{}}`},
	{"refuses what is not JSON", RuleRoot, "", `{"type":"object","properties":{}`, `{"type":"object","properties":{}}`},
	{"refuses nothing at all after a byte order mark", RuleRoot, "", "\ufeff{}", `{"type":"object","properties":{}}`},
	{"refuses oneOf at the root", RuleRoot, "", `{"type":"object","properties":{},"oneOf":[{}]}`, `{"type":"object","properties":{"oneOf":{}}}`},
	{"refuses anyOf at the root", RuleRoot, "", `{"type":"object","properties":{},"anyOf":[{}]}`, `{"type":"object","properties":{"a":{"anyOf":[{}]}}}`},
	{"refuses allOf at the root", RuleRoot, "", `{"type":"object","properties":{},"allOf":[{}]}`, `{"type":"object","properties":{"a":{"allOf":[{}]}}}`},
	{"refuses enum at the root", RuleRoot, "", `{"type":"object","properties":{},"enum":[{}]}`, `{"type":"object","properties":{"a":{"enum":[{}]}}}`},
	{"refuses not at the root", RuleRoot, "", `{"type":"object","properties":{},"not":{}}`, `{"type":"object","properties":{"a":{"not":{}}}}`},

	{"refuses an array without items", RuleItems, "/properties/a", `{"type":"object","properties":{"a":{"type":"array"}}}`, `{"type":"object","properties":{"a":{"type":"array","items":{}}}}`},
	{"refuses a perhaps-array without items", RuleItems, "/properties/a", `{"type":"object","properties":{"a":{"type":["array","null"]}}}`, `{"type":"object","properties":{"a":{"type":["array","null"],"items":{}}}}`},
	{"refuses an array without items in a definition", RuleItems, "/$defs/a", `{"type":"object","properties":{},"$defs":{"a":{"type":"array"}}}`, `{"type":"object","properties":{},"$defs":{"a":{"type":"array","items":{}}}}`},
	{"refuses an array without items below not", RuleItems, "/properties/a/not", `{"type":"object","properties":{"a":{"not":{"type":"array"}}}}`, `{"type":"object","properties":{"a":{"not":{"type":"array","items":{}}}}}`},
	{"takes a property called items for no items", RuleItems, "/properties/a", `{"type":"object","properties":{"a":{"type":"array","properties":{"items":{}}}}}`, `{"type":"object","properties":{"items":{"type":"string"}}}`},

	metaschema("refuses a tuple in items", "/items", `"items":[{}]`, `"items":{}`),
	metaschema("refuses an unknown type", "/type", `"type":"any"`, `"type":"string"`),
	metaschema("refuses an unknown type in a list", "/type", `"type":["string","date"]`, `"type":["string","null"]`),
	metaschema("refuses a type said twice", "/type", `"type":["string","string"]`, `"type":["string"]`),
	metaschema("refuses no types", "/type", `"type":[]`, `"type":["null"]`),
	metaschema("refuses a type that is no name", "/type", `"type":1`, `"type":"integer"`),
	metaschema("refuses a property that is no schema", "/properties/b", `"properties":{"b":"string"}`, `"properties":{"b":{}}`),
	metaschema("refuses a property that is null", "/properties/b", `"properties":{"b":null}`, `"properties":{"b":true}`),
	metaschema("refuses properties that are a list", "/properties", `"properties":["b"]`, `"properties":{}`),
	metaschema("refuses required that is a boolean", "/required", `"required":true`, `"required":["a"]`),
	metaschema("refuses required with a name twice", "/required", `"required":["a","a"]`, `"required":["a","b"]`),
	metaschema("refuses required with a number", "/required", `"required":[1]`, `"required":["1"]`),
	metaschema("refuses a boolean exclusiveMinimum", "/exclusiveMinimum", `"exclusiveMinimum":true`, `"exclusiveMinimum":0`),
	metaschema("refuses a minimum in quotes", "/minimum", `"minimum":"1"`, `"minimum":1e2`),
	metaschema("refuses multipleOf zero", "/multipleOf", `"multipleOf":0.0`, `"multipleOf":0.1`),
	metaschema("refuses a negative multipleOf", "/multipleOf", `"multipleOf":-1`, `"multipleOf":1`),
	metaschema("refuses a negative length", "/minLength", `"minLength":-1`, `"minLength":-0`),
	metaschema("refuses a broken length", "/maxLength", `"maxLength":1.5`, `"maxLength":1.0`),
	metaschema("refuses an empty anyOf", "/anyOf", `"anyOf":[]`, `"anyOf":[true]`),
	metaschema("refuses an anyOf that is a schema", "/anyOf", `"anyOf":{}`, `"anyOf":[{}]`),
	metaschema("refuses a branch that is no schema", "/anyOf/1", `"anyOf":[{},"string"]`, `"anyOf":[{},{}]`),
	metaschema("refuses an empty enum", "/enum", `"enum":[]`, `"enum":[null]`),
	metaschema("refuses an enum that is no list", "/enum", `"enum":"a,b"`, `"enum":["a,b"]`),
	metaschema("refuses a description that is no string", "/description", `"description":["a"]`, `"description":"a"`),
	metaschema("refuses an $id with a space", "/$id", `"$id":"my schema"`, `"$id":"my-schema"`),
	metaschema("refuses an $id with a fragment", "/$id", `"$id":"a#b"`, `"$id":"a#"`),
	metaschema("refuses a $ref with an angle bracket", "/$ref", `"$ref":"#/$defs/List<A>"`, `"$ref":"#/$defs/List%3CA%3E"`),
	metaschema("refuses a $schema that is no URI", "/$schema", `"$schema":"draft-07"`, `"$schema":"http://json-schema.org/draft-07/schema#"`),
	metaschema("refuses an anchor that begins with a digit", "/$anchor", `"$anchor":"1"`, `"$anchor":"_1"`),
	metaschema("refuses examples that are no list", "/examples", `"examples":"a"`, `"examples":["a"]`),
	metaschema("refuses deprecated that is no boolean", "/deprecated", `"deprecated":"yes"`, `"deprecated":true`),
	metaschema("refuses dependentRequired with a string", "/dependentRequired", `"dependentRequired":{"a":"b"}`, `"dependentRequired":{"a":["b"]}`),
	metaschema("refuses dependencies with a string", "/dependencies/a", `"dependencies":{"a":"b"}`, `"dependencies":{"a":["b"],"c":{}}`),
	metaschema("refuses dependencies with a name twice", "/dependencies/a", `"dependencies":{"a":["b","b"]}`, `"dependencies":{"a":["b"]}`),
	metaschema("refuses a vocabulary with a number", "/$vocabulary", `"$vocabulary":{"https://example.com/v":1}`, `"$vocabulary":{"https://example.com/v":true}`),
	metaschema("refuses additionalProperties in quotes", "/additionalProperties", `"additionalProperties":"false"`, `"additionalProperties":{"type":"string"}`),
	metaschema("looks for faults below any keyword", "/contentSchema/if/type", `"contentSchema":{"if":{"type":"x"}}`, `"contentSchema":{"if":{"type":"null"}}`),

	{"refuses a pattern that Python does not know", RulePattern, "/properties/a/pattern", `{"type":"object","properties":{"a":{"pattern":"\\p{L}+"}}}`, `{"type":"object","properties":{"a":{"pattern":"[a-z]+"}}}`},
	{"refuses such a pattern as a name", RulePattern, "/properties/a/patternProperties/(", `{"type":"object","properties":{"a":{"patternProperties":{"(":{}}}}}`, `{"type":"object","properties":{"a":{"properties":{"(":{}}}}}`},
}

// metaschema makes a pair of two spellings of a keyword in a property.
func metaschema(it, path, bad, good string) pair {
	wrap := func(s string) string { return `{"type":"object","properties":{"a":{` + s + `}}}` }
	return pair{it, RuleMetaschema, "/properties/a" + path, wrap(bad), wrap(good)}
}

// strictly makes a pair of two schemas of a property of a strict root.
func strictly(it string, rule Rule, path, bad, good string) pair {
	if path != "/" {
		path = "/properties/a" + path
	}
	return pair{it, rule, strings.TrimSuffix(path, "/"), closed(`"a":` + bad), closed(`"a":` + good)}
}

var strictFunction = []pair{
	{"refuses an open root", RuleClosed, "", `{"type":"object","properties":{}}`, `{"type":"object","properties":{},"additionalProperties":false}`},
	{"refuses a root that is open in so many words", RuleClosed, "", `{"type":"object","properties":{},"additionalProperties":true}`, `{"type":"object","properties":{},"required":[],"additionalProperties":false}`},
	strictly("refuses a typed map", RuleClosed, "", `{"type":"object","properties":{},"additionalProperties":{"type":"string"}}`, closed(``)),
	strictly("refuses an open object that may be null", RuleClosed, "", `{"type":["object","null"],"properties":{}}`, `{"type":["object","null"],"properties":{},"additionalProperties":false}`),
	strictly("refuses an open definition", RuleClosed, "/$defs/b", `{"type":"string","$defs":{"b":{"type":"object","properties":{}}}}`, `{"type":"string","$defs":{"b":`+closed(``)+`}}`),

	{"refuses an optional property", RuleRequired, "", `{"type":"object","properties":{"a":{"type":"null"}},"additionalProperties":false}`, closed(`"a":{"type":"null"}`)},
	{"refuses an extra required name", RuleRequired, "", `{"type":"object","properties":{},"required":["b"],"additionalProperties":false}`, closed(``)},
	strictly("refuses an optional property below", RuleRequired, "/items", `{"type":"array","items":{"type":"object","properties":{"b":{"type":"null"},"c":{"type":"null"}},"required":["c"],"additionalProperties":false}}`,
		`{"type":"array","items":{"type":"object","properties":{"b":{"type":"null"},"c":{"type":"null"}},"required":["c","b"],"additionalProperties":false}}`),
	strictly("reads escaped names", RuleRequired, "", `{"type":"object","properties":{"\u0062":{"type":"null"}},"required":["\\u0062"],"additionalProperties":false}`,
		`{"type":"object","properties":{"\u0062":{"type":"null"}},"required":["b"],"additionalProperties":false}`),

	strictly("refuses $ref with a description", RuleRef, "", `{"$ref":"#","description":"all of it"}`, `{"anyOf":[{"$ref":"#"}],"description":"all of it"}`),
	strictly("refuses a $ref that leads nowhere", RuleRef, "/$ref", `{"$ref":"#/$defs/x"}`, `{"$ref":"#/properties/a"}`),
	strictly("refuses a $ref to another document", RuleRef, "/$ref", `{"$ref":"https://example.com/x"}`, `{"$ref":"#"}`),
	strictly("refuses a $ref to an anchor", RuleRef, "/$ref", `{"$ref":"#x"}`, `{"$ref":"#/properties"}`),
	strictly("follows escapes in a $ref", RuleRef, "/anyOf/0/$ref", `{"anyOf":[{"$ref":"#/properties/a/$defs/x~0y%20z"}],"$defs":{"x/y z":{"type":"null"}}}`, `{"anyOf":[{"$ref":"#/properties/a/$defs/x~1y%20z"}],"$defs":{"x/y z":{"type":"null"}}}`),
	strictly("follows an index in a $ref", RuleRef, "/anyOf/1/$ref", `{"anyOf":[{"type":"null"},{"$ref":"#/properties/a/anyOf/2"}]}`, `{"anyOf":[{"type":"null"},{"$ref":"#/properties/a/anyOf/0"}]}`),

	strictly("refuses a schema that says nothing", RuleType, "", `{}`, `{"type":"string"}`),
	strictly("refuses items that say nothing", RuleType, "/items", `{"type":"array","items":{}}`, `{"type":"array","items":{"type":"string"}}`),
	strictly("refuses enum without type", RuleType, "", `{"enum":["b"]}`, `{"type":"string","enum":["b"]}`),
	strictly("refuses const without type", RuleType, "", `{"const":"b"}`, `{"type":"string","const":"b"}`),
	strictly("refuses enum without type beside anyOf", RuleType, "", `{"anyOf":[{"type":"string"}],"enum":["b"]}`, `{"anyOf":[{"type":"string","enum":["b"]}]}`),
	strictly("refuses a boolean property", RuleType, "", `true`, `{"type":"boolean"}`),
	strictly("refuses boolean items", RuleType, "/items", `{"type":"array","items":false}`, `{"type":"array","items":{"type":"null"}}`),
	strictly("refuses a boolean branch", RuleType, "/anyOf/0", `{"anyOf":[true]}`, `{"anyOf":[{"type":"null"}]}`),
	strictly("refuses a boolean property called additionalProperties", RuleType, "/properties/additionalProperties",
		`{"type":"object","properties":{"additionalProperties":false},"required":["additionalProperties"],"additionalProperties":false}`, closed(`"additionalProperties":{"type":"boolean"}`)),

	strictly("refuses the format uri", RuleFormat, "/format", `{"type":"string","format":"uri"}`, `{"type":"string","format":"email"}`),
	strictly("refuses formats of numbers", RuleFormat, "/format", `{"type":"integer","format":"int32"}`, `{"type":"integer"}`),

	strictly("refuses lookahead", RuleLookaround, "/pattern", `{"type":"string","pattern":"^(?=a)"}`, `{"type":"string","pattern":"^[(?=a]"}`),
	strictly("refuses negative lookahead", RuleLookaround, "/pattern", `{"type":"string","pattern":"^(?!a)"}`, `{"type":"string","pattern":"^\\(?!a"}`),
	strictly("refuses lookbehind", RuleLookaround, "/pattern", `{"type":"string","pattern":"(?<=a)b"}`, `{"type":"string","pattern":"(?:a)b"}`),
	strictly("refuses negative lookbehind", RuleLookaround, "/pattern", `{"type":"string","pattern":"(?<!a)b"}`, `{"type":"string","pattern":"(?P<n>a)b"}`),

	strictly("refuses an enum value of another type", RuleEnum, "/enum", `{"type":"string","enum":["b",1]}`, `{"type":"string","enum":["b","1"]}`),
	strictly("refuses null in an enum whose type has none", RuleEnum, "/enum", `{"type":"string","enum":["b",null]}`, `{"type":["string","null"],"enum":["b",null]}`),
	strictly("refuses a string where the type is null", RuleEnum, "/enum", `{"type":"null","enum":["x"]}`, `{"type":"null","enum":[null]}`),
	strictly("refuses a broken number as an integer", RuleEnum, "/enum", `{"type":"integer","enum":[1.5]}`, `{"type":"integer","enum":[1.0,1e2,100e-2,0.0,9007199254740993]}`),
	strictly("refuses a const of another type", RuleEnum, "/const", `{"type":"boolean","const":"true"}`, `{"type":"boolean","const":true}`),
	strictly("refuses a const object where a list is due", RuleEnum, "/const", `{"type":"array","items":{"type":"null"},"const":{}}`, `{"type":"array","items":{"type":"null"},"const":[]}`),
	strictly("takes whole numbers for numbers", RuleEnum, "/enum", `{"type":"number","enum":["1"]}`, `{"type":"number","enum":[1,1.5,-2e-3]}`),

	strictly("refuses $id below the root", RuleKeyword, "/$id", `{"type":"string","$id":"x"}`, `{"type":"string"}`),
	strictly("refuses $schema below the root", RuleKeyword, "/$schema", `{"type":"string","$schema":"https://json-schema.org/draft/2020-12/schema"}`, `{"type":"string"}`),
	{"takes $schema and $id at the root", RuleKeyword, "/$anchor", `{"$anchor":"x","type":"object","properties":{},"additionalProperties":false}`,
		`{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.com/x","type":"object","properties":{},"additionalProperties":false}`},

	{"refuses 5001 properties", RuleLimit, "", wide(5001), wide(5000)},
	{"refuses 11 levels", RuleLimit, strings.Repeat("/properties/a", 11), deep(11), deep(10)},
	{"refuses 11 levels of items and branches", RuleLimit, "/properties/a" + strings.Repeat("/items/anyOf/0", 5), closed(`"a":` + turns(5)), closed(`"a":` + strings.Replace(turns(5), `{"anyOf":[{"type":"null"}]}`, `{"type":"null"}`, 1))},
	{"counts a definition as a level", RuleLimit, "/$defs/d" + strings.Repeat("/properties/a", 10), defining(10), defining(9)},
	{"refuses 1001 enum values", RuleLimit, "", closed(enums(143, 7)), closed(enums(100, 10))},
	{"refuses 15,001 characters in a long enum", RuleLimit, "/properties/a/enum", closed(`"a":` + longEnum(251, 15_001)), closed(`"a":` + longEnum(251, 15_000))},
	{"counts characters, not bytes", RuleLimit, "/properties/a/enum", closed(`"a":` + longEnum(251, 15_001)), closed(`"a":` + strings.ReplaceAll(longEnum(251, 15_000), "xx", "éé"))},
	{"lets a short enum be long", RuleLimit, "/properties/a/enum", closed(`"a":` + longEnum(251, 20_000)), closed(`"a":` + longEnum(250, 20_000))},
	{"refuses 120,001 characters in all", RuleLimit, "", closed(characters(120_001)), closed(characters(120_000))},
}

// wide has that many properties, half of them in a definition.
func wide(n int) string {
	var inner, outer []string
	for i := range n {
		p := fmt.Sprintf(`"p%d":{"type":"null"}`, i)
		if i%2 == 0 {
			inner = append(inner, p)
		} else {
			outer = append(outer, p)
		}
	}
	return strings.Replace(closed(strings.Join(outer, ",")), `{`, `{"$defs":{"d":`+closed(strings.Join(inner, ","))+`},`, 1)
}

func deep(levels int) string {
	if levels == 0 {
		return `{"type":"null"}`
	}
	return closed(`"a":` + deep(levels-1))
}

// turns nests items and anyOf by turns: two levels a turn.
func turns(n int) string {
	if n == 0 {
		return `{"type":"null"}`
	}
	return `{"type":"array","items":{"anyOf":[` + turns(n-1) + `]}}`
}

func defining(levels int) string {
	return strings.Replace(closed(`"r":{"$ref":"#/$defs/d"}`), `{`, `{"$defs":{"d":`+deep(levels)+`},`, 1)
}

// enums makes properties of so many values each.
func enums(properties, values int) string {
	var out []string
	for i := range properties {
		list := make([]string, values)
		for j := range list {
			list[j] = fmt.Sprint(j)
		}
		out = append(out, fmt.Sprintf(`"p%d":{"type":"integer","enum":[%s]}`, i, strings.Join(list, ",")))
	}
	return strings.Join(out, ",")
}

// longEnum has so many values, with so many characters in all.
func longEnum(values, total int) string {
	list := make([]string, values)
	for i := range list {
		list[i] = fmt.Sprintf(`"%03d%s"`, i, strings.Repeat("x", total/values-3))
	}
	list[0] = `"` + strings.Repeat("x", total%values) + list[0][1:]
	return fmt.Sprintf(`{"type":"string","enum":[%s]}`, strings.Join(list, ","))
}

// characters spreads so many over a name, a const and an enum.
func characters(n int) string {
	name, value := strings.Repeat("n", n/4), strings.Repeat("v", n/4)
	rest := strings.Repeat("r", n-3*(n/4)-1)
	return fmt.Sprintf(`%q:{"type":"string","const":%q},"a":{"type":"string","enum":[%q,%q]}`, name, value, value, rest)
}

func TestCheckRefusesWhatBreaksARuleAndTakesWhatDoesNot(t *testing.T) {
	for _, strict := range []bool{false, true} {
		table := anyFunction
		if strict {
			table = strictFunction
		}
		for _, p := range table {
			t.Run(p.it, func(t *testing.T) {
				if !broken(Check("f", json.RawMessage(p.bad), strict), p.rule, p.path) {
					t.Errorf("%s\nis not said to break %q at %q: %v", clip(p.bad), p.rule, p.path, Check("f", json.RawMessage(p.bad), strict))
				}
				if got := Check("f", json.RawMessage(p.good), strict); got != nil {
					t.Errorf("%s\nshould be taken: %v", clip(p.good), got)
				}
			})
		}
	}
}

func broken(found []Violation, rule Rule, path string) bool {
	return slices.ContainsFunc(found, func(v Violation) bool { return v.Rule == rule && v.Path == path && v.Text != "" })
}

func clip(s string) string { return s[:min(len(s), 300)] }

// Each keyword that strict functions may not use, with a value that is valid.
var refusedKeywords = map[string]string{
	"allOf": `[{"type":"string"}]`, "oneOf": `[{"type":"string"}]`, "not": `{"type":"null"}`,
	"if": `{"type":"string"}`, "then": `{"type":"string"}`, "else": `{"type":"string"}`,
	"dependentRequired": `{"b":["c"]}`, "dependentSchemas": `{"b":{"type":"string"}}`, "dependencies": `{"b":["c"]}`,
	"uniqueItems": `true`, "propertyNames": `{"type":"string"}`, "minLength": `1`, "maxLength": `9`, "default": `"x"`,
	"patternProperties": `{"^x":{"type":"string"}}`, "prefixItems": `[{"type":"string"}]`, "additionalItems": `{"type":"string"}`,
	"contains": `{"type":"string"}`, "minContains": `1`, "maxContains": `2`, "minProperties": `1`, "maxProperties": `2`,
	"unevaluatedItems": `{"type":"string"}`, "unevaluatedProperties": `{"type":"string"}`,
	"$anchor": `"b"`, "$dynamicAnchor": `"b"`, "$dynamicRef": `"#b"`, "$recursiveAnchor": `"b"`, "$recursiveRef": `"#"`, "$vocabulary": `{"https://example.com/v":true}`,
	"contentEncoding": `"base64"`, "contentMediaType": `"image/png"`, "contentSchema": `{"type":"string"}`,
}

func TestCheckRefusesEachKeywordOutsideTheStrictSubset(t *testing.T) {
	for name, value := range refusedKeywords {
		schema := closed(fmt.Sprintf(`"a":{"type":"string",%q:%s}`, name, value))
		if !broken(Check("f", json.RawMessage(schema), true), RuleKeyword, "/properties/a/"+name) {
			t.Errorf("strict takes %s", name)
		}
		if got := Check("f", json.RawMessage(schema), false); got != nil {
			t.Errorf("non-strict refuses %s: %v", name, got)
		}
		if got := Check("f", json.RawMessage(closed(fmt.Sprintf(`%q:{"type":"string"}`, name))), true); got != nil {
			t.Errorf("a property called %s is refused: %v", name, got)
		}
	}
	for name, k := range keywords {
		if _, listed := refusedKeywords[name]; listed != (k.strict == refused) {
			t.Errorf("keyword %s is refused: %v, in this test's list: %v", name, k.strict == refused, listed)
		}
	}
}

func TestCheckTakesEveryKeywordOfTheStrictSubset(t *testing.T) {
	const all = `{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.com/all","type":"object","title":"All","description":"everything",
	"$defs":{"tree":{"type":"object","properties":{"left":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]},"whole":{"$ref":"#"}},"required":["left","whole"],"additionalProperties":false}},
	"properties":{
		"s":{"type":["string","null"],"title":"S","pattern":"^[a-z]+$","format":"hostname"},
		"n":{"type":"number","minimum":1,"maximum":9.5,"exclusiveMinimum":0,"exclusiveMaximum":10,"multipleOf":0.5},
		"l":{"type":"array","items":{"type":"integer","enum":[1,2]},"minItems":1,"maxItems":3},
		"b":{"type":"boolean","const":true},
		"u":{"anyOf":[{"type":"string"},{"type":"null"}],"description":"either"},
		"t":{"$ref":"#/$defs/tree"}},
	"required":["s","n","l","b","u","t"],"additionalProperties":false}`
	if got := Check("all", json.RawMessage(all), true); got != nil {
		t.Errorf("got %v", got)
	}
	for format := range formats {
		if got := Check("f", json.RawMessage(closed(`"a":{"type":"string","format":"`+format+`"}`)), true); got != nil {
			t.Errorf("format %s: %v", format, got)
		}
	}
}

func TestCheckRefusesNamesOutsideTheAlphabet(t *testing.T) {
	for _, name := range []string{"", "a.b", "a b", "é", strings.Repeat("a", 65), "a\n", "a/b"} {
		if !broken(Check(name, json.RawMessage(closed(``)), true), RuleName, "") {
			t.Errorf("takes %q", name)
		}
	}
	for _, name := range []string{"a", "A-b_9", strings.Repeat("a", 64), "-", "__"} {
		if got := Check(name, json.RawMessage(closed(``)), true); got != nil {
			t.Errorf("refuses %q: %v", name, got)
		}
	}
}

func TestAbsentParametersAreLegalUnlessStrict(t *testing.T) {
	if got := Check("f", nil, false); got != nil {
		t.Errorf("non-strict: %v", got)
	}
	if !broken(Check("f", nil, true), RuleRoot, "") {
		t.Error("strict takes a function without parameters")
	}
}

func TestCheckNamesRefusesTwinsAndTooMany(t *testing.T) {
	var names []string
	for i := range MostFunctions {
		names = append(names, fmt.Sprint("f", i))
	}
	if got := CheckNames(names); got != nil {
		t.Errorf("refuses %d: %v", MostFunctions, got)
	}
	got := CheckNames(append(names, "f7"))
	if !broken(got, RuleCount, "") || !broken(got, RuleName, "") {
		t.Errorf("got %v", got)
	}
}

func TestCheckListsABoundedNumberOfViolations(t *testing.T) {
	hostile := `{"type":"object","properties":{` + strings.Repeat(`"a":1,`, 5000) + `"b":1}}`
	if got := len(Check("f", json.RawMessage(hostile), true)); got != most {
		t.Errorf("got %d", got)
	}
}

func TestTooDeepASchemaIsSaidOnce(t *testing.T) {
	if got := Check("f", json.RawMessage(deep(14)), true); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestLongValuesAreNotRepeatedInFull(t *testing.T) {
	long := strings.Repeat("é", 1000)
	for _, bad := range []string{`{"type":"` + long + `"}`, `{"minLength":[1,2,3,4,"` + long + `"]}`, `{"minLength":{"` + long + `":1}}`, `{"minLength":` + strings.Repeat("1", 500) + `.5}`} {
		found := Check("f", json.RawMessage(`{"type":"object","properties":{"a":`+bad+`}}`), false)
		if len(found) != 1 || len(found[0].Text) > 300 {
			t.Errorf("%s: %v", clip(bad), found)
		}
	}
}

func TestRefusalNamesTheFunctionAndThePlace(t *testing.T) {
	schema := json.RawMessage(closed(`"a":{"type":"object","properties":{"it's/b":{"type":"string","default":1}},"required":["it's/b"],"additionalProperties":false}`))
	got := Refusal("search", Check("search", schema, true))
	want := `Invalid schema for function 'search': In context=('properties', 'a', 'properties', 'it\'s/b', 'default'), 'default' is not permitted.`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := Refusal("f", Check("f", json.RawMessage(`{}`), false)); !strings.Contains(got, "In context=(), schema must be") {
		t.Errorf("root: %s", got)
	}
	if got := Refusal("a.b", Check("a.b", json.RawMessage(closed(``)), true)); !strings.Contains(got, `"a.b"`) {
		t.Errorf("name: %s", got)
	}
	if got := Refusal("f", nil); got != "" {
		t.Errorf("no violation: %s", got)
	}
}
