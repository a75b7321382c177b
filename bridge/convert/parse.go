package convert

import (
	"encoding/json"
	"errors"
	"fmt"
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
		return nil, nil, errors.New("it is not valid JSON")
	}
	p := parser{raw: raw, within: within}
	v, err = p.value(0)
	return v, p.twice, err
}

// parser walks over JSON that is known to be valid.
type parser struct {
	raw    []byte
	at     int
	within limits
	values int
	twice  []string
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
		return stringValue(p.string()), nil
	case 't', 'f':
		return &value{kind: kindBoolean, text: p.word()}, nil
	case 'n':
		return &value{kind: kindNull, text: p.word()}, nil
	}
	return &value{kind: kindNumber, text: p.word()}, nil
}

// word takes a number or one of true, false and null.
func (p *parser) word() string {
	start := p.at
	for p.at < len(p.raw) && strings.IndexByte(" \n\t\r,]}", p.raw[p.at]) < 0 {
		p.at++
	}
	return string(p.raw[start:p.at])
}

func (p *parser) array(depth int) (*value, error) {
	v := &value{kind: kindArray}
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
	v := &value{kind: kindObject}
	var index map[string]int
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
		if i, ok := find(v.members, index, name); ok {
			p.twice = append(p.twice, name)
			v.members[i].value = item
			continue
		}
		v.members = append(v.members, member{name, item})
		index = extend(index, v.members)
	}
	p.at++
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
	if simple && utf8.Valid(inside) {
		return string(inside)
	}
	var s string
	if json.Unmarshal(p.raw[start:p.at], &s) != nil {
		return string(inside) // cannot be: the whole is valid
	}
	return s
}
