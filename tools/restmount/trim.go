package restmount

import "strings"

// trim leaves of a value what the paths name: members from the top, separated by dots; *
// is any name, and lists are passed through. What they do not lead to is left out.
func trim(value any, fields []string) any {
	wanted := branch{}
	for _, field := range fields {
		wanted.grow(strings.Split(field, "."))
	}
	out, _ := wanted.prune(value)
	return out
}

// branch is what is wanted below a place; an empty one is all of it.
type branch map[string]branch

func (b branch) grow(path []string) {
	if len(path) == 0 || path[0] == "" {
		return
	}
	below, has := b[path[0]]
	if has && len(below) == 0 { // all of it is wanted already
		return
	}
	if !has {
		below = branch{}
		b[path[0]] = below
	}
	if len(path) == 1 {
		clear(below)
		return
	}
	below.grow(path[1:])
}

// prune reports false if nothing of the value is wanted.
func (b branch) prune(value any) (any, bool) {
	if len(b) == 0 {
		return value, true
	}
	switch v := value.(type) {
	case []any:
		list := []any{}
		for _, one := range v {
			if left, ok := b.prune(one); ok {
				list = append(list, left)
			}
		}
		return list, true
	case map[string]any:
		left := map[string]any{}
		for name, member := range v {
			below, ok := b[name]
			if !ok {
				below, ok = b["*"]
			}
			if !ok {
				continue
			}
			if kept, ok := below.prune(member); ok {
				left[name] = kept
			}
		}
		return left, true
	}
	return nil, false
}
