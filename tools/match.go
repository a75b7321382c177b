package tools

import (
	"slices"
	"strings"
)

// Match reports whether name fits any of the patterns. A pattern is a name in
// which * stands for any run of characters: "crm_*", "*_get_*", "*".
func Match(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matchOne(p, name) })
}

func matchOne(pattern, name string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	parts := strings.Split(rest, "*")
	last := parts[len(parts)-1]
	for _, part := range parts[:len(parts)-1] {
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name = name[at+len(part):]
	}
	return strings.HasSuffix(name, last)
}
