package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// mostSteps bounds a path: each step reads the value before it once, and a hostile
// result may be thousands of levels deep.
const mostSteps = 64

// step goes into a member of an object or an element of a list.
type step struct {
	name   string
	quoted bool // never an index
	end    int  // of the step, in the path
}

// valueAt gives the JSON text of the value at a path of a result. Errors say what
// there is instead.
func valueAt(text, path string) (string, error) {
	steps, err := parsePath(path)
	if err != nil {
		return "", err
	}
	if !json.Valid([]byte(text)) {
		return "", errors.New("the result is not JSON: leave path null and read it by offset and length")
	}
	value, from := json.RawMessage(text), "the whole"
	for _, s := range steps {
		if value, err = s.into(value); err != nil {
			return "", fmt.Errorf("%s %w", from, err)
		}
		from = path[:s.end]
	}
	return string(bytes.TrimSpace(value)), nil
}

// into takes the step. Its error goes on from the name of the value.
func (s step) into(value json.RawMessage) (json.RawMessage, error) {
	switch value = bytes.TrimSpace(value); value[0] {
	case '{':
		all := members(value)
		for i := len(all) - 1; i >= 0; i-- { // of members of one name the last counts
			if all[i].name == s.name {
				return all[i].value, nil
			}
		}
		return nil, fmt.Errorf("is an object without the key %q; %s", opening(s.name), keysOf(all))
	case '[':
		var all []json.RawMessage
		json.Unmarshal(value, &all) // it is valid
		i, err := strconv.Atoi(s.name)
		if s.quoted || err != nil || i < 0 || i >= len(all) {
			return nil, fmt.Errorf("is a list; %s, and %q is none of them", indices(len(all)), opening(s.name))
		}
		return all[i], nil
	}
	return nil, fmt.Errorf("is the value %s, with nothing inside", opening(string(value)))
}

// member is one member of an object.
type member struct {
	name  string
	value json.RawMessage
}

// members lists those of a valid object in their order.
func members(object json.RawMessage) []member {
	d := json.NewDecoder(bytes.NewReader(object))
	d.Token() // the brace
	var out []member
	for d.More() {
		name, _ := d.Token()
		m := member{name: name.(string)}
		if d.Decode(&m.value) != nil {
			break // too deep for the decoder
		}
		out = append(out, m)
	}
	return out
}

// keysOf names the first keys of an object, as they are written in a path.
func keysOf(all []member) string {
	const most = 300 // bytes
	if len(all) == 0 {
		return "it has no keys"
	}
	var out strings.Builder
	out.WriteString("its keys are ")
	for i, m := range all {
		if out.Len() > most {
			fmt.Fprintf(&out, " and %d more", len(all)-i)
			break
		}
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString(inPath(m.name))
	}
	return out.String()
}

func indices(n int) string {
	switch n {
	case 0:
		return "it is empty"
	case 1:
		return "its only index is 0"
	}
	return fmt.Sprintf("its indices are 0 to %d", n-1)
}

// inPath is a key as it stands in a path.
func inPath(key string) string {
	if key != "" && key[0] != '$' && !strings.ContainsAny(key, ".[]\"' \t\r\n") {
		return opening(key)
	}
	return "[" + string(encode(opening(key))) + "]"
}

// outlineOf says, behind the offset to read on from, what else can be read of a
// result that is JSON, "" of any other.
func outlineOf(text string) string {
	value := json.RawMessage(strings.TrimSpace(text))
	if len(value) == 0 || !json.Valid(value) {
		return ""
	}
	switch value[0] {
	case '{':
		return ", or by a path into this JSON object: " + keysOf(members(value))
	case '[':
		var all []json.RawMessage
		json.Unmarshal(value, &all)
		return ", or by a path into this JSON list: " + indices(len(all))
	}
	return ""
}

// parsePath reads a path: keys and indices with points between them (items.0.name),
// in brackets (items[0]["full name"]) or, where a key has points of its own, in
// quotes. A $ for the whole may stand before it, as in JSONPath.
func parsePath(path string) ([]step, error) {
	var steps []step
	at := 0
	if rest := strings.TrimPrefix(path, "$"); rest != path && (rest == "" || rest[0] == '.' || rest[0] == '[') {
		at = 1
	}
	for at < len(path) {
		if len(steps) == mostSteps {
			return nil, fmt.Errorf("it has more than %d steps; read a part of the way and go on from what you find", mostSteps)
		}
		s, err := parseStep(path, at)
		if err != nil {
			return nil, fmt.Errorf("%w at byte %d of it; write keys and indices like items.0.name or items[0][\"full name\"]", err, at)
		}
		steps, at = append(steps, s), s.end
	}
	return steps, nil
}

// parseStep reads the step that begins at a byte of the path.
func parseStep(path string, at int) (step, error) {
	switch {
	case path[at] == '[':
		s, err := parseName(path, at+1, "]")
		if err != nil {
			return step{}, err
		}
		if s.end == len(path) || path[s.end] != ']' {
			return step{}, errors.New("a bracket is not closed")
		}
		s.end++
		return s, nil
	case path[at] == '.':
		return parseName(path, at+1, ".[")
	case at == 0:
		return parseName(path, 0, ".[")
	}
	return step{}, errors.New("a point or a bracket is missing")
}

// parseName reads a key or an index, quoted or up to one of the ends.
func parseName(path string, at int, ends string) (step, error) {
	if at < len(path) && (path[at] == '"' || path[at] == '\'') {
		return parseQuoted(path, at)
	}
	end := at + strings.IndexAny(path[at:]+ends[:1], ends)
	if end == at {
		return step{}, errors.New("a key or an index is missing")
	}
	return step{name: path[at:end], end: end}, nil
}

// parseQuoted reads a key in quotes: of double ones a JSON text, in single ones a
// backslash stands before a quote or another backslash.
func parseQuoted(path string, at int) (step, error) {
	var plain strings.Builder
	quote := path[at]
	for i := at + 1; i < len(path); i++ {
		switch {
		case path[i] == quote:
			s := step{name: plain.String(), quoted: true, end: i + 1}
			if quote == '"' && json.Unmarshal([]byte(path[at:s.end]), &s.name) != nil {
				return step{}, errors.New("a key in double quotes is no JSON text")
			}
			return s, nil
		case path[i] == '\\' && i+1 < len(path):
			i++
		}
		plain.WriteByte(path[i])
	}
	return step{}, errors.New("a quote is not closed")
}
