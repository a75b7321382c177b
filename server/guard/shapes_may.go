package guard

import "strings"

// Most texts hold nothing of what is searched for, and that can be told in one look at each
// byte: there are never thirteen digits in a row, no two capitals with two digits behind
// them, and nothing that a secret begins with. What is left is searched word by word.

// fewestDigits are those of the shortest number of a card.
const fewestDigits = 13

// Classes of bytes, for that look.
const (
	ordinary  = 0
	aDigit    = 1 << iota
	aBlank    // or a dash: what stands between the groups of a card's number
	aBeginner // of a secret
)

var classes = func() (of [256]uint8) {
	for c := '0'; c <= '9'; c++ {
		of[c] = aDigit
	}
	of[' '], of['-'] = aBlank, aBlank
	for c := range of {
		if len(openings[c]) > 0 {
			of[c] |= aBeginner
		}
	}
	return of
}()

// openings are what secrets begin with, by the first byte; those in lower case come in any.
var openings = func() (table [256][]opening) {
	add := func(o opening) {
		table[o.text[0]] = append(table[o.text[0]], o)
		if upper := strings.ToUpper(o.text[:1]); o.folds {
			table[upper[0]] = append(table[upper[0]], o)
		}
	}
	for _, forms := range secretForms {
		for _, form := range forms {
			add(opening{text: form.prefix, of: form.of})
		}
	}
	add(opening{text: "-----BEGIN "})
	add(opening{text: "eyJ", of: urlish})
	add(opening{text: "bearer ", folds: true})
	add(opening{text: "basic ", folds: true})
	add(opening{text: "ba\xc5", folds: true}) // of ſ, which is an s to whoever does not count case
	return table
}()

type opening struct {
	text  string
	folds bool       // case does not count
	of    *[256]bool // what it goes on with, nil for anything
}

// follows is for how many characters that is looked at: the shortest goes on for longer.
const follows = 7

// pairs are the first two bytes of all openings.
var pairs = func() (set [1 << 16 / 64]uint64) {
	for c, all := range openings {
		for _, o := range all {
			for _, second := range []string{o.text[1:2], strings.ToUpper(o.text[1:2])} {
				if second == o.text[1:2] || o.folds {
					at := c<<8 | int(second[0])
					set[at/64] |= 1 << (at % 64)
				}
			}
		}
	}
	return set
}()

// mayHold reports whether a text may hold something of a shape. Of a text with escapes it
// can be asked too, as long as none of them stands for a character that could be written
// plainly: each shape begins with characters that need no escape, in a row.
func mayHold[T ~string | ~[]byte](s Shapes, text T) bool {
	digits := 0 // in a row, but for single blanks and dashes between them
	for i := range len(text) {
		class := classes[text[i]]
		if class == ordinary {
			digits = 0
			continue
		}
		switch {
		case class&aDigit != 0:
			digits++
			if s.Cards && digits >= fewestDigits || s.IBANs && i > 2 && isDigit(text[i-1]) && isCapital(text[i-2]) && isCapital(text[i-3]) {
				return true
			}
		case class&aBlank == 0 || i == 0 || !isDigit(text[i-1]):
			digits = 0
		}
		if s.Secrets && class&aBeginner != 0 && i+1 < len(text) {
			at := int(text[i])<<8 | int(text[i+1])
			if pairs[at/64]&(1<<(at%64)) != 0 && opens(text, i) {
				return true
			}
		}
	}
	return false
}

// opens reports whether one of the openings stands at i.
func opens[T ~string | ~[]byte](text T, i int) bool {
	for _, o := range openings[text[i]] {
		end := i + len(o.text)
		if end <= len(text) && (string(text[i:end]) == o.text || o.folds && strings.EqualFold(string(text[i:end]), o.text)) && goesOn(o, text[end:]) {
			return true
		}
	}
	return false
}

// goesOn reports whether a text goes on as what the opening opens. A slash may be escaped
// though it need not be, so of what may have one nothing is said.
func goesOn[T ~string | ~[]byte](o opening, text T) bool {
	if o.of == nil || o.of['/'] {
		return true
	}
	for i := range min(follows, len(text)) {
		if !o.of[text[i]] {
			return false
		}
	}
	return len(text) >= follows
}
