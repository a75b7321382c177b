package selection

import (
	"cmp"
	"slices"
	"strings"
)

// maxMisses is how many entries in a row may not fit before the basket counts as full: each costs
// a count, and what would still fit comes after so many better matches that it hardly helps.
const maxMisses = 32

// basket is a request being filled.
type basket struct {
	counts            *counts
	in                []bool // by entry
	functions, tokens int    // the room left
}

func (x *Index) basket(q Query) *basket {
	limits := q.Limits
	if limits.Functions == 0 {
		limits.Functions = DefaultFunctions
	}
	if limits.Tokens == 0 {
		limits.Tokens = DefaultTokens
	}
	return &basket{
		counts:    x.counts,
		in:        make([]bool, len(x.entries)),
		functions: limits.Functions - q.Reserved,
		tokens:    limits.Tokens - q.ReservedTokens,
	}
}

// add puts entry i in, and says whether it is in.
func (b *basket) add(i int) bool {
	if b.in[i] {
		return true
	}
	if b.functions <= 0 {
		return false
	}
	tokens, fits := b.counts.within(i, b.tokens)
	if fits {
		b.in[i] = true
		b.functions--
		b.tokens -= tokens
	}
	return fits
}

// fill adds entries in the order given until the limits are reached.
func (b *basket) fill(order []int) {
	misses := 0
	for _, i := range order {
		if b.functions <= 0 || misses == maxMisses {
			return
		}
		if b.add(i) {
			misses = 0
		} else {
			misses++
		}
	}
}

// overview is all entries, one of each system in turn, the shortest definitions first: as
// many different things as possible.
func (x *Index) overview() []int {
	order := make([]int, len(x.entries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(len(x.entries[a].Definition), len(x.entries[b].Definition))
	})
	turn := make([]int, len(order)) // by entry: how many of its system come before it
	seen := map[string]int{}
	for _, i := range order {
		system := x.entries[i].system()
		turn[i] = seen[system]
		seen[system]++
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(turn[a], turn[b]) })
	return order
}

// system is the mounted server of an entry: what stands before "__" in its name, "" without.
func (e *Entry) system() string {
	system, _, found := strings.Cut(e.name(), "__")
	if !found {
		return ""
	}
	return system
}

// name is the name with the words in it: a function's name may be a shortened form.
func (e *Entry) name() string {
	if e.Tool != "" {
		return e.Tool
	}
	return e.Name
}
