package openai

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// callPiece is what a chunk says of one call: in a stream some of it, in an answer
// of one piece all.
type callPiece struct {
	Index    *int   `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string `json:"name"`
		Arguments loose  `json:"arguments"`
	} `json:"function"`
	Mark json.RawMessage `json:"extra_content"` // see echo
}

// loose is a string, or any other JSON value as its own text: some servers send
// arguments as the object they describe.
type loose string

func (l *loose) UnmarshalJSON(raw []byte) error {
	switch {
	case raw[0] == '"':
		return json.Unmarshal(raw, (*string)(l))
	case string(raw) != "null":
		*l = loose(raw)
	}
	return nil
}

// calls puts calls together from their pieces.
//
// A piece belongs to the call of its index. Not all servers keep to that: some leave
// the index out, some say 0 for each of several calls, some repeat the id and the
// name in each piece, or make up a new id for each.
type calls struct {
	all  []*assembled
	last *assembled // that the latest piece belonged to
}

type assembled struct {
	index     int
	id, name  string
	mark      json.RawMessage
	arguments strings.Builder
}

func (c *calls) add(p callPiece) {
	call := c.of(p)
	if call == nil {
		call = &assembled{index: len(c.all)}
		if p.Index != nil {
			call.index = *p.Index
		}
		c.all = append(c.all, call)
	}
	c.last = call
	if call.id == "" {
		call.id = p.ID
	}
	if p.Function.Name != call.name { // else it is repeated
		call.name += p.Function.Name
	}
	if len(p.Mark) > 0 && string(p.Mark) != "null" {
		call.mark = p.Mark
	}
	call.arguments.WriteString(string(p.Function.Arguments))
}

// of finds the call that a piece belongs to, nil for a new one.
func (c *calls) of(p callPiece) *assembled {
	call := c.last
	switch {
	case p.Index != nil:
		call = c.latest(func(a *assembled) bool { return a.index == *p.Index })
	case p.ID != "":
		call = c.latest(func(a *assembled) bool { return a.id == p.ID })
	}
	if call == nil || begins(p, call) && (call.ended() || call.other(p)) {
		return nil
	}
	return call
}

// latest finds the last call that fits. There are few.
func (c *calls) latest(fits func(*assembled) bool) *assembled {
	for _, call := range slices.Backward(c.all) {
		if fits(call) {
			return call
		}
	}
	return nil
}

// ended reports whether nothing can follow the call's arguments.
func (a *assembled) ended() bool { return json.Valid([]byte(a.arguments.String())) }

// other reports whether a piece is plainly not of this call, which takes no arguments.
func (a *assembled) other(p callPiece) bool {
	return a.arguments.Len() == 0 && a.id != "" && p.ID != "" && a.name != "" && p.Function.Name != a.name
}

// begins reports whether a piece that would go to the call looks like the first one
// of another: it has a name and not the same id.
func begins(p callPiece, call *assembled) bool {
	return p.Function.Name != "" && (p.ID != call.id || p.ID == "")
}

// marks are those of the calls, in the order of the list.
func (c *calls) marks() []json.RawMessage {
	var out []json.RawMessage
	for _, a := range c.all {
		out = append(out, a.mark)
	}
	return out
}

// list gives the calls in the order of their indexes.
func (c *calls) list() []Call {
	slices.SortStableFunc(c.all, func(a, b *assembled) int { return cmp.Compare(a.index, b.index) })
	var out []Call
	for _, a := range c.all {
		out = append(out, Call{ID: a.id, Name: a.name, Arguments: a.arguments.String()})
	}
	return out
}
