package guard

import (
	"cmp"
	"slices"
	"strings"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

// missingScopes are the scopes that a token would have to have for the tool: those that it has, so
// that who asks for another does not lose them, and the narrowest that would do. Nil if no
// scope would: then the tool is none that its holder will ever see, and is not spoken of.
func missingScopes(p auth.Principal, tool *guarded, name string) []string {
	if tool == nil {
		return nil
	}
	var best *auth.Opening
	for i := range p.Openings {
		o := &p.Openings[i]
		if may(p.Widened(*o), tool, name) && (best == nil || narrower(*o, *best, name) < 0) {
			best = o
		}
	}
	if best == nil {
		return nil
	}
	scopes := append(slices.Clone(p.Scopes), best.Scope)
	slices.Sort(scopes)
	return scopes
}

// may reports whether the principal may call the tool.
func may(p auth.Principal, tool *guarded, name string) bool {
	return permitted(p, name, tool.Effect) && p.MayEffect(string(tool.Effect)) && (!tool.ForClients || talks(p))
}

// narrower compares two scopes that both would do: by how few effects they open, then by how
// exactly they name the tool. They are in the order of their names.
func narrower(a, b auth.Opening, tool string) int {
	return cmp.Or(cmp.Compare(len(a.Effects), len(b.Effects)), cmp.Compare(exactness(b, tool), exactness(a, tool)))
}

// exactness is how many characters of a tool's name a scope gives.
func exactness(o auth.Opening, tool string) (most int) {
	for _, pattern := range o.Tools {
		if tools.Match([]string{pattern}, tool) {
			most = max(most, len(strings.ReplaceAll(pattern, "*", "")))
		}
	}
	return most
}
