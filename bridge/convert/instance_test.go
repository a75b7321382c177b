package convert_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// maker draws values for a JSON Schema of any draft. It does its best and no
// more: what it draws must be validated before it counts. It leaves out what a
// schema does not speak of, since an object that declares properties and does not
// mention others counts as closed.
type maker struct {
	t     *rapid.T
	root  any
	fuel  int  // schemas that may still be visited
	given bool // for converted schemas: text is often JSON, as many encodings want
	least int  // how often an open repeat of the pattern at hand is to be drawn
}

// instance draws a value for a schema, or nothing where it finds none.
func instance(t *rapid.T, root any, given bool) (any, bool) {
	m := &maker{t: t, root: root, fuel: 300, given: given}
	return m.value(root, 0)
}

const deepEnough = 8 // levels below which only what is required is drawn

func (m *maker) chance(n int) bool { return rapid.IntRange(0, n-1).Draw(m.t, "chance") == 0 }

func (m *maker) pick(n int) int { return rapid.IntRange(0, n-1).Draw(m.t, "pick") }

func (m *maker) value(schema any, depth int) (any, bool) {
	if m.fuel--; m.fuel < 0 || depth > 40 {
		return nil, false
	}
	s, isObject := schema.(map[string]any)
	if !isObject {
		return m.anything(depth), schema != false
	}
	if ref, ok := s["$ref"].(string); ok {
		return m.referred(s, ref, depth)
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf", "if"} {
		if s[keyword] != nil {
			return m.combined(s, keyword, depth)
		}
	}
	if enum, ok := s["enum"].([]any); ok && len(enum) > 0 {
		return enum[m.pick(len(enum))], true
	}
	if value, ok := s["const"]; ok {
		return value, true
	}
	return m.typed(s, depth)
}

func (m *maker) referred(s map[string]any, ref string, depth int) (any, bool) {
	target, ok := pointed(m.root, ref)
	if !ok {
		return nil, false
	}
	rest := maps.Clone(s)
	delete(rest, "$ref")
	return m.value(merged(rest, target), depth+1)
}

// combined folds one combining keyword into what stands beside it.
func (m *maker) combined(s map[string]any, keyword string, depth int) (any, bool) {
	rest := maps.Clone(s)
	delete(rest, keyword)
	var whole any = rest
	switch list, _ := s[keyword].([]any); {
	case keyword == "if":
		delete(rest, "then")
		delete(rest, "else")
		if m.chance(2) {
			whole = merged(merged(whole, s["if"]), s["then"])
		} else {
			whole = merged(whole, s["else"])
		}
	case len(list) == 0:
	case keyword == "allOf":
		for _, part := range list {
			whole = merged(whole, part)
		}
	default:
		whole = merged(whole, list[m.pick(len(list))])
	}
	return m.value(whole, depth+1)
}

// merged says both schemas at once as far as one object can: what both say goes
// into an allOf unless it is easily joined.
func merged(a, b any) any {
	x, okX := a.(map[string]any)
	y, okY := b.(map[string]any)
	switch {
	case a == false || b == false:
		return false
	case !okY:
		return a
	case !okX:
		return b
	}
	out := maps.Clone(x)
	for name, value := range y {
		old, both := out[name]
		switch {
		case !both:
			out[name] = value
		case name == "properties":
			out[name] = joined(old, value)
		case name == "required":
			out[name] = appended(old, value)
		case name == "allOf":
			out[name] = appended(old, value)
		case name == "anyOf", name == "oneOf", name == "if", name == "$ref", name == "enum":
			out["allOf"] = appended(out["allOf"], []any{map[string]any{name: value}})
		case name == "type":
			out[name] = common(old, value)
		}
	}
	return out
}

func joined(a, b any) any {
	x, _ := a.(map[string]any)
	y, _ := b.(map[string]any)
	out := maps.Clone(x)
	if out == nil {
		out = map[string]any{}
	}
	for name, schema := range y {
		if old, both := out[name]; both {
			schema = merged(old, schema)
		}
		out[name] = schema
	}
	return out
}

func appended(a, b any) []any {
	x, _ := a.([]any)
	y, _ := b.([]any)
	return append(slices.Clone(x), y...)
}

// common is the types that two schemas share; a number may be an integer.
func common(a, b any) any {
	var out []any
	for _, t := range typeNames(a) {
		if slices.Contains(typeNames(b), t) {
			out = append(out, t)
		} else if t == "number" && slices.Contains(typeNames(b), "integer") {
			out = append(out, "integer")
		} else if t == "integer" && slices.Contains(typeNames(b), "number") {
			out = append(out, t)
		}
	}
	return out
}

