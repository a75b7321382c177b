package guard

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// quick is a schema as a plain tree: types, bounds, members and items. The validator keeps
// account, at each value, of where it is and what was looked at, so that it can explain
// what does not fit; most arguments fit, and this says so without. It is never the last
// word: what it does not take is for the validator to judge.
type quick struct {
	types       valueType // that may come, 0 for any
	enum        []string  // nil for anything; otherwise only these texts may come
	format      func(any) bool
	pattern     *regexp.Regexp
	bounded     bool // by least and most
	least, most int64
	length      between // of texts, in characters
	items       *quick
	count       between // of items
	members     map[string]*quick
	required    []string
	closed      bool    // there may be no others
	others      *quick  // of members that are not named; nil for anything
	size        between // of members
}

// between is how many there have to be at least and may be at most; -1 is no bound.
type between struct{ least, most int }

func (b between) holds(n int) bool { return n >= b.least && (b.most < 0 || n <= b.most) }

// valueType is a set of types of JSON values.
type valueType uint8

const (
	isNull valueType = 1 << iota
	isBoolean
	isNumber
	isInteger
	isText
	isArray
	isObject
)

var valueTypes = map[string]valueType{"null": isNull, "boolean": isBoolean, "number": isNumber, "integer": isInteger, "string": isText, "array": isArray, "object": isObject}

// anything is the quick form of a schema that asks for nothing.
var anything = &quick{length: between{-1, -1}, count: between{-1, -1}, size: between{-1, -1}}

// quicken gives the quick form of a schema, nil if it asks for something that has none.
// formats says how formats are checked.
func quicken(s *jsonschema.Schema, formats func(name string) func(any) bool) *quick {
	if s == nil || s.Always != nil && *s.Always {
		return anything
	}
	if s.Always != nil || !isPlain(s) {
		return nil
	}
	q := &quick{pattern: s.Pattern, format: formats(s.Format), required: s.Required,
		length: between{s.MinLength, s.MaxLength}, count: between{s.MinItems, s.MaxItems}, size: between{s.MinProperties, s.MaxProperties}}
	for _, name := range s.Types {
		q.types |= valueTypes[name]
	}
	for _, value := range s.Enum {
		text, ok := value.(string)
		if !ok {
			return nil
		}
		q.enum = append(q.enum, text)
	}
	if !q.bound(s) || !q.within(s, formats) {
		return nil
	}
	return q
}

// isPlain reports whether a schema has none of the keywords that a quick form cannot have.
func isPlain(s *jsonschema.Schema) bool {
	for name := range s.Extensions {
		if name != stopwatchName {
			return false
		}
	}
	return s.Ref == nil && s.RecursiveRef == nil && s.DynamicRef == nil && len(s.Constant) == 0 && s.Not == nil && s.If == nil &&
		len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) == 0 && s.PropertyNames == nil && !s.RegexProperties && len(s.PatternProperties) == 0 &&
		len(s.Dependencies)+len(s.DependentRequired)+len(s.DependentSchemas) == 0 && s.UnevaluatedProperties == nil && s.UnevaluatedItems == nil &&
		!s.UniqueItems && s.AdditionalItems == nil && len(s.PrefixItems) == 0 && s.Contains == nil && s.ContentEncoding == "" && s.ContentMediaType == "" &&
		s.ContentSchema == nil && s.MultipleOf == nil && s.ExclusiveMinimum == nil && s.ExclusiveMaximum == nil
}

// bound takes over the bounds of numbers, and reports whether it could: whole ones that fit.
func (q *quick) bound(s *jsonschema.Schema) bool {
	whole := func(bound *big.Rat, otherwise int64) (int64, bool) {
		if bound == nil {
			return otherwise, true
		}
		return bound.Num().Int64(), bound.IsInt() && bound.Num().IsInt64()
	}
	var ok, fits bool
	q.bounded = s.Minimum != nil || s.Maximum != nil
	q.least, ok = whole(s.Minimum, -1<<63)
	q.most, fits = whole(s.Maximum, 1<<63-1)
	return ok && fits
}

// within takes over what is said of members and items.
func (q *quick) within(s *jsonschema.Schema, formats func(string) func(any) bool) bool {
	if len(s.Properties) > 0 {
		q.members = make(map[string]*quick, len(s.Properties))
	}
	for name, member := range s.Properties {
		if q.members[name] = quicken(member, formats); q.members[name] == nil {
			return false
		}
	}
	switch others := s.AdditionalProperties.(type) {
	case nil:
	case bool:
		q.closed = !others
	case *jsonschema.Schema:
		if q.others = quicken(others, formats); q.others == nil {
			return false
		}
	default:
		return false
	}
	items := s.Items2020
	switch older := s.Items.(type) {
	case nil:
	case *jsonschema.Schema:
		if items != nil {
			return false
		}
		items = older
	default:
		return false
	}
	if items != nil {
		q.items = quicken(items, formats)
		return q.items != nil
	}
	return true
}

// fits reports whether a decoded value fits for certain. A nil q is certain of nothing.
func (q *quick) fits(value any) bool {
	if q == nil || q.format != nil && !q.format(value) {
		return false
	}
	switch v := value.(type) {
	case string:
		return q.may(isText) && (q.enum == nil || slices.Contains(q.enum, v)) && q.fitsText(v)
	case json.Number:
		return q.enum == nil && q.fitsNumber(string(v))
	case map[string]any:
		return q.enum == nil && q.may(isObject) && q.fitsMembers(v)
	case []any:
		return q.enum == nil && q.may(isArray) && q.fitsItems(v)
	case bool:
		return q.enum == nil && q.may(isBoolean)
	case nil:
		return q.enum == nil && q.may(isNull)
	}
	return false
}

func (q *quick) may(t valueType) bool { return q.types == 0 || q.types&t != 0 }

func (q *quick) fitsText(text string) bool {
	if !q.length.holds(utf8.RuneCountInString(text)) {
		return false
	}
	return q.pattern == nil || q.pattern.MatchString(text)
}

// fitsNumber takes whole numbers in their plain spelling, and others where only a number
// is asked for.
func (q *quick) fitsNumber(text string) bool {
	if !q.bounded && q.may(isNumber) {
		return true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && q.may(isNumber|isInteger) && n >= q.least && n <= q.most
}

func (q *quick) fitsItems(items []any) bool {
	return q.count.holds(len(items)) &&
		(q.items == nil || !slices.ContainsFunc(items, func(item any) bool { return !q.items.fits(item) }))
}

func (q *quick) fitsMembers(members map[string]any) bool {
	if !q.size.holds(len(members)) {
		return false
	}
	for _, name := range q.required {
		if _, ok := members[name]; !ok {
			return false
		}
	}
	for name, value := range members {
		member, named := q.members[name]
		switch {
		case named:
		case q.closed:
			return false
		default:
			member = q.others
		}
		if member != nil && !member.fits(value) {
			return false
		}
	}
	return true
}
