package mcpmount

import (
	"fmt"
	"slices"
	"strings"

	"drawbridge/tools"
)

// verdict is what becomes of a server's list.
type verdict struct {
	offered []tools.Tool
	held    []Held
	leftOut []LeftOut
	own     map[string]listed // of those offered, by the server's own name
	print   string            // equal if the same tools are offered
}

// judge sorts a list into what is offered, held and left out. Nothing in it
// depends on the list's order.
func (m *Mount) judge(list []listed, unreadable []LeftOut, accepted map[string]Definition) verdict {
	v := verdict{own: map[string]listed{}, leftOut: slices.Clone(unreadable)}
	list, twice := unique(list)
	v.leftOut = append(v.leftOut, twice...)
	owner := owners(m.settings.Name, list)
	var prints []string
	for _, t := range list {
		name := offeredName(m.settings.Name, t.name)
		was, known := accepted[t.name]
		is := Definition{Tool: t.name, Hash: t.hash, JSON: t.raw}
		switch {
		case len(m.settings.Include) > 0 && !tools.Match(m.settings.Include, t.name):
		case owner[name] != t.name:
			v.leftOut = append(v.leftOut, LeftOut{Tool: t.name, Why: fmt.Sprintf("its name would be %q, as that of %q", name, owner[name])})
		case !known:
			v.held = append(v.held, Held{Tool: name, Why: "it is new since the server's tools were accepted", Is: is})
		case was.Hash != t.hash:
			v.held = append(v.held, Held{Tool: name, Why: "its definition changed since it was accepted", Was: was, Is: is})
		default:
			v.offered = append(v.offered, m.offer(t))
			v.own[t.name] = t
			prints = append(prints, name+" "+t.hash)
		}
	}
	slices.SortFunc(v.offered, func(a, b tools.Tool) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(prints)
	v.print = strings.Join(prints, "\n")
	return v
}

// unique drops repetitions, and names that stand for different definitions: which
// one the server would carry out is anybody's guess.
func unique(list []listed) (kept []listed, leftOut []LeftOut) {
	hashes := map[string]string{}
	conflict := map[string]bool{}
	for _, t := range list {
		if hash, seen := hashes[t.name]; seen && hash != t.hash {
			conflict[t.name] = true
		}
		hashes[t.name] = t.hash
	}
	seen := map[string]bool{}
	for _, t := range list {
		if seen[t.name] {
			continue
		}
		seen[t.name] = true
		if conflict[t.name] {
			leftOut = append(leftOut, LeftOut{Tool: t.name, Why: "the server lists it more than once, with different definitions"})
			continue
		}
		kept = append(kept, t)
	}
	slices.SortFunc(kept, func(a, b listed) int { return strings.Compare(a.name, b.name) })
	return kept, leftOut
}

// owners says which of the server's tools has each name among ours: one that bears
// it as it is, before one that was renamed to it.
func owners(mount string, list []listed) map[string]string {
	owner := map[string]string{}
	for _, t := range list {
		name := offeredName(mount, t.name)
		if _, taken := owner[name]; !taken || name == mount+tools.MountMark+t.name {
			owner[name] = t.name
		}
	}
	return owner
}
