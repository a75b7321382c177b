package guard

import "strings"

// nearest is the known name that was probably meant by an unknown one, "" if none
// is close: at most a third of its characters may differ.
func nearest(name string, known []string) string {
	if len(name) > maxName {
		return ""
	}
	plain := plainName(name)
	best, fewest := "", len(plain)/3+1
	for _, candidate := range known {
		if len(candidate) > maxName {
			continue
		}
		if d := distance(plain, plainName(candidate)); d < fewest {
			best, fewest = candidate, d
		}
	}
	return best
}

// plainName drops case and separators: dueDate, due-date and due_date are one word.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		case r == '_' || r == '-' || r == ' ' || r == '.':
			return -1
		}
		return r
	}, name)
}

// distance counts the characters to insert, delete or replace to get from a to b.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			replace := diagonal
			if r != s {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
