package strictrules

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// group reads what follows an opening parenthesis.
func (p *pythonParser) group() (width, repeatable, error) {
	if !p.accept("?") {
		return p.capture()
	}
	switch {
	case p.accept("P<"):
		return p.named()
	case p.accept("P="):
		return p.namedReference()
	case p.accept(":"):
		return p.rest()
	case p.accept("="), p.accept("!"):
		return p.look(false)
	case p.accept("<="), p.accept("<!"):
		return p.look(true)
	}
	return p.flags()
}

// rest reads to the closing parenthesis.
func (p *pythonParser) rest() (width, repeatable, error) {
	w, err := p.alternatives()
	if err == nil && !p.accept(")") {
		err = errors.New("missing ), unterminated subpattern")
	}
	return w, one, err
}

func (p *pythonParser) capture() (width, repeatable, error) {
	number := len(p.groups)
	p.groups = append(p.groups, group{})
	w, _, err := p.rest()
	p.groups[number] = group{true, w}
	return w, one, err
}

func (p *pythonParser) named() (width, repeatable, error) {
	name, err := p.groupName('>')
	if err != nil {
		return width{}, one, err
	}
	if p.names[name] {
		return width{}, one, fmt.Errorf("redefinition of group name %s", quote(name))
	}
	p.names[name] = true
	return p.capture()
}

// namedReference is refused: it needs more than the name's being known, and no
// tool has been seen to use it.
func (p *pythonParser) namedReference() (width, repeatable, error) {
	return width{}, one, errors.New("references to groups by name are not supported")
}

func (p *pythonParser) groupName(end rune) (string, error) {
	start := p.at
	for p.more() && p.next() != end {
		p.at++
	}
	if !p.more() {
		return "", errors.New("missing >, unterminated name")
	}
	name := string(p.src[start:p.at])
	p.at++
	for i, r := range name {
		if r > unicode.MaxASCII || r != '_' && !isLetter(byte(r)) && (i == 0 || !isDigit(byte(r))) {
			return "", fmt.Errorf("bad character in group name %s", quote(name))
		}
	}
	if name == "" {
		return "", errors.New("missing group name")
	}
	return name, nil
}

func (p *pythonParser) look(behind bool) (width, repeatable, error) {
	p.lookaround = true
	if behind {
		p.behind++
		defer func() { p.behind-- }()
	}
	w, _, err := p.rest()
	if err == nil && behind && w.lo != w.hi {
		err = errors.New("look-behind requires fixed-width pattern")
	}
	return width{}, one, err
}

// flags reads the (?i: and (?-i: of a group that changes flags for itself.
func (p *pythonParser) flags() (width, repeatable, error) {
	start := p.at
	for p.more() && strings.ContainsRune("ims-", p.next()) {
		p.at++
	}
	on, off, minus := strings.Cut(string(p.src[start:p.at]), "-")
	switch {
	case p.at == start, minus && off == "", strings.Contains(off, "-"), strings.ContainsAny(off, on) && on != "":
		return width{}, one, errors.New("unknown extension of a group")
	case p.accept(":"):
		return p.rest()
	case p.next() == ')':
		return width{}, one, errors.New("global flags not at the start of the expression")
	}
	return width{}, one, errors.New("unknown flag")
}
