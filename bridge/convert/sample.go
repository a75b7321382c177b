package convert

import (
	"math/big"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

var sampleFormats = map[string]string{
	"email":     "ada@example.com",
	"date-time": "2026-01-31T09:00:00Z",
	"date":      "2026-01-31",
	"time":      "09:00:00Z",
	"duration":  "P1D",
	"uri":       "https://example.com",
	"uuid":      "3f0c8a52-5d0e-4b7a-9c39-2f6d1b7e8a10",
	"hostname":  "example.com",
	"ipv4":      "192.0.2.1",
	"ipv6":      "2001:db8::1",
}

// sampleText is a text that fits the rules as far as can be told.
func sampleText(leaves []*schema) string {
	const longest = 200
	text := "text"
	least, most := 0, longest
	for _, s := range leaves {
		t := s.text
		if t == nil {
			continue
		}
		least = max(least, t.least)
		most = tighter(t.most, most)
		switch {
		case sampleFormats[t.format] != "":
			text = sampleFormats[t.format]
		case t.pattern != nil && t.pattern.parsed != nil:
			text = matching(t.pattern.parsed)
		}
	}
	if missing := least - utf8.RuneCountInString(text); missing > 0 && least <= longest {
		text += strings.Repeat("x", missing)
	}
	return text[:min(len(text), max(0, most))]
}

// sampleNumber is 1 where that fits, else a number near the bounds.
func sampleNumber(leaves []*schema, k kinds) string {
	var n numberRules
	for _, s := range leaves {
		if r := s.number; r != nil {
			raise(&n.least, r.least, 1)
			raise(&n.most, r.most, -1)
			raise(&n.above, r.above, 1)
			raise(&n.below, r.below, -1)
			if r.step != "" {
				n.step = r.step
			}
		}
	}
	one := big.NewRat(1, 1)
	x := new(big.Rat).Set(one)
	if least := rational(n.least); least != nil && least.Cmp(x) > 0 {
		x = least
	}
	if most := rational(n.most); most != nil && most.Cmp(x) < 0 {
		x = most
	}
	if above := rational(n.above); above != nil && above.Cmp(x) >= 0 {
		x = above.Add(above, one)
	}
	if below := rational(n.below); below != nil && below.Cmp(x) <= 0 {
		x = below.Sub(below, one)
	}
	if step := rational(n.step); step != nil {
		x = roundUp(x, step)
	} else if k == kindInteger && !x.IsInt() {
		x = roundUp(x, one)
	}
	if x.IsInt() {
		return x.Num().String()
	}
	return x.FloatString(6)
}

// roundUp is the least multiple of a step that is not below x.
func roundUp(x, step *big.Rat) *big.Rat {
	q := new(big.Rat).Quo(x, step)
	whole := new(big.Int).Div(q.Num(), q.Denom())
	up := new(big.Rat).Mul(new(big.Rat).SetInt(whole), step)
	if up.Cmp(x) < 0 {
		up.Add(up, step)
	}
	return up
}

// matching makes a short text that matches a regular expression.
func matching(re *syntax.Regexp) string {
	const most = 100
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return string(friendly(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCapture, syntax.OpPlus:
		return matching(re.Sub[0])
	case syntax.OpRepeat:
		return strings.Repeat(cut(matching(re.Sub[0]), most), min(re.Min, most))
	case syntax.OpConcat:
		var b strings.Builder
		for _, part := range re.Sub {
			if b.Len() < most*most {
				b.WriteString(matching(part))
			}
		}
		return b.String()
	case syntax.OpAlternate:
		return matching(re.Sub[0])
	}
	return "" // anchors, and what may be left out
}

// friendly picks a letter or digit from the ranges of a class, if it has one.
func friendly(ranges []rune) rune {
	for _, liked := range "aA1" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= liked && liked <= ranges[i+1] {
				return liked
			}
		}
	}
	if len(ranges) == 0 {
		return 'x'
	}
	return ranges[0]
}
