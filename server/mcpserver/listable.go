package mcpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"drawbridge/tools"
)

// One tool whose schema is not what MCP allows there makes many clients refuse the
// whole list. Others' schemas are therefore mended on the way to the list, no more
// than that takes; the guard, which checks arguments, uses the schema as it came.

// maxListedDepth is how many levels a listed schema may have. The JSON reader of the
// Python SDK gives up at 200, and the list itself adds a few.
const maxListedDepth = 128

var anyObject = json.RawMessage(`{"type":"object"}`)

// readByClients are the keywords that clients read into types of their own.
var readByClients = []string{"type", "properties", "required", "$schema", "$defs", "definitions", "additionalProperties"}

// listableInput is the schema as MCP wants it (2025-11-25, schema, Tool): an object
// that says type "object", whose properties are objects and whose required are
// strings. Of what is no such schema at all, "object" is all that is listed.
func listableInput(raw json.RawMessage) json.RawMessage {
	raw = tools.WellFormed(raw)
	all, err := membersOf(raw)
	if err != nil || depth(raw) > maxListedDepth {
		return anyObject
	}
	changed, typed := false, false
	for i := range all {
		m := &all[i]
		was := m.value
		switch m.name {
		case "type":
			if typed = true; !mayBeObject(m.value) {
				return anyObject
			}
			m.value = json.RawMessage(`"object"`)
		case "properties":
			m.value = listableProperties(m.value)
		case "required":
			m.value = stringsOnly(m.value)
		case "$schema":
			if json.Unmarshal(m.value, new(string)) != nil {
				m.value = nil
			}
		case "$defs", "definitions":
			if m.value[0] != '{' {
				m.value = nil
			}
		case "additionalProperties":
		default:
			// A client in Go reads names without regard to case, and takes this one for
			// the keyword.
			if slices.ContainsFunc(readByClients, func(keyword string) bool { return strings.EqualFold(keyword, m.name) }) {
				m.value = nil
			}
		}
		changed = changed || !bytes.Equal(was, m.value)
	}
	if !typed {
		all, changed = append([]member{{name: "type", value: json.RawMessage(`"object"`)}}, all...), true
	}
	if !changed {
		return raw
	}
	return joined(all)
}

// listableOutput is the schema if it promises an object, else nil: a client would
// hold results against any other.
func listableOutput(raw json.RawMessage) json.RawMessage {
	raw = tools.WellFormed(raw)
	var root struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(raw, &root) != nil || root.Type != "object" || depth(raw) > maxListedDepth {
		return nil
	}
	if !bytes.Equal(listableInput(raw), raw) {
		return nil // mended, it would promise something else
	}
	return raw
}

// mayBeObject reports whether a type is "object", or a list with it.
func mayBeObject(raw json.RawMessage) bool {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one == "object"
	}
	var several []json.RawMessage
	if json.Unmarshal(raw, &several) != nil {
		return false
	}
	for _, item := range several {
		if json.Unmarshal(item, &one) == nil && one == "object" {
			return true
		}
	}
	return false
}

// listableProperties has each property's schema as an object: {} for true, which
// allows anything, and {"not":{}} for false, which allows nothing. Nil if there are
// no properties in it.
func listableProperties(raw json.RawMessage) json.RawMessage {
	all, err := membersOf(raw)
	if err != nil {
		return nil
	}
	changed := false
	for i := range all {
		switch value := all[i].value; {
		case value[0] == '{':
		case string(value) == "false":
			all[i].value, changed = json.RawMessage(`{"not":{}}`), true
		default:
			all[i].value, changed = json.RawMessage(`{}`), true
		}
	}
	if !changed {
		return raw
	}
	return joined(all)
}

// stringsOnly is a list without what is no string in it, nil if it is no list.
func stringsOnly(raw json.RawMessage) json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil
	}
	kept := make([]json.RawMessage, 0, len(items))
	for _, item := range items {
		if item[0] == '"' {
			kept = append(kept, item)
		}
	}
	if len(kept) == len(items) && items != nil {
		return raw
	}
	list, _ := json.Marshal(kept) // valid JSON in, valid JSON out
	return list
}

// member is one member of an object, with its value as it was written. Without a
// value it is to be left out.
type member struct {
	name  string
	value json.RawMessage
}

var errNoObject = errors.New("not a JSON object")

// membersOf splits a JSON object into its members, in their order.
func membersOf(raw json.RawMessage) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') || !json.Valid(raw) {
		return nil, errNoObject
	}
	var all []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		all = append(all, member{name: name.(string), value: value}) // a key is always a string
	}
	return all, nil
}

// joined writes members as an object.
func joined(all []member) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, m := range all {
		if m.value == nil {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(m.name) // strings always encode
		b.Write(name)
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// depth is how many levels of objects and arrays valid JSON has.
func depth(raw json.RawMessage) int {
	level, deepest, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\\':
			i++ // only within strings
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}
