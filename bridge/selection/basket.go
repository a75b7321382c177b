package selection

import (
	"cmp"
	"slices"
	"strings"
)

// How the room is divided. The best matches go in whatever they cost. After them no
// definition may take more than its share of the room that is left as long as there are
// smaller ones: one large schema would displace ten functions, one of which is more likely right.
const (
	unquestioned = 3 // how many are the best
	share        = 5 // the others take at most one in so many of the tokens left

	// So many entries in a row may be passed over before the basket counts as full: each costs a
	// count, and what would still fit comes after so many better matches that it hardly helps.
	maxMisses = 32
)

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

// add puts entry i in if the room takes it, and says whether it is in.
func (b *basket) add(i int) bool { return b.addWithin(i, b.tokens) }

// addWithin does so only if the entry costs at most so many tokens.
func (b *basket) addWithin(i, tokens int) bool {
	if b.in[i] {
		return true
	}
	if b.functions <= 0 {
		return false
	}
	cost, fits := b.counts.within(i, tokens)
	if fits {
		b.in[i] = true
		b.functions--
		b.tokens -= cost
	}
	return fits
}

// fill adds entries, the best first, until the limits are reached.
func (b *basket) fill(order []int) {
	var large []int // passed over
	misses := 0
	for rank, i := range order {
		room := b.tokens
		if rank >= unquestioned {
			room /= share
		}
		if b.addWithin(i, room) {
			misses = 0
			continue
		}
		large = append(large, i)
		if misses++; misses == maxMisses {
			break
		}
	}
	for _, i := range large {
		b.add(i)
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
