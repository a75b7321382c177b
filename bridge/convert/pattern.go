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
	if p.parsed == nil || strings.Contains(p.source, "{,") || strings.Contains(p.source, "[[") {
		return false
	}
	if repeatsPosition(p.parsed) {
		return false
	}
	for i := 0; i < len(p.source); i++ {
		c := p.source[i]
		if c == '(' && strings.HasPrefix(p.source[i:], "(?") && !strings.HasPrefix(p.source[i:], "(?:") {
			return false // flags, named groups: each dialect has its own
		}
		if c != '\\' {
			continue
		}
		i++
		if i == len(p.source) || !isPortableEscape(p.source[i:]) {
			return false
		}
	}
	return true
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

// isPortableEscape looks at what follows a backslash.
func isPortableEscape(rest string) bool {
	c := rest[0]
	switch {
	case c == 'x':
		return len(rest) > 2 && isHex(rest[1]) && isHex(rest[2])
	case c >= '0' && c <= '9', c >= 0x80:
		return false
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return strings.IndexByte("dDwWsSbBntrfv", c) >= 0
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
