package convert_test

import (
	"regexp/syntax"
	"strings"
)

// sampleOf draws a text for a pattern by walking it: enough for the patterns that
// tools have, without a promise; the caller checks.
func sampleOf(m *maker, pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	m.sample(re.Simplify(), &b)
	return b.String()
}

func (m *maker) sample(re *syntax.Regexp, b *strings.Builder) {
	if b.Len() > 2000 {
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if n := len(re.Rune) / 2; n > 0 {
			i := m.pick(n)
			b.WriteRune(re.Rune[2*i] + rune(m.pick(int(min(re.Rune[2*i+1]-re.Rune[2*i], 30))+1)))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte("ax0 -"[m.pick(5)])
	case syntax.OpConcat, syntax.OpCapture:
		for _, part := range re.Sub {
			m.sample(part, b)
		}
	case syntax.OpAlternate:
		m.sample(re.Sub[m.pick(len(re.Sub))], b)
	case syntax.OpStar:
		m.repeat(re.Sub[0], max(m.least, m.pick(4)), b)
	case syntax.OpPlus:
		m.repeat(re.Sub[0], max(m.least, 1+m.pick(3)), b)
	case syntax.OpQuest:
		m.repeat(re.Sub[0], m.pick(2), b)
	}
}

func (m *maker) repeat(re *syntax.Regexp, times int, b *strings.Builder) {
	for range times {
		m.sample(re, b)
	}
}