func typeNames(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, name := range v {
			if s, ok := name.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

func pointed(root any, ref string) (any, bool) {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil, false
	}
	if p, err := url.PathUnescape(pointer); err == nil {
		pointer = p
	}
	if pointer == "" {
		return root, true
	}
	at := root
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch v := at.(type) {
		case map[string]any:
			if at, ok = v[token]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			at = v[i]
		default:
			return nil, false
		}
	}
	return at, true
}

func (m *maker) typed(s map[string]any, depth int) (any, bool) {
	names := typeNames(s["type"])
	if len(names) == 0 {
		switch {
		case s["type"] != nil:
			return nil, false
		case s["properties"] != nil, s["additionalProperties"] != nil, s["patternProperties"] != nil, s["required"] != nil:
			names = []string{"object"}
		case s["items"] != nil, s["prefixItems"] != nil:
			names = []string{"array"}
		default:
			return m.anything(depth), true
		}
	}
	switch name := names[m.pick(len(names))]; name {
	case "object":
		return m.object(s, depth)
	case "array":
		return m.array(s, depth)
	case "string":
		return m.text(s), true
	case "integer":
		return m.number(s, true), true
	case "number":
		return m.number(s, m.chance(3)), true
	case "boolean":
		return m.chance(2), true
	case "null":
		return nil, true
	}
	return nil, false
}

func (m *maker) object(s map[string]any, depth int) (any, bool) {
	properties, _ := s["properties"].(map[string]any)
	required := typeNames(s["required"])
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		must := slices.Contains(required, name)
		if !must && (depth > deepEnough || m.fuel < 50 || !m.chance(2)) {
			continue
		}
		value, ok := m.value(properties[name], depth+1)
		if ok {
			out[name] = value
		} else if must {
			return nil, false
		}
	}
	for _, name := range required {
		if _, there := out[name]; !there && properties[name] == nil {
			value, ok := m.value(m.tail(s), depth+1)
			if !ok {
				return nil, false
			}
			out[name] = value
		}
	}
	m.addMore(s, out, properties, depth)
	return out, true
}

func (m *maker) tail(s map[string]any) any {
	if s["additionalProperties"] != nil {
		return s["additionalProperties"]
	}
	return true
}

// addMore draws what is not declared, where the schema speaks of it: explicitly,
// or by declaring nothing and being no root.
func (m *maker) addMore(s map[string]any, out, properties map[string]any, depth int) {
	least := count(s["minProperties"], 0)
	if depth > deepEnough && len(out) >= least {
		return
	}
	patterns, _ := s["patternProperties"].(map[string]any)
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		if name, ok := m.matching(pattern); ok && m.chance(2) && properties[name] == nil {
			if value, ok := m.value(patterns[pattern], depth+1); ok {
				out[name] = value
			}
		}
	}
	more, spoken := s["additionalProperties"]
	if more == false || !spoken && (len(properties) > 0 || depth == 0 || patterns != nil || s["required"] != nil) {
		return
	}
	if !spoken {
		more = true
	}
	names, _ := s["propertyNames"].(map[string]any)
	for range m.pick(3) + max(0, least-len(out)) {
		name := m.name()
		if names != nil {
			drawn, _ := m.value(merged(map[string]any{"type": "string"}, names), depth+1)
			name, _ = drawn.(string)
		}
		if value, ok := m.value(more, depth+1); ok && properties[name] == nil {
			out[name] = value
		}
	}
}

func (m *maker) name() string {
	return rapid.SampledFrom([]string{"a", "b", "key", "value", "type", "$ref", "__proto__", "", "ü/~\"", "x y", "additional_properties", "item_1"}).Draw(m.t, "name")
}

func count(v any, otherwise int) int {
	if n, ok := v.(json.Number); ok {
		if i, err := strconv.Atoi(string(n)); err == nil {
			return i
		}
	}
	return otherwise
}

func (m *maker) array(s map[string]any, depth int) (any, bool) {
	places, _ := s["prefixItems"].([]any)
	rest, spoken := s["items"]
	if list, isTuple := rest.([]any); isTuple {
		places = list
		rest, spoken = s["additionalItems"]
	}
	if !spoken {
		rest = true
	}
	least := count(s["minItems"], 0)
	size := least
	if depth <= deepEnough && m.fuel > 50 {
		size = max(least, rapid.IntRange(least, least+3).Draw(m.t, "size"))
	}
	size = min(size, count(s["maxItems"], size), 200)
	out := []any{}
	for i := range size {
		schema := rest
		if i < len(places) {
			schema = places[i]
		}
		value, ok := m.value(schema, depth+1)
		if !ok {
			break
		}
		out = append(out, value)
	}
	return out, len(out) >= least
}

