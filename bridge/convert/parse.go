package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// limits bounds what is parsed, so that hostile JSON costs little.
type limits struct {
	bytes, depth, values int
}

var (
	schemaLimits   = limits{bytes: 2 << 20, depth: 200, values: 200_000}
	argumentLimits = limits{bytes: 8 << 20, depth: 100, values: 200_000}
)

// parse reads one JSON value. Of members that are given twice the last one counts;
// their names are returned, since not every reader would take the same one.
func parse(raw []byte, within limits) (v *value, twice []string, err error) {
	if len(raw) > within.bytes {
		return nil, nil, fmt.Errorf("%d bytes of JSON are more than the %d that are read", len(raw), within.bytes)
	}
	if !json.Valid(raw) {
		if isDeeper(raw, within.depth) { // json gives up at some depth, too
			return nil, nil, fmt.Errorf("it is nested deeper than %d levels", within.depth)
		}
		return nil, nil, errors.New("it is not valid JSON")
	}
	p := parser{raw: string(raw), within: within}
	v, err = p.value(0)
	return v, p.twice, err
}

// isDeeper reports whether brackets are nested deeper than a limit.
func isDeeper(raw []byte, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// parser walks over JSON that is known to be valid. Texts are cut out of it rather
// than copied, and values are made by the dozen: most of the cost of converting a
// tool would be allocating them one by one.
type parser struct {
	raw    string
	at     int
	within limits
	values int
	twice  []string
	block  []value  // made, but not taken yet
	open   []member // of objects that are not complete yet, inner ones last
}

// make takes a new value.
func (p *parser) make(v value) *value {
	const (
		perValue = 20 // bytes of JSON, in schemas
		most     = 512
	)
	if len(p.block) == 0 {
		p.block = make([]value, min(most, 1+(len(p.raw)-p.at)/perValue))
	}
	taken := &p.block[0]
	p.block = p.block[1:]
	*taken = v
	return taken
}

// next skips blanks and gives the byte that follows.
func (p *parser) next() byte {
	for p.raw[p.at] == ' ' || p.raw[p.at] == '\n' || p.raw[p.at] == '\t' || p.raw[p.at] == '\r' {
		p.at++
	}
	return p.raw[p.at]
}

func (p *parser) value(depth int) (*value, error) {
	p.values++
	if depth > p.within.depth {
		return nil, fmt.Errorf("it is nested deeper than %d levels", p.within.depth)
	}
	if p.values > p.within.values {
		return nil, fmt.Errorf("it holds more than %d values", p.within.values)
	}
	switch p.next() {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.make(value{kind: kindString, text: p.string()}), nil
	case 't', 'f':
		return p.make(value{kind: kindBoolean, text: p.word()}), nil
	case 'n':
		return p.make(value{kind: kindNull, text: p.word()}), nil
	}
	return p.make(value{kind: kindNumber, text: p.word()}), nil
}

// word takes a number or one of true, false and null.
func (p *parser) word() string {
	start := p.at
	for p.at < len(p.raw) && strings.IndexByte(" \n\t\r,]}", p.raw[p.at]) < 0 {
		p.at++
	}
	return p.raw[start:p.at]
}

func (p *parser) array(depth int) (*value, error) {
	v := p.make(value{kind: kindArray})
	p.at++
	for p.next() != ']' {
		if p.raw[p.at] == ',' {
			p.at++
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
	p.at++
	return v, nil
}

func (p *parser) object(depth int) (*value, error) {
	v := p.make(value{kind: kindObject})
	var index map[string]int
	start := len(p.open)
	p.at++
	for p.next() != '}' {
		if p.raw[p.at] == ',' {
			p.at++
			p.next()
		}
		name := p.string()
		p.next()
		p.at++ // the colon
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if i, ok := find(p.open[start:], index, name); ok {
			p.twice = append(p.twice, name)
			p.open[start+i].value = item
			continue
		}
		p.open = append(p.open, member{name, item})
		index = extend(index, p.open[start:])
	}
	p.at++
	v.members = slices.Clone(p.open[start:])
	p.open = p.open[:start]
	return v, nil
}

const manyMembers = 16 // from here on an index is quicker than looking through them

func find(members []member, index map[string]int, name string) (int, bool) {
	if index != nil {
		i, ok := index[name]
		return i, ok
	}
	for i := range members {
		if members[i].name == name {
			return i, true
		}
	}
	return 0, false
}

// extend adds the last member to the index, which begins with the sixteenth.
func extend(index map[string]int, members []member) map[string]int {
	if len(members) < manyMembers {
		return nil
	}
	if index == nil {
		index = make(map[string]int, 2*manyMembers)
		for i, m := range members {
			index[m.name] = i
		}
	}
	index[members[len(members)-1].name] = len(members) - 1
	return index
}

// string takes a quoted string. Escapes and bytes that are no UTF-8 are left to
// encoding/json, so that both read the same.
func (p *parser) string() string {
	start := p.at
	p.at++
	simple := true
	for p.raw[p.at] != '"' {
		if p.raw[p.at] == '\\' {
			simple = false
			p.at++
		}
		p.at++
	}
	p.at++
	inside := p.raw[start+1 : p.at-1]
	if simple && utf8.ValidString(inside) {
		return inside
	}
	var s string
	if json.Unmarshal([]byte(p.raw[start:p.at]), &s) != nil {
		return inside // cannot be: the whole is valid
	}
	return s
}
