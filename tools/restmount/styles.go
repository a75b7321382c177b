package restmount

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Styles of parameters (OpenAPI 3.1.1, 4.8.12.3).
const (
	styleSimple     = "simple"
	styleLabel      = "label"
	styleMatrix     = "matrix"
	styleForm       = "form"
	styleSpace      = "spaceDelimited"
	stylePipe       = "pipeDelimited"
	styleDeepObject = "deepObject"
)

var stylesIn = map[string][]string{
	inPath:   {styleSimple, styleLabel, styleMatrix},
	inQuery:  {styleForm, styleSpace, stylePipe, styleDeepObject},
	inHeader: {styleSimple},
	inCookie: {styleForm},
}

// maxNesting bounds what is written into names such as a[b][c].
const maxNesting = 20

// pair is a name and a value, not escaped yet.
type pair struct{ name, value string }

// pairs are a query parameter, or a member of a form.
func pairs(name, style string, explode bool, value any) ([]pair, error) {
	if style == styleDeepObject {
		return deep(name, value, 0)
	}
	list, members, err := parts(value)
	if err != nil {
		return nil, err
	}
	var out []pair
	switch {
	case members != nil && explode && style == styleForm:
		return members, nil
	case explode || list == nil && members == nil:
		for _, one := range list {
			out = append(out, pair{name, one})
		}
		for _, m := range members { // of a style that has no words for it
			out = append(out, pair{name, m.name + "," + m.value})
		}
		if list == nil && members == nil {
			text, err := scalar(value)
			return []pair{{name, text}}, err
		}
		return out, nil
	}
	return []pair{{name, strings.Join(flat(list, members), separators[style])}}, nil
}

var separators = map[string]string{styleForm: ",", styleSpace: " ", stylePipe: "|"}

// flat is a list of values, or of names and values in turn.
func flat(list []string, members []pair) []string {
	for _, m := range members {
		list = append(list, m.name, m.value)
	}
	return list
}

// parts are the items of a list, or the members of an object in the order of their names.
func parts(value any) (list []string, members []pair, err error) {
	switch v := value.(type) {
	case []any:
		list = []string{}
		for _, one := range v {
			text, err := scalar(one)
			if err != nil {
				return nil, nil, err
			}
			list = append(list, text)
		}
	case map[string]any:
		members = []pair{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if v[name] == nil {
				continue
			}
			text, err := scalar(v[name])
			if err != nil {
				return nil, nil, err
			}
			members = append(members, pair{name, text})
		}
	}
	return list, members, nil
}

// deep writes a[b][c]=d, and a[0]=b for lists, of which the specification says nothing.
func deep(name string, value any, depth int) ([]pair, error) {
	if depth > maxNesting {
		return nil, errors.New("it is nested too deep")
	}
	var out []pair
	switch v := value.(type) {
	case nil:
		return nil, nil
	case []any:
		for i, one := range v {
			more, err := deep(fmt.Sprintf("%s[%d]", name, i), one, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
		return out, nil
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			more, err := deep(name+"["+member+"]", v[member], depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
		return out, nil
	}
	text, err := scalar(value)
	return []pair{{name, text}}, err
}

// scalar is a value as text; what is none is JSON.
func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case nil:
		return "", nil
	}
	raw, err := json.Marshal(value)
	return string(raw), err
}

// escape is percent-encoding of all but unreserved characters (RFC 3986, 2.3), and of
// those in keep.
func escape(text, keep string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// reserved are the characters that allowReserved leaves as they are, but for those that
// would end the query or one of its parts.
const reserved = ":/?[]@!$'()*,;"

// query writes pairs as a query or a form. The brackets of names stay readable.
func query(all []pair, keep string) string {
	parts := make([]string, len(all))
	for i, p := range all {
		parts[i] = escape(p.name, "[]") + "=" + escape(p.value, keep)
	}
	return strings.Join(parts, "&")
}

// segment is what stands in a path for a parameter.
func segment(p parameter, value any) (string, error) {
	text, err := segmentOf(p, value)
	if err != nil {
		return "", err
	}
	plain, err := url.PathUnescape(text)
	if err != nil {
		return "", err
	}
	return text, safeInPath(plain)
}

func segmentOf(p parameter, value any) (string, error) {
	list, members, err := parts(value)
	if err != nil {
		return "", err
	}
	escaped := func(text string) string { return escape(text, "") }
	if list == nil && members == nil {
		text, err := scalar(value)
		if err != nil {
			return "", err
		}
		if err := safeInPath(text); err != nil {
			return "", err
		}
		return map[string]string{styleSimple: "", styleLabel: ".", styleMatrix: ";" + escaped(p.Name) + "="}[p.Style] + escaped(text), nil
	}
	var words []string
	for _, one := range list {
		words = append(words, escaped(one))
	}
	for _, m := range members {
		if p.Explode {
			words = append(words, escaped(m.name)+"="+escaped(m.value))
		} else {
			words = append(words, escaped(m.name), escaped(m.value))
		}
	}
	switch {
	case p.Style == styleLabel && p.Explode:
		return "." + strings.Join(words, "."), nil
	case p.Style == styleLabel:
		return "." + strings.Join(words, ","), nil
	case p.Style == styleMatrix && p.Explode && members == nil:
		return ";" + escaped(p.Name) + "=" + strings.Join(words, ";"+escaped(p.Name)+"="), nil
	case p.Style == styleMatrix && p.Explode:
		return ";" + strings.Join(words, ";"), nil
	case p.Style == styleMatrix:
		return ";" + escaped(p.Name) + "=" + strings.Join(words, ","), nil
	}
	return strings.Join(words, ","), nil
}

// safeInPath refuses what would lead to another path than the operation's: a server may
// undo the escaping before it looks.
func safeInPath(text string) error {
	if text == "" {
		return errors.New("it is empty, and part of the address")
	}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return errors.New(`it holds "." or ".." as a part of an address`)
		}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("it holds a control character, which no address has")
	}
	return nil
}
