package guard

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A mounted tool's schema may hold anything, at any size: what is said of it is
// bounded like what is said of arguments.
const (
	wholeInput  = "arguments" // the path of the arguments as a whole
	maxProblems = 5           // spelled out in one answer
	maxShown    = 60          // characters of a value
	maxNames    = 12          // names or choices listed at once
	maxExpected = 400         // characters that say what was expected
	maxExample  = 4000        // characters of an example
	maxKnown    = 1000        // names compared with one that is unknown, or with patterns
	maxLeaves   = 1000        // errors of a mounted tool's schema that are looked into
)

// problem is one thing that is wrong with arguments, in words for the model that
// wrote them.
type problem struct {
	path string // customer.email, to[1]
	text string
}

func (p problem) String() string { return p.path + ": " + p.text }

// list joins the first problems and says how many are left out.
func list(problems []problem, separator string) string {
	var lines []string
	for i, p := range problems {
		if i == maxProblems {
			lines = append(lines, fmt.Sprintf("and %d more", len(problems)-i))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, separator)
}

// explain is the whole answer: the problems, and an example of what would fit.
func (in *input) explain(tool string, problems []problem, arguments any) string {
	return fmt.Sprintf("the arguments of %s do not fit.\n- %s%s", tool, list(problems, "\n- "), in.exampleText(arguments))
}

// exampleText is the line with the example, "" if none can be made that fits.
func (in *input) exampleText(arguments any) string {
	example, ok := in.example(arguments)
	if !ok {
		return ""
	}
	text := spell(example)
	if len(text) > maxExample {
		return ""
	}
	return "\nAn example that fits: " + text
}

// problems turns the validator's tree of errors into problems.
func (in *input) problems(invalid *jsonschema.ValidationError, arguments any) []problem {
	all := leaves(invalid)
	if in.watch != nil && len(all) > maxLeaves {
		slices.SortStableFunc(all, func(a, b *jsonschema.ValidationError) int {
			return cmp.Or(cmp.Compare(a.InstanceLocation, b.InstanceLocation), cmp.Compare(a.KeywordLocation, b.KeywordLocation))
		})
		all = all[:maxLeaves]
	}
	var found []problem
	for _, leaf := range all {
		found = append(found, in.words(leaf, arguments)...)
	}
	// The validator walks maps, so its order is chance.
	slices.SortFunc(found, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.text, b.text))
	})
	return slices.Compact(found)
}

// leaves are the errors that say what is wrong. The branches of an anyOf or oneOf
// are not descended into: each would complain about what another one allows.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 || strings.HasSuffix(e.KeywordLocation, "/anyOf") || strings.HasSuffix(e.KeywordLocation, "/oneOf") {
		return []*jsonschema.ValidationError{e}
	}
	var found []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		found = append(found, leaves(cause)...)
	}
	return found
}

// words says what one broken keyword wanted and what came. The validator's own
// message is not used: it may quote a value that must not be shown.
func (in *input) words(leaf *jsonschema.ValidationError, arguments any) []problem {
	path := pointer(leaf.InstanceLocation)
	value := at(arguments, path)
	keywordPath := pointer(leaf.AbsoluteKeywordLocation)
	keyword := ""
	if len(keywordPath) > 0 {
		keyword = keywordPath[len(keywordPath)-1]
	}
	schema, _ := at(in.schema, keywordPath[:max(0, len(keywordPath)-1)]).(map[string]any)
	switch {
	case keyword == "required":
		return missing(path, schema, value)
	case keyword == "additionalProperties":
		return unknown(path, schema, value)
	case at(in.schema, keywordPath) == false:
		return []problem{{path: dotted(path), text: "nothing is allowed here"}}
	}
	expected := describe(schema)
	if expected == "" || schema[keyword] == nil {
		expected = fmt.Sprintf("a value that keeps to the rule %q: %s", keyword, cut(spell(schema[keyword]), maxShown))
	}
	return []problem{{path: dotted(path), text: "expected " + cut(expected, maxExpected) + ", got " + came(path, value)}}
}

// missing names each required member that is not there.
func missing(path []string, schema map[string]any, value any) []problem {
	given, _ := value.(map[string]any)
	required, _ := schema["required"].([]any)
	var found []problem
	for _, item := range required {
		name, _ := item.(string)
		if _, ok := given[name]; ok {
			continue
		}
		text := "required, but missing"
		if expected := describe(at(schema, []string{"properties", name})); expected != "" {
			text += "; expected " + cut(expected, maxExpected)
		}
		found = append(found, problem{path: dotted(append(slices.Clone(path), name)), text: text})
	}
	return found
}

// unknown names each member that the schema does not know, and what may have been
// meant by it.
func unknown(path []string, schema map[string]any, value any) []problem {
	given, _ := value.(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	known := slices.Sorted(maps.Keys(properties))
	allowed := patterns(schema)
	var found []problem
	for i, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := properties[name]; ok || i < maxKnown && matchesAny(allowed, name) {
			continue
		}
		text := "unknown"
		if len(found) >= maxProblems {
			// Beyond what is spelled out: only counted, however many there are.
		} else if meant := nearest(name, known[:min(len(known), maxKnown)]); meant != "" {
			text += fmt.Sprintf("; did you mean %q?", meant)
		} else if len(known) > 0 {
			text += "; known are " + names(known)
		} else if len(allowed) > 0 {
			text += "; a name has to match " + cut(allowed[0].String(), maxName)
		} else {
			text += "; nothing may be given here"
		}
		found = append(found, problem{path: dotted(append(slices.Clone(path), name)), text: text})
	}
	return found
}

// patterns are those of patternProperties, each of which allows names beyond the
// known ones: the first few, for a schema may have any number.
func patterns(schema map[string]any) []*regexp.Regexp {
	members, _ := schema["patternProperties"].(map[string]any)
	var all []*regexp.Regexp
	for _, text := range slices.Sorted(maps.Keys(members))[:min(len(members), maxNames)] {
		if p, err := regexp.Compile(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

func matchesAny(patterns []*regexp.Regexp, name string) bool {
	return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(name) })
}

func names(all []string) string {
	var b strings.Builder
	for i, name := range all {
		if i == maxNames {
			return b.String() + " and others"
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(cut(name, maxName))
	}
	return b.String()
}

// came shows the value that came, never a secret.
func came(path []string, value any) string {
	if slices.ContainsFunc(path, isSecretName) {
		return redacted
	}
	switch v := value.(type) {
	case string:
		safe, _ := auditShapes.hide(v)
		return cut(strconv.Quote(safe), maxShown)
	case map[string]any:
		return fmt.Sprintf("an object of %d members", len(v))
	case []any:
		return fmt.Sprintf("an array of %d items", len(v))
	case json.Number:
		safe, _ := auditShapes.hide(string(v))
		return cut(safe, maxShown)
	case bool:
		return strconv.FormatBool(v)
	default:
		return "null"
	}
}

// dotted spells a path as customer.email or to[1].
func dotted(path []string) string {
	if len(path) == 0 {
		return wholeInput
	}
	var b strings.Builder
	for _, segment := range path {
		segment = cut(segment, maxName)
		switch {
		case isIndex(segment):
			b.WriteString("[" + segment + "]")
		case strings.ContainsAny(segment, ".[] \""):
			b.WriteString("[" + strconv.Quote(segment) + "]")
		case b.Len() > 0:
			b.WriteString("." + segment)
		default:
			b.WriteString(segment)
		}
	}
	return b.String()
}

func isIndex(segment string) bool {
	return segment != "" && strings.Trim(segment, "0123456789") == ""
}
