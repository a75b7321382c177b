package guard

import (
	"encoding/json"
	"unicode/utf8"
)

// parser reads arguments in one go, with the checks that decode makes. It knows what is
// sound, and no more: whatever it does not take, decode reads again and says why.
type parser struct {
	text   string
	at     int
	values int
}

// parse gives the value that decode would give, or reports false.
func parse(raw json.RawMessage) (any, bool) {
	p := parser{text: string(raw)} // one copy: texts are parts of it
	value, ok := p.value(0)
	p.space()
	return value, ok && p.at == len(p.text)
}

func (p *parser) value(depth int) (any, bool) {
	if p.values++; depth > maxDepth || p.values > maxValues {
		return nil, false
	}
	p.space()
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		text, ok := p.string()
		return text, ok
	case c == '-' || isDigit(c):
		return p.number()
	case c == 't':
		return true, p.word("true")
	case c == 'f':
		return false, p.word("false")
	}
	return nil, p.word("null")
}

func (p *parser) object(depth int) (any, bool) {
	members := map[string]any{}
	p.at++
	if p.space(); p.peek() == '}' {
		p.at++
		return members, true
	}
	for {
		p.space()
		name, ok := p.string()
		if p.space(); !ok || p.peek() != ':' {
			return nil, false
		}
		p.at++
		value, ok := p.value(depth + 1)
		if _, twice := members[name]; !ok || twice {
			return nil, false
		}
		members[name] = value
		p.space()
		end := p.peek()
		if p.at++; end == '}' {
			return members, true
		}
		if end != ',' {
			return nil, false
		}
	}
}

func (p *parser) array(depth int) (any, bool) {
	items := []any{}
	p.at++
	if p.space(); p.peek() == ']' {
		p.at++
		return items, true
	}
	for {
		item, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		items = append(items, item)
		p.space()
		end := p.peek()
		if p.at++; end == ']' {
			return items, true
		}
		if end != ',' {
			return nil, false
		}
	}
}

// string reads a text. One with escapes, or that is not UTF-8, is left to encoding/json.
func (p *parser) string() (string, bool) {
	if p.peek() != '"' {
		return "", false
	}
	begin, plain := p.at, true
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			text := p.text[begin+1 : p.at-1]
			if plain || utf8.ValidString(text) && !escapes(text) {
				return text, true
			}
			err := json.Unmarshal([]byte(p.text[begin:p.at]), &text)
			return text, err == nil
		case c == '\\':
			p.at++ // what is escaped ends nothing
			plain = false
		case c >= utf8.RuneSelf:
			plain = false
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

func escapes(text string) bool {
	for i := range len(text) {
		if text[i] == '\\' {
			return true
		}
	}
	return false
}

// number reads a number as JSON spells it (RFC 8259, section 6).
func (p *parser) number() (any, bool) {
	begin, short := p.at, true // without an exponent, so that its length says enough
	if p.peek() == '-' {
		p.at++
	}
	whole := p.at
	if zero := p.peek() == '0'; !p.digits() || zero && p.at > whole+1 {
		return nil, false
	}
	if p.peek() == '.' {
		if p.at++; !p.digits() {
			return nil, false
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		short = false
		if p.at++; p.peek() == '+' || p.peek() == '-' {
			p.at++
		}
		if !p.digits() {
			return nil, false
		}
	}
	text := p.text[begin:p.at]
	if (!short || len(text) > maxDigits/4) && checkNumber(text) != nil {
		return nil, false
	}
	return json.Number(text), true
}

// digits goes over digits, and reports whether there was one.
func (p *parser) digits() bool {
	begin := p.at
	for isDigit(p.peek()) {
		p.at++
	}
	return p.at > begin
}

func (p *parser) word(want string) bool {
	end := p.at + len(want)
	if end > len(p.text) || p.text[p.at:end] != want {
		return false
	}
	p.at = end
	return true
}

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\n' || p.text[p.at] == '\t' || p.text[p.at] == '\r') {
		p.at++
	}
}
