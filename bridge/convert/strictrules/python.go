package strictrules

import (
	"errors"
	"strings"
)

// pythonPattern is what the rules ask of a regular expression that Python's re
// compiles.
type pythonPattern struct {
	lookaround bool
}

// parsePython reads a regular expression as Python 3.11 does and says why re
// would not compile it. It follows the grammar of the module's documentation,
// and of what is rare or differs between versions refuses rather too much: see
// the package comment.
func parsePython(pattern string) (pythonPattern, error) {
	p := pythonParser{src: []rune(pattern), groups: []group{{}}, names: map[string]bool{}}
	p.leadingFlags()
	if _, err := p.alternatives(); err != nil {
		return pythonPattern{}, err
	}
	if p.at < len(p.src) {
		return pythonPattern{}, errors.New("unbalanced parenthesis")
	}
	return pythonPattern{p.lookaround}, nil
}

const (
	deepest  = 100       // groups inside groups; Python's own stack takes a few more
	longest  = 1 << 32   // re.MAXREPEAT: widths stop counting here
	mostHits = 1<<32 - 2 // the largest number in a repeat
)

// width is how many characters a part matches, at least and at most. A lookbehind
// must have both alike.
type width struct{ lo, hi int }

func (w width) add(v width) width { return width{min(w.lo+v.lo, longest), min(w.hi+v.hi, longest)} }

func (w width) times(lo, hi int) width {
	return width{saturate(w.lo, lo), saturate(w.hi, hi)}
}

func saturate(a, b int) int {
	if a != 0 && b > longest/a {
		return longest
	}
	return a * b
}

// group is a capturing group; closed once its parenthesis is.
type group struct {
	closed bool
	width  width
}

type pythonParser struct {
	src        []rune
	at         int
	depth      int
	behind     int     // open lookbehinds
	groups     []group // 0 is the whole pattern
	names      map[string]bool
	lookaround bool
}

func (p *pythonParser) more() bool { return p.at < len(p.src) }

func (p *pythonParser) next() rune {
	if p.at >= len(p.src) {
		return -1
	}
	return p.src[p.at]
}

func (p *pythonParser) accept(s string) bool {
	for i, r := range s { // s is ASCII
		if p.at+i >= len(p.src) || p.src[p.at+i] != r {
			return false
		}
	}
	p.at += len(s)
	return true
}

// leadingFlags skips (?i) and its like, which Python takes at the start only.
func (p *pythonParser) leadingFlags() {
	before := p.at
	if !p.accept("(?") {
		return
	}
	for p.more() && strings.ContainsRune("aimsu", p.next()) {
		p.at++
	}
	if p.at == before+2 || !p.accept(")") {
		p.at = before
	}
}

func (p *pythonParser) alternatives() (width, error) {
	if p.depth++; p.depth > deepest {
		return width{}, errors.New("too many groups inside groups")
	}
	defer func() { p.depth-- }()
	all, err := p.sequence()
	for err == nil && p.accept("|") {
		var w width
		w, err = p.sequence()
		all = width{min(all.lo, w.lo), max(all.hi, w.hi)}
	}
	return all, err
}

// repeatable says what a repeat after an item would mean to Python.
type repeatable byte

const (
	nothing  repeatable = iota // there is no item, or it is a position
	repeated                   // it is a repeat already
	one
)

func (p *pythonParser) sequence() (width, error) {
	var all, last width
	state := nothing
	for p.more() && p.next() != '|' && p.next() != ')' {
		lo, hi, isRepeat, err := p.repeat()
		if err != nil {
			return all, err
		}
		if isRepeat {
			if state == nothing {
				return all, errors.New("nothing to repeat")
			}
			if state == repeated {
				return all, errors.New("multiple repeat")
			}
			last, state = last.times(lo, hi), repeated
			continue
		}
		all = all.add(last)
		if last, state, err = p.item(); err != nil {
			return all, err
		}
	}
	return all.add(last), nil
}

// repeat reads * + ? or {m,n} with what may follow it. Braces that are no repeat
// are themselves, and left unread.
func (p *pythonParser) repeat() (lo, hi int, ok bool, err error) {
	switch {
	case p.accept("*"):
		lo, hi = 0, longest
	case p.accept("+"):
		lo, hi = 1, longest
	case p.accept("?"):
		lo, hi = 0, 1
	default:
		if lo, hi, ok, err = p.braces(); !ok || err != nil {
			return lo, hi, ok, err
		}
	}
	if p.accept("?") {
		return lo, hi, true, nil
	}
	if p.next() == '+' {
		return 0, 0, true, errors.New("possessive repeats are not known to every Python")
	}
	return lo, hi, true, nil
}

func (p *pythonParser) braces() (lo, hi int, ok bool, err error) {
	before := p.at
	if !p.accept("{") || p.next() == '}' {
		p.at = before
		return 0, 0, false, nil
	}
	low, hasLow := p.digits()
	high, hasHigh := low, hasLow
	if p.accept(",") {
		high, hasHigh = p.digits()
	}
	if !p.accept("}") {
		p.at = before
		return 0, 0, false, nil
	}
	if !hasHigh {
		high = longest
	}
	if low > mostHits || hasHigh && high > mostHits {
		return 0, 0, true, errors.New("the repetition number is too large")
	}
	if high < low {
		return 0, 0, true, errors.New("min repeat greater than max repeat")
	}
	return low, high, true, nil
}

func (p *pythonParser) digits() (value int, ok bool) {
	for ; p.more() && '0' <= p.next() && p.next() <= '9'; p.at++ {
		value = min(value*10+int(p.next()-'0'), longest)
		ok = true
	}
	return value, ok
}

// item reads what is not a repeat: a character, class, escape, position or group.
func (p *pythonParser) item() (width, repeatable, error) {
	character := width{1, 1}
	switch r := p.next(); r {
	case '^', '$':
		p.at++
		return width{}, nothing, nil
	case '[':
		p.at++
		return character, one, p.class()
	case '(':
		p.at++
		return p.group()
	case '\\':
		p.at++
		return p.escape()
	default:
		p.at++
		return character, one, nil
	}
}
