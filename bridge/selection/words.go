package selection

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWord is the length in bytes of the longest word that is looked at: longer ones
// are keys, hashes and encoded data.
const maxWord = 40

// words cuts text into stems. A compound (GitHub, listRecords, oauth2) comes as a
// whole, with its parts, some of which may be empty; for any other word the parts are nil. They are
// only good until the next word. Stop words, numbers and single letters are not words.
func words(text string) iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		var parts []string
		for run := range runs(text) {
			if asian(run) {
				if !pairs(run, yield) {
					return
				}
				continue
			}
			if len(run) > maxWord {
				continue
			}
			parts = humps(parts[:0], run)
			if !emit(run, parts, yield) {
				return
			}
		}
	}
}

// runs cuts text at whatever is neither letter nor digit, and where a script without spaces
// begins and ends.
func runs(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for run := range strings.FieldsFuncSeq(text, separates) {
			start, before := 0, false
			for i, r := range run {
				if spaceless(r) != before && i > start {
					if !yield(run[start:i]) {
						return
					}
					start = i
				}
				before = spaceless(r)
			}
			if !yield(run[start:]) {
				return
			}
		}
	}
}

func separates(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }

// emit passes on one run of letters and digits, spelt out if it is an abbreviation.
func emit(run string, parts []string, yield func(string, []string) bool) bool {
	whole := fold(run)
	if long := lexicon().long[whole]; len(long) > 1 {
		return each(long, yield)
	}
	word := normal(whole)
	if word == "" {
		return true
	}
	if len(parts) < 2 {
		parts = nil
	}
	for i, part := range parts {
		parts[i] = normal(fold(part))
	}
	return yield(word, parts)
}

func each(stems []string, yield func(string, []string) bool) bool {
	for _, stem := range stems {
		if !yield(stem, nil) {
			return false
		}
	}
	return true
}

// normal is the form in which a folded word is compared, "" if it is none.
func normal(word string) string {
	if len(word) < 2 || number(word) || lexicon().stop[word] {
		return ""
	}
	if long := lexicon().long[word]; len(long) == 1 {
		return long[0]
	}
	return stem(word)
}

// humps appends the parts of a run to parts: at changes from lower to upper case and from
// letters to digits. HTTPServer is http server; PRs is one.
func humps(parts []string, run string) []string {
	start := 0
	var before, last rune
	for i, r := range run {
		switch {
		case i == start:
		case unicode.IsDigit(r) != unicode.IsDigit(last), unicode.IsUpper(r) && unicode.IsLower(last):
			parts, start = append(parts, run[start:i]), i
		case unicode.IsLower(r) && unicode.IsUpper(last) && unicode.IsUpper(before) && run[i:] != "s":
			at := i - utf8.RuneLen(last)
			parts, start = append(parts, run[start:at]), at
		}
		before, last = last, r
	}
	return append(parts, run[start:])
}

// spaceless says whether r is of a script that sets no spaces between words.
func spaceless(r rune) bool {
	return r >= 0x2E80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// asian says whether a run is of such a script.
func asian(run string) bool {
	r, _ := utf8.DecodeRuneInString(run)
	return spaceless(r)
}

// pairs passes on every two neighbouring characters of a run, which finds words
// without knowing where they end; a single one is a word.
func pairs(run string, yield func(string, []string) bool) bool {
	_, size := utf8.DecodeRuneInString(run)
	if size == len(run) {
		return yield(run, nil)
	}
	for start := 0; start+size < len(run); {
		_, next := utf8.DecodeRuneInString(run[start+size:])
		if !yield(run[start:start+size+next], nil) {
			return false
		}
		start, size = start+size, next
	}
	return true
}

// number says whether a word has no letter.
func number(word string) bool {
	return strings.IndexFunc(word, unicode.IsLetter) < 0
}

// fold is a word in lower case and without accents: people leave them out.
func fold(word string) string {
	word = strings.ToLower(word)
	for i := range len(word) {
		if word[i] >= utf8.RuneSelf {
			return accents.Replace(word)
		}
	}
	return word
}

var accents = strings.NewReplacer(
	"à", "a", "á", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ç", "c", "è", "e", "é", "e", "ê", "e", "ë", "e",
	"ì", "i", "í", "i", "î", "i", "ï", "i", "ñ", "n", "ò", "o", "ó", "o", "ô", "o", "õ", "o", "ö", "o",
	"ù", "u", "ú", "u", "û", "u", "ü", "u", "ß", "ss", "œ", "oe", "æ", "ae",
)
