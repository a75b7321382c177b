package chatapi

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"drawbridge/server/apierror"
	"drawbridge/server/apihttp"
)

// reading is one request being read. The first thing that is wrong ends it: all
// that is read afterwards is empty.
type reading struct{ err *apierror.Error }

func (r *reading) wrong(param, code, format string, arguments ...any) {
	if r.err == nil {
		r.err = apierror.Invalid(param, code, format, arguments...)
	}
}

// object is a JSON object whose members are taken one by one, by their exact names.
type object struct {
	*reading
	at      string // "messages[2].", "" for the request itself
	members map[string]json.RawMessage
	names   []string // in their order
}

// read takes an object apart. at is where it stands. Members that are null count as
// absent.
func (r *reading) read(at string, raw json.RawMessage) object {
	o := object{reading: r, members: map[string]json.RawMessage{}}
	if at != "" {
		o.at = at + "."
	}
	if r.err != nil {
		return o
	}
	apart, err := apihttp.TakeApart(raw)
	switch {
	case errors.Is(err, apihttp.ErrNotObject):
		r.wrong(at, "invalid_type", "%s is not an object", named(at))
	case err != nil:
		r.wrong(at, "invalid_json", "%s is not a JSON object", named(at))
	case apart.Doubled:
		r.wrong(o.at+shown(apart.Twice), "invalid_value", "%s is there twice", o.at+shown(apart.Twice))
	}
	o.members = apart.Members
	o.names = slices.DeleteFunc(apart.Names, func(name string) bool { return string(o.members[name]) == "null" })
	return o
}

// take removes a member and gives it, nil if it is absent.
func (o *object) take(name string) json.RawMessage {
	at := slices.Index(o.names, name)
	if at < 0 || o.err != nil {
		return nil
	}
	o.names = slices.Delete(o.names, at, at+1)
	return o.members[name]
}

// done refuses whatever was not taken, but for what is empty: clients send members
// that they have no value for, and these ask for nothing.
func (o *object) done() {
	for _, name := range o.names {
		if !blankValue(o.members[name]) {
			path := o.at + shown(name)
			o.wrong(path, "unknown_parameter", "%s is not known here; take it out of the request", path)
		}
	}
}

// empty reports whether the member is absent or holds nothing.
func (o *object) empty(name string) bool {
	return !slices.Contains(o.names, name) || blankValue(o.members[name])
}

// blankValue reports whether a value is an empty string, list or object.
func blankValue(raw json.RawMessage) bool {
	switch string(compacted(raw)) {
	case `""`, "[]", "{}":
		return true
	}
	return false
}

// refuse refuses members that OpenAI has and we cannot honour.
func (o *object) refuse(why string, names ...string) {
	for _, name := range names {
		if o.take(name) != nil {
			o.wrong(o.at+name, "unsupported_parameter", "%s is not supported: %s", o.at+name, why)
		}
	}
}

// need reports whether the member is there, and refuses a request without it.
func (o *object) need(name string) bool {
	if !slices.Contains(o.names, name) {
		o.wrong(o.at+name, "missing_required_parameter", "%s is missing", o.at+name)
	}
	return o.err == nil
}

// text takes a string of at most so many characters.
func (o *object) text(name string, most int) string {
	raw := o.take(name)
	if raw == nil {
		return ""
	}
	var text string
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		o.wrong(o.at+name, "invalid_type", "%s is not a string", o.at+name)
	}
	if len(text) > most && utf8.RuneCountInString(text) > most {
		o.wrong(o.at+name, "string_above_max_length", "%s has more than %d characters", o.at+name, most)
	}
	return text
}

// oneOf takes a string that is one of a few; "" if it is absent.
func (o *object) oneOf(name string, values ...string) string {
	present := slices.Contains(o.names, name)
	text := o.text(name, math.MaxInt)
	if present && !slices.Contains(values, text) {
		o.wrong(o.at+name, "invalid_value", "%s is %q; it may be one of %q", o.at+name, shown(text), values)
	}
	return text
}

// decimal takes a number within bounds, nil if it is absent.
func (o *object) decimal(name string, least, most float64) *float64 {
	raw := o.take(name)
	if raw == nil {
		return nil
	}
	var n float64
	switch err := json.Unmarshal(raw, &n); {
	case err != nil:
		o.wrong(o.at+name, "invalid_type", "%s is not a number", o.at+name)
	case n < least || n > most:
		o.wrong(o.at+name, "invalid_value", "%s is %v; it may be %v to %v", o.at+name, n, least, most)
	}
	return &n
}

// integer takes a whole number of at least so much, nil if it is absent.
func (o *object) integer(name string, least int64) *int64 {
	raw := o.take(name)
	if raw == nil {
		return nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	switch {
	case err != nil:
		o.wrong(o.at+name, "invalid_type", "%s is not a whole number", o.at+name)
	case n < least:
		o.wrong(o.at+name, "invalid_value", "%s is %d; it may be %d or more", o.at+name, n, least)
	}
	return &n
}

// flag takes true or false, nil if it is absent.
func (o *object) flag(name string) *bool {
	raw := o.take(name)
	if raw == nil {
		return nil
	}
	set := string(raw) == "true"
	if !set && string(raw) != "false" {
		o.wrong(o.at+name, "invalid_type", "%s is not true or false", o.at+name)
	}
	return &set
}

// list takes a list of at most so many, nil if it is absent.
func (o *object) list(name string, most int) []json.RawMessage {
	raw := o.take(name)
	if raw == nil {
		return nil
	}
	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		o.wrong(o.at+name, "invalid_type", "%s is not a list", o.at+name)
	}
	if len(items) > most {
		o.wrong(o.at+name, "array_above_max_length", "%s has %d items; it may have %d", o.at+name, len(items), most)
		return nil
	}
	return items
}

// inside takes a member that is an object.
func (o *object) inside(name string) (object, bool) {
	raw := o.take(name)
	if raw == nil {
		return object{reading: o.reading}, false
	}
	return o.read(o.at+name, raw), o.err == nil
}
