package selection

import "strings"

// endings are taken off a word, the first that fits, if at least min bytes are
// left. An English plural, -ing, -ed, -ion and -ment is all that matters here: the
// verb of a request against the noun of a name ("notify me", notification_send).
var endings = []struct {
	text string
	min  int
}{
	{"ications", 3}, {"ication", 3}, {"ization", 3}, {"ations", 4}, {"ation", 4}, {"ments", 4}, {"ment", 4}, {"ings", 3}, {"ing", 3},
	{"ions", 4}, {"ion", 4}, {"ies", 3}, {"ied", 3}, {"ed", 3}, {"es", 3}, {"s", 2}, {"e", 3}, {"y", 3},
}

// stem is word without its ending. It only ever cuts, so it allocates nothing: that is
// why "query" loses its y instead of getting the i of "queries".
func stem(word string) string {
	if word[len(word)-1] >= 0x80 {
		return word
	}
	for _, ending := range endings {
		rest, found := strings.CutSuffix(word, ending.text)
		if found && len(rest) >= ending.min && cuttable(rest, ending.text) {
			return single(trim(rest, ending.text))
		}
	}
	return single(word)
}

// cuttable tells an ending from letters that merely look like one.
func cuttable(rest, ending string) bool {
	last := rest[len(rest)-1]
	switch ending {
	case "s":
		return last != 's' && last != 'u' && !strings.HasSuffix(rest, "si") // access, status, analysis
	case "es":
		return last != 's' || strings.HasSuffix(rest, "ss") // cases keeps its e for trim, addresses does not
	case "y":
		return !vowel(last) // deploy, survey
	case "ing", "ings", "ed":
		return strings.ContainsAny(rest, "aeiouy") && last != 'e' // string, feed
	}
	return true
}

// trim makes "issues" (issue+s) end like "issue", and "querying" like "query".
func trim(rest, ending string) string {
	last := len(rest) - 1
	switch ending {
	case "s":
		if last > 2 {
			return strings.TrimSuffix(rest, "e")
		}
	case "ing", "ings":
		if last > 2 && rest[last] == 'y' && !vowel(rest[last-1]) {
			return rest[:last]
		}
	}
	return rest
}

// single undoes a doubled last consonant: planning, cancelled; and so bill as billing.
func single(word string) string {
	n := len(word)
	if n > 3 && word[n-1] == word[n-2] && !vowel(word[n-1]) {
		return word[:n-1]
	}
	return word
}

func vowel(c byte) bool { return strings.IndexByte("aeiou", c) >= 0 }
