package selection

import (
	"cmp"
	"slices"
)

// What of a query is looked at, so that a conversation of megabytes costs no more than a page.
const (
	maxMessages = 12       // the latest
	maxText     = 16 << 10 // bytes of a message: half from its beginning, half from its end
	maxConcepts = 64       // the weightiest
	maxMisspelt = 24       // unknown words for which a known one is sought
)

// Weights of words in a query, against 1 for one that stands in the request as it is.
const (
	agedBy   = 0.6  // a message against the one that follows it
	midway   = 0.5  // a word in the middle of a long message: what to do is said first or last
	edge     = 60   // words from the beginning or the end count as first or last
	similar  = 0.45 // a synonym or a translation
	misspelt = 0.7
)

// concept is a word that was said, with the stems that may stand for it. An entry
// counts by the best of them, so that a word with many synonyms is still one word.
type concept struct {
	weight float32
	stems  []stemWeight
}

type stemWeight struct {
	id     int32
	weight float32
}

// concepts makes weighted concepts of what was said, oldest message first: the weightiest, in a
// fixed order.
func (p *postings) concepts(messages []string) []concept {
	said := map[string]float32{}
	age := float32(1)
	for n, i := 0, len(messages)-1; i >= 0 && n < maxMessages; n, i = n+1, i-1 {
		p.hear(said, messages[i], age)
		age *= agedBy
	}
	var all []concept
	unknown := maxMisspelt
	for _, stem := range sortedKeys(said) {
		weight := said[stem]
		c := concept{weight: 2 * weight / (1 + weight), stems: p.alternatives(stem, &unknown)}
		if len(c.stems) > 0 {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b concept) int { return cmp.Compare(p.worth(b), p.worth(a)) })
	return all[:min(len(all), maxConcepts)]
}

// worth is what the best match of a concept could bring an entry.
func (p *postings) worth(c concept) float32 {
	best := float32(0)
	for _, s := range c.stems {
		best = max(best, s.weight*p.idf[s.id])
	}
	return c.weight * best
}

// hear adds the words of one message to said. A compound counts as a whole if some entry has it,
// and else by its parts.
func (p *postings) hear(said map[string]float32, text string, weight float32) {
	type heard struct {
		stem   string
		weight float32
	}
	var all []heard
	for _, half := range ends(text) {
		for whole, parts := range words(half) {
			if _, known := p.ids[whole]; known || len(parts) == 0 {
				all = append(all, heard{whole, weight})
				continue
			}
			for _, part := range parts {
				if part != "" {
					all = append(all, heard{part, weight})
				}
			}
		}
	}
	for i, h := range all {
		if i >= edge && i < len(all)-edge {
			h.weight *= midway
		}
		said[h.stem] += h.weight
	}
}

// ends is a text, or the beginning and the end of one that is too long.
func ends(text string) []string {
	if len(text) <= maxText {
		return []string{text}
	}
	return []string{text[:maxText/2], text[len(text)-maxText/2:]}
}

// alternatives are the stems of the index by which a stem is found: itself, its synonyms, and if the
// index has neither, those it may be a misspelling of.
func (p *postings) alternatives(stem string, unknown *int) []stemWeight {
	var all []stemWeight
	own, known := p.ids[stem]
	if known {
		all = append(all, stemWeight{own, 1})
	}
	near := lexicon().near[stem]
	for _, other := range near {
		id, ok := p.ids[other]
		if !ok {
			continue
		}
		weight := float32(similar)
		if known && p.idf[id] > p.idf[own] {
			weight *= p.idf[own] / p.idf[id] // a rare synonym of a common word says no more than the word
		}
		all = append(all, stemWeight{id, weight})
	}
	if !known && len(near) == 0 && *unknown > 0 {
		*unknown--
		all = p.misspelt(stem)
	}
	return all
}
