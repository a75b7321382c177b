package selection

import (
	"cmp"
	"slices"
)

// scored is an entry that matches a query.
type scored struct {
	entry int
	score float32
}

// rank is the entries that match any of concepts, best first; equals by name.
func (p *postings) rank(concepts []concept) []scored {
	scores := make([]float32, p.entries)
	best := make([]float32, p.entries) // of the concept at hand
	var touched []int32
	for _, c := range concepts {
		touched = touched[:0]
		for _, s := range c.stems {
			for _, at := range p.where[s.id] {
				if best[at.entry] == 0 {
					touched = append(touched, at.entry)
				}
				best[at.entry] = max(best[at.entry], s.weight*at.weight)
			}
		}
		for _, entry := range touched {
			scores[entry] += c.weight * best[entry]
			best[entry] = 0
		}
	}
	var ranked []scored
	for entry, score := range scores {
		if score > 0 {
			ranked = append(ranked, scored{entry, score})
		}
	}
	slices.SortFunc(ranked, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.entry, b.entry))
	})
	return ranked
}
