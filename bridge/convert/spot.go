package convert

import (
	"strconv"
	"strings"
)

// spot is a place in arguments.
type spot struct {
	up    *spot
	name  string // "" for an item
	index int
	value *value // what stands there
}

func (s *spot) member(name string, v *value) *spot {
	return &spot{up: s, name: name, index: -1, value: v}
}

func (s *spot) item(i int, v *value) *spot { return &spot{up: s, index: i, value: v} }

// String spells a place as customer.email or to[1]; the whole is "arguments".
func (s *spot) String() string {
	if s == nil || s.up == nil {
		return "arguments"
	}
	const deepest = 40
	var steps []string
	for ; s.up != nil && len(steps) < deepest; s = s.up {
		steps = append(steps, s.step())
	}
	var b strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		b.WriteString(steps[i])
	}
	return strings.TrimPrefix(b.String(), ".")
}

func (s *spot) step() string {
	if s.index >= 0 {
		return "[" + strconv.Itoa(s.index) + "]"
	}
	name := cut(s.name, 64)
	if name == "" || strings.ContainsAny(name, ".[] \"\n") {
		return "[" + quote(name) + "]"
	}
	return "." + name
}
