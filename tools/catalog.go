package tools

import (
	"fmt"
	"slices"
	"strings"
)

// Catalog is the fixed, ordered set of tools of one process. Its order is by
// name, so that lists are the same between requests and restarts.
type Catalog struct {
	list   []Tool
	byName map[string]Tool
}

// NewCatalog gathers the tools of several families. Two tools of one name are the
// programmer's mistake: NewCatalog panics.
func NewCatalog(families ...[]Tool) *Catalog {
	c := &Catalog{byName: map[string]Tool{}}
	for _, family := range families {
		for _, tool := range family {
			if _, taken := c.byName[tool.Name]; taken {
				panic(fmt.Sprintf("tools: two tools are named %q", tool.Name))
			}
			c.byName[tool.Name] = tool
			c.list = append(c.list, tool)
		}
	}
	slices.SortFunc(c.list, func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
	return c
}

// All lists every tool by name. The slice is the catalog's own: do not change it.
func (c *Catalog) All() []Tool { return c.list }

// Lookup finds a tool by its exact name.
func (c *Catalog) Lookup(name string) (Tool, bool) {
	tool, ok := c.byName[name]
	return tool, ok
}

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