var formatSamples = map[string][]string{
	"date-time": {"2026-03-01T10:00:00Z", "2024-02-29T23:59:59.5+01:00"}, "date": {"2026-02-28", "1999-12-31"}, "time": {"10:00:00Z"},
	"duration": {"P1D", "PT5M"}, "email": {"a@example.com"}, "idn-email": {"a@example.com"}, "hostname": {"example.com"}, "idn-hostname": {"example.com"},
	"ipv4": {"192.0.2.1"}, "ipv6": {"2001:db8::1"}, "uuid": {"6f9619ff-8b86-4011-b42d-00c04fc964ff"}, "uri": {"https://example.com/a?b=c"}, "uri-reference": {"/a"},
	"iri": {"https://example.com/"}, "iri-reference": {"/a"}, "uri-template": {"/a/{b}"}, "json-pointer": {"/a/0"}, "relative-json-pointer": {"1/a"}, "regex": {"^a$"},
	"json": {"{}"}, "cidrv4": {"10.0.0.0/8"},
}

var jsonTexts = []string{`{}`, `{"a":1}`, `[]`, `[1,"x"]`, `null`, `"text"`, `7`, `true`, `{"a":{"b":[null]}}`}

func (m *maker) text(s map[string]any) string {
	if samples := formatSamples[fmt.Sprint(s["format"])]; samples != nil {
		return samples[m.pick(len(samples))]
	}
	if pattern, ok := s["pattern"].(string); ok {
		m.least = min(count(s["minLength"], 0), 200)
		if text, ok := m.matching(pattern); ok {
			return text
		}
	}
	if m.given && m.chance(2) {
		return jsonTexts[m.pick(len(jsonTexts))]
	}
	text := rapid.SampledFrom([]string{"", "x", "null", "<null>", "<<null>", "true", "0", "1.0", "{}", "[]", "ü😀", "a\"b\\c\n", "  ", "hello world", "<", "\u0000"}).Draw(m.t, "text")
	if least := count(s["minLength"], 0); utf8.RuneCountInString(text) < least {
		text += strings.Repeat("n", min(least, 10_000)-utf8.RuneCountInString(text))
	}
	if runes := []rune(text); len(runes) > count(s["maxLength"], len(runes)) {
		text = string(runes[:max(0, count(s["maxLength"], 0))])
	}
	return text
}

// matching draws text for a pattern that Go knows.
func (m *maker) matching(pattern string) (string, bool) {
	re, err := regexp.Compile(pattern)
	if err != nil || len(pattern) > 300 {
		return "", false
	}
	text := sampleOf(m, pattern)
	return text, re.MatchString(text)
}

func (m *maker) number(s map[string]any, whole bool) json.Number {
	low, hasLow := float(s["minimum"])
	if x, ok := float(s["exclusiveMinimum"]); ok {
		low, hasLow = x+1, true
	}
	high, hasHigh := float(s["maximum"])
	if x, ok := float(s["exclusiveMaximum"]); ok {
		high, hasHigh = x-1, true
	}
	step, hasStep := float(s["multipleOf"])
	switch {
	case hasStep:
		return json.Number(strconv.FormatFloat(step*float64(m.pick(20)), 'f', -1, 64))
	case hasLow && hasHigh && high-low < 1e9 && high >= low:
		return json.Number(strconv.FormatInt(int64(low)+int64(m.pick(int(high-low)+1)), 10))
	case hasLow:
		return json.Number(strconv.FormatFloat(low+float64(m.pick(100)), 'f', -1, 64))
	case hasHigh:
		return json.Number(strconv.FormatFloat(high-float64(m.pick(100)), 'f', -1, 64))
	}
	if whole {
		return rapid.SampledFrom([]json.Number{"0", "1", "-1", "7", "1.0", "1e2", "9007199254740993", "-9223372036854775809"}).Draw(m.t, "integer")
	}
	return rapid.SampledFrom([]json.Number{"0.5", "-1.25", "1e-7", "0", "3.0", "0.1000000000000000055"}).Draw(m.t, "number")
}

func float(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// anything draws any JSON.
func (m *maker) anything(depth int) any {
	if depth > deepEnough || m.chance(2) {
		return rapid.SampledFrom([]any{nil, true, "", "x", "null", "{}", json.Number("1"), json.Number("1.50"), json.Number("9007199254740993"), []any{}, map[string]any{}}).Draw(m.t, "any")
	}
	if m.chance(2) {
		return []any{m.anything(depth + 2), m.anything(depth + 2)}
	}
	return map[string]any{m.name(): m.anything(depth + 2), "b": m.anything(depth + 2)}
}
