package guard

import (
	"strings"
)

// Shapes are kinds of secrets that are known by what they look like. Text of any
// origin is searched for them in one pass, without regular expressions and without
// anybody's judgement: the same text always loses the same parts.
type Shapes struct {
	// Cards are the numbers of payment cards: by the length and the first digits that
	// the brands use, by their grouping, and by the check digit (ISO/IEC 7812-1, Luhn).
	Cards bool
	// IBANs are those of ISO 13616, by the length of their country and their check digits.
	IBANs bool
	// Secrets are keys and tokens with a form of their own: see secretForms.
	Secrets bool

	// anyCard takes whatever passes the check digit for a card, in any grouping and even
	// within a word. For the audit: what is lost there by mistake nobody acts on.
	anyCard bool
}

// auditShapes are those that an audit row is kept without.
var auditShapes = Shapes{Cards: true, IBANs: true, Secrets: true, anyCard: true}

func (s Shapes) any() bool { return s.Cards || s.IBANs || s.Secrets }

// hide takes what is searched for out of a text. A text that does not change is given
// back as it is.
func (s Shapes) hide(text string) (string, bool) {
	if !mayHold(s, text) {
		return text, false
	}
	return s.search(text)
}

// search goes over a text word by word.
func (s Shapes) search(text string) (string, bool) {
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); {
		begin, end := s.at(text, i)
		if end == 0 {
			i = nextStart(text, i, s.anyCard)
			continue
		}
		b.WriteString(text[done:begin])
		b.WriteString(redacted)
		i, done = end, end
	}
	if done == 0 {
		return text, false
	}
	b.WriteString(text[done:])
	return b.String(), true
}

// nextStart is the next place behind i at which something can begin: a word, or a dash.
func nextStart(text string, i int, digitsToo bool) int {
	inWord := isWord[text[i]]
	for i++; i < len(text); i++ {
		c := text[i]
		switch {
		case !isWord[c]:
			inWord = false
			if c == '-' && text[i-1] != '-' {
				return i
			}
		case !inWord || digitsToo && isDigit(c) && !isDigit(text[i-1]):
			return i
		}
	}
	return i
}

// at gives what is to be hidden from the word, or the dash, at i: end is 0 if nothing is.
func (s Shapes) at(text string, i int) (begin, end int) {
	c := text[i]
	if s.Secrets {
		if begin, end = secretAt(text, i); end > 0 {
			return begin, end
		}
	}
	switch {
	case isDigit(c) && s.Cards && s.anyCard:
		return i, anyCardEnd(text, i)
	case isDigit(c) && s.Cards:
		return i, cardEnd(text, i)
	case s.IBANs && c >= 'A' && c <= 'Z':
		return i, ibanEnd(text, i)
	}
	return i, 0
}

// isWord are the bytes that words are made of, so that what is searched for is not found
// in the middle of an id. Bytes beyond ASCII are letters for that purpose.
var isWord = func() (set [256]bool) {
	for c := range set {
		set[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
	}
	return set
}()

// endsThere reports whether a word, or words joined by dashes, end at i.
func endsThere(text string, i int) bool {
	switch {
	case i >= len(text):
		return true
	case text[i] == '-':
		return i+1 == len(text) || !isWord[text[i+1]]
	}
	return !isWord[text[i]]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
