package strictrules

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// escape reads what follows a backslash outside a class.
func (p *pythonParser) escape() (width, repeatable, error) {
	r := p.next()
	switch {
	case r >= 0 && strings.ContainsRune("AbBZ", r):
		p.at++
		return width{}, nothing, nil
	case r >= '1' && r <= '9':
		return p.backReference()
	}
	_, err := p.character(false)
	return width{1, 1}, one, err
}

// anySet is what character gives for \d and its like: no single character, so
// that it can begin or end no range.
const anySet = -2

// character reads what follows a backslash and means one character, and says
// which. Letters without a meaning are errors in Python, not themselves.
func (p *pythonParser) character(inClass bool) (rune, error) {
	if !p.more() {
		return 0, errors.New("bad escape (end of pattern)")
	}
	r := p.src[p.at]
	p.at++
	switch {
	case strings.ContainsRune("dDsSwW", r):
		return anySet, nil
	case r == 'x':
		return p.hex(2)
	case r == 'u':
		return p.hex(4)
	case r == 'U':
		return p.hex(8)
	case r == '0' || inClass && '0' <= r && r <= '7':
		return p.octal(r)
	case inClass && r == 'b':
		return '\b', nil
	case strings.ContainsRune("afnrtv", r):
		return map[rune]rune{'a': '\a', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}[r], nil
	case r <= unicode.MaxASCII && (isLetter(byte(r)) || isDigit(byte(r))):
		return 0, fmt.Errorf(`bad escape \%c`, r)
	}
	return r, nil
}

func (p *pythonParser) hex(digits int) (rune, error) {
	value := 0
	for range digits {
		r := p.next()
		if r < 0 || r > unicode.MaxASCII || !isHex(byte(r)) {
			return 0, errors.New("incomplete escape")
		}
		value = value<<4 | strings.IndexRune("0123456789abcdef", unicode.ToLower(r))
		p.at++
	}
	if value > unicode.MaxRune {
		return 0, errors.New("bad escape: no such character")
	}
	return rune(value), nil
}

// octal reads up to two more digits after the first.
func (p *pythonParser) octal(first rune) (rune, error) {
	value := first - '0'
	for i := 0; i < 2 && '0' <= p.next() && p.next() <= '7'; i++ {
		value = value<<3 | (p.next() - '0')
		p.at++
	}
	if value > 0o377 {
		return 0, errors.New("octal escape value outside of range 0-0o377")
	}
	return value, nil
}

// backReference reads \1 to \99, or three octal digits, which mean a character.
func (p *pythonParser) backReference() (width, repeatable, error) {
	start := p.at
	p.at++
	if d := p.next(); '0' <= d && d <= '9' {
		p.at++
		if third := p.next(); isOctal(byte(p.src[start])) && isOctal(byte(d)) && '0' <= third && third <= '7' {
			p.at = start + 1
			_, err := p.octal(p.src[start])
			return width{1, 1}, one, err
		}
	}
	number := 0
	for _, r := range p.src[start:p.at] {
		number = number*10 + int(r-'0')
	}
	switch {
	case number >= len(p.groups):
		return width{}, one, fmt.Errorf("invalid group reference %d", number)
	case !p.groups[number].closed:
		return width{}, one, errors.New("cannot refer to an open group")
	case p.behind > 0:
		return width{}, one, errors.New("cannot refer to a group in a look-behind")
	}
	return p.groups[number].width, one, nil
}

// class reads what follows an opening bracket, to the closing one.
func (p *pythonParser) class() error {
	p.accept("^")
	for first := true; ; first = false {
		if !p.more() {
			return errors.New("unterminated character set")
		}
		if !first && p.accept("]") {
			return nil
		}
		from, err := p.classMember()
		if err != nil {
			return err
		}
		if err := p.classRange(from); err != nil {
			return err
		}
	}
}

// classRange reads the rest of a range, if from begins one.
func (p *pythonParser) classRange(from rune) error {
	if p.next() != '-' || p.at+1 < len(p.src) && p.src[p.at+1] == ']' {
		return nil
	}
	p.at++
	if !p.more() {
		return errors.New("unterminated character set")
	}
	to, err := p.classMember()
	if err != nil {
		return err
	}
	if from == anySet || to == anySet || to < from {
		return errors.New("bad character range")
	}
	return nil
}

func (p *pythonParser) classMember() (rune, error) {
	r := p.src[p.at]
	p.at++
	if r != '\\' {
		return r, nil
	}
	return p.character(true)
}
