package strictrules

import (
	"encoding/json"
	"unicode/utf8"
)

type kind byte

const (
	object kind = iota
	array
	text
	number
	boolean
	null
)

// node is a JSON value that remembers the order of its members.
type node struct {
	kind    kind
	raw     string // as written; of text, with its quotes
	members []member
	items   []node
}

type member struct {
	name  string
	value node
}

// read makes a tree of JSON. The reader below may trust its input: all that is
// not JSON is refused here.
func read(data []byte) (node, bool) {
	if !json.Valid(data) {
		return node{}, false
	}
	r := reader{data: string(data)}
	return r.value(), true
}

// reader reads valid JSON from the front.
type reader struct {
	data string
	at   int
}

func (r *reader) value() node {
	start := r.skip()
	switch r.data[r.at] {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case '"':
		return node{kind: text, raw: r.quoted()}
	case 't', 'f':
		return node{kind: boolean, raw: r.word(start)}
	case 'n':
		return node{kind: null, raw: r.word(start)}
	default:
		return node{kind: number, raw: r.word(start)}
	}
}

func (r *reader) object() node {
	n := node{kind: object, members: make([]member, 0, 4)}
	r.at++
	for r.skip(); r.data[r.at] != '}'; r.skip() {
		if r.data[r.at] == ',' {
			r.at++
			r.skip()
		}
		name := unquote(r.quoted())
		r.skip()
		r.at++ // the colon
		n.members = append(n.members, member{name, r.value()})
	}
	r.at++
	return n
}

func (r *reader) array() node {
	n := node{kind: array, items: make([]node, 0, 4)}
	r.at++
	for r.skip(); r.data[r.at] != ']'; r.skip() {
		if r.data[r.at] == ',' {
			r.at++
		}
		n.items = append(n.items, r.value())
	}
	r.at++
	return n
}

func (r *reader) quoted() string {
	start := r.at
	for r.at++; r.data[r.at] != '"'; r.at++ {
		if r.data[r.at] == '\\' {
			r.at++
		}
	}
	r.at++
	return r.data[start:r.at]
}

// word reads what ends where punctuation or space begins: a number, true, false
// or null.
func (r *reader) word(start int) string {
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
			return r.data[start:r.at]
		}
		r.at++
	}
	return r.data[start:]
}

func (r *reader) skip() int {
	for r.data[r.at] == ' ' || r.data[r.at] == '\t' || r.data[r.at] == '\n' || r.data[r.at] == '\r' {
		r.at++
	}
	return r.at
}

// unquote gives the string that a JSON string means.
func unquote(raw string) string {
	for i := range len(raw) {
		if raw[i] == '\\' || raw[i] >= utf8.RuneSelf {
			var s string
			_ = json.Unmarshal([]byte(raw), &s) // valid: read made sure
			return s
		}
	}
	return raw[1 : len(raw)-1]
}

// get is the member of that name; of several, the last, as most readers of JSON
// see it.
func (n *node) get(name string) *node {
	for i := len(n.members) - 1; i >= 0; i-- {
		if n.members[i].name == name {
			return &n.members[i].value
		}
	}
	return nil
}

// text is the string that the node is, "" if it is none.
func (n *node) text() string {
	if n == nil || n.kind != text {
		return ""
	}
	return unquote(n.raw)
}
