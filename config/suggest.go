package config

import "strings"

// suggestion says which of the known names was probably meant, or all of them if
// none is near.
func suggestion(name string, known []string) string {
	best, nearest := "", min(len(name), 1+max(2, len(name)/3))
	for _, candidate := range known {
		if d := distance(strings.ToLower(name), candidate); d < nearest {
			best, nearest = candidate, d
		}
	}
	switch {
	case best != "":
		return "did you mean " + quote(best) + "?"
	case len(known) == 0:
		return "there are none"
	}
	return "there are " + strings.Join(known, ", ")
}

// distance counts the characters to add, drop or replace to make b of a
// (Levenshtein, one row at a time).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
