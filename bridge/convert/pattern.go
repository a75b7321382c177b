package convert

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// pattern is a regular expression as the schema spells it. It is compiled when it
// is first needed: converting only asks whether it could be.
type pattern struct {
	source string
	parsed *syntax.Regexp // nil: Go cannot read it, so it is not checked
	once   sync.Once
	re     *regexp.Regexp
}

func newPattern(source string) *pattern {
	// ECMA-262 writes \u00e9 where Go writes \x{00e9}.
	parsed, err := syntax.Parse(unicodeEscape.ReplaceAllString(source, `$1\x{$2}`), syntax.Perl)
	if err != nil {
		parsed = nil
	}
	return &pattern{source: source, parsed: parsed}
}

var unicodeEscape = regexp.MustCompile(`((?:^|[^\\])(?:\\\\)*)\\u([0-9a-fA-F]{4})`)

// matches reports whether a text matches, true for patterns that Go cannot read.
func (p *pattern) matches(text string) bool {
	p.once.Do(func() {
		if p.parsed != nil {
			p.re, _ = regexp.Compile(p.parsed.String())
		}
	})
	return p.re == nil || p.re.MatchString(text)
}

// isPortable reports whether strict can carry the pattern: Go compiles it as it
// is, and so would Python's re, in the same sense. It errs on the safe side.
func (p *pattern) isPortable() bool {
	if p.parsed == nil || strings.Contains(p.source, "{,") || repeatsPosition(p.parsed) {
		return false
	}
	for rest := p.source; rest != ""; {
		n := portable(rest)
		if n == 0 {
			return false
		}
		rest = rest[n:]
	}
	return true
}

// portable is the length of the next part of a pattern, 0 if that is not portable.
func portable(rest string) int {
	switch {
	case strings.HasPrefix(rest, "(?") && !strings.HasPrefix(rest, "(?:"):
		return 0 // flags, named groups: each dialect has its own
	case rest[0] == '[':
		return portableClass(rest)
	case rest[0] == '\\':
		return portableEscape(rest)
	}
	return 1
}

// portableClass is the length of a class such as [a-z], 0 if it is not portable.
func portableClass(rest string) int {
	at := 1
	if strings.HasPrefix(rest[at:], "^") {
		at++
	}
	for first := true; at < len(rest); first = false {
		switch c := rest[at]; {
		case c == ']' && !first:
			return at + 1
		case c == '[':
			return 0 // a class within: [[:alpha:]] to Go, and some day to Python
		case c != '\\':
			at++
		default:
			n := portableEscape(rest[at:])
			if n == 0 || isSet(rest[at+1]) && strings.HasPrefix(rest[at+n:], "-") && !strings.HasPrefix(rest[at+n:], "-]") {
				return 0 // [\d-z] is no range to Go, and wrong to Python
			}
			at += n
		}
	}
	return 0
}

// repeatsPosition reports whether a repeat stands after a position such as ^, which
// Python refuses ("nothing to repeat") unless a group is around it. Of (?:^)? the
// tree no longer says that there was one: it is counted as well, to be safe.
func repeatsPosition(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		switch re.Sub[0].Op {
		case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
			return true
		}
	}
	return slices.ContainsFunc(re.Sub, repeatsPosition)
}

// portableEscape is the length of a backslash and what it is about, 0 if that is not
// portable.
func portableEscape(rest string) int {
	if len(rest) < 2 {
		return 0
	}
	c := rest[1]
	switch {
	case c == 'x':
		if len(rest) > 3 && isHex(rest[2]) && isHex(rest[3]) {
			return 4
		}
		return 0
	case c >= '0' && c <= '9', c >= 0x80:
		return 0
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		if !isSet(c) && strings.IndexByte("bBntrfv", c) < 0 {
			return 0
		}
	}
	return 2
}

// isSet reports whether a letter after a backslash stands for several characters.
func isSet(c byte) bool { return strings.IndexByte("dDwWsS", c) >= 0 }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
