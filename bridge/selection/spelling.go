package selection

import "unicode/utf8"

// misspelt are the stems that word may be a misspelling of: the nearest ones that begin
// with the same letter, one mistake away, two if the word is long.
func (p *postings) misspelt(word string) []stemWeight {
	allowed := len(word) / 4
	if allowed == 0 || len(word) > maxWord || utf8.RuneCountInString(word) != len(word) {
		return nil
	}
	nearest := min(allowed, 2)
	var all []stemWeight
	for _, id := range p.initials[word[0]] {
		other := p.stems[id]
		if d := len(other) - len(word); d > nearest || d < -nearest || len(other) > maxWord {
			continue
		}
		switch d := distance(word, other); {
		case d < nearest:
			nearest, all = d, append(all[:0], stemWeight{id, misspelt})
		case d == nearest:
			all = append(all, stemWeight{id, misspelt})
		}
	}
	return all
}

// distance is how many letters must be added, removed, replaced or swapped with their neighbour
// to make b of a (optimal string alignment). Both are at most maxWord bytes long.
func distance(a, b string) int {
	var rows [3][maxWord + 1]int
	before, above, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := above[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(above[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
