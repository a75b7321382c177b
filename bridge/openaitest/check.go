package openaitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// checker gathers what is wrong with one request.
type checker struct{ found []Violation }

func (c *checker) report(param, format string, args ...any) {
	c.found = append(c.found, Violation{Param: param, Text: fmt.Sprintf(format, args...)})
}

// object is a JSON object at a place of the request. A member that is null counts
// as absent, as it does for OpenAI. The readers report what does not fit, and give
// the zero value for it and for what is absent.
type object struct {
	c       *checker
	at      string
	members map[string]json.RawMessage
}

// check reads and judges a request.
func (h *Handler) check(q *Request) []Violation {
	c := &checker{}
	body, ok := c.object("", q.Body)
	if !ok {
		return c.found
	}
	q.members = body.members
	q.Model = body.text("model")
	body.need("model")
	q.Stream = body.flag("stream")
	switch q.API {
	case Chat:
		h.checkChat(body, q)
	case Responses:
		h.checkResponses(body, q)
	}
	return c.found
}

func (c *checker) object(at string, raw json.RawMessage) (object, bool) {
	o := object{c: c, at: at}
	if json.Unmarshal(raw, &o.members) != nil || o.members == nil {
		c.report(at, "Invalid type for '%s': expected an object.", at)
		return o, false
	}
	return o, true
}

// path is the place of a member.
func (o object) path(name string) string {
	if o.at == "" {
		return name
	}
	return o.at + "." + name
}

func (o object) has(name string) bool {
	raw, ok := o.members[name]
	return ok && !bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

func (o object) need(names ...string) {
	for _, name := range names {
		if !o.has(name) {
			o.c.report(o.path(name), "Missing required parameter: '%s'.", o.path(name))
		}
	}
}

// only refuses every other member.
func (o object) only(names ...string) {
	for name := range o.members {
		if !slices.Contains(names, name) {
			o.c.report(o.path(name), "Unknown parameter: '%s'.", o.path(name))
		}
	}
}

// with refuses a member that makes sense only beside another.
func (o object) with(name, other string) {
	if o.has(name) && !o.has(other) {
		o.c.report(o.path(name), "'%s' is only allowed when '%s' is specified.", name, other)
	}
}

func (o object) read(name string, into any, expected string) bool {
	if !o.has(name) {
		return false
	}
	if json.Unmarshal(o.members[name], into) != nil {
		o.c.report(o.path(name), "Invalid type for '%s': expected %s.", o.path(name), expected)
		return false
	}
	return true
}

func (o object) text(name string) (value string) {
	o.read(name, &value, "a string")
	return value
}

func (o object) flag(name string) (value bool) {
	o.read(name, &value, "a boolean")
	return value
}

// list is a list, which must not be empty where it is given.
func (o object) list(name string) (items []json.RawMessage) {
	if o.read(name, &items, "an array") && len(items) == 0 {
		o.c.report(o.path(name), "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", o.path(name))
	}
	return items
}

func (o object) sub(name string) (object, bool) {
	if !o.has(name) {
		return object{}, false
	}
	return o.c.object(o.path(name), o.members[name])
}

// number checks a number's bounds, both inclusive.
func (o object) number(name string, least, most float64) {
	var value float64
	if o.read(name, &value, "a number") && (value < least || value > most) {
		o.c.report(o.path(name), "Invalid '%s': expected a value between %v and %v, but got %v instead.", o.path(name), least, most, value)
	}
}

func (o object) whole(name string, least int64) {
	var value int64
	if o.read(name, &value, "an integer") && value < least {
		o.c.report(o.path(name), "Invalid '%s': integer below minimum value. Expected a value >= %d, but got %d instead.", o.path(name), least, value)
	}
}

// among is a text that has to be one of a few.
func (o object) among(name string, values ...string) string {
	value := o.text(name)
	if o.has(name) && !slices.Contains(values, value) {
		o.c.report(o.path(name), "Invalid value: %s. Supported values are: %q.", strconv.Quote(value), values)
	}
	return value
}

// matching is a text that has to fit a pattern.
func (o object) matching(name string, pattern *regexp.Regexp) string {
	value := o.text(name)
	if o.has(name) && !pattern.MatchString(value) {
		o.c.report(o.path(name), "Invalid '%s': string does not match pattern. Expected a string that matches the pattern '%s'.", o.path(name), pattern)
	}
	return value
}

// short is a text of at most so many characters, and not empty.
func (o object) short(name string, most int) string {
	value := o.text(name)
	switch n := utf8.RuneCountInString(value); {
	case n > most:
		o.c.report(o.path(name), "Invalid '%s': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", o.path(name), most, n)
	case n == 0 && o.has(name):
		o.c.report(o.path(name), "Invalid '%s': empty string. Expected a string with minimum length 1, but got an empty string instead.", o.path(name))
	}
	return value
}

// isObject reports whether a text is one JSON object.
func isObject(text string) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &members) == nil && members != nil
}

func place(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
