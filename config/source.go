package config

import (
	"crypto/sha256"
	"strings"
	"unicode/utf8"
)

// source remembers where in the file each setting was given.
type source struct {
	file  string
	lines []string
	marks map[string]mark // by path
	// warnings are of how the values of references are kept.
	warnings Problems
	// proxyVariable is the environment's variable that names a proxy, "" if none does.
	proxyVariable string
}

// place is a line and a column, both from 1, the column in characters.
type place struct{ line, column int }

// mark is where one setting stands: its value if that is a scalar, else its key.
type mark struct {
	place
	style   style
	written string // the scalar before ${NAME} was replaced, "" otherwise
	fromEnv bool
	standIn bool              // for a reference that was not read
	sum     [sha256.Size]byte // of the value, if references are part of it
	// firstReference is the byte in written from which on the value may differ; -1
	// if it does not.
	firstReference int
}

// style is how a scalar is written, which decides how to find a place in it.
type style int

const (
	notScalar style = iota
	plain
	singleQuoted
	doubleQuoted
	block // | and >
)

// find gives the mark of path, or of the nearest setting that holds it.
func (s *source) find(path string) (file string, m mark) {
	if s == nil {
		return "", mark{}
	}
	for path != "" {
		if m, ok := s.marks[path]; ok {
			return s.file, m
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return s.file, mark{}
}

// has reports whether the file gives the setting.
func (s *source) has(path string) bool {
	if s == nil {
		return false
	}
	_, ok := s.marks[path]
	return ok
}

// asWritten is the value at path as it may be shown: what a variable holds is not,
// since it may be a secret in the wrong place.
func (c *Config) asWritten(path, value string) string {
	if c.source == nil {
		return value
	}
	if m := c.source.marks[path]; m.fromEnv {
		return m.written
	}
	return value
}

// inside finds a place of the value at path in the file.
func (s *source) inside(path string, at place) (line, column int) {
	m := s.marks[path]
	if m.style == notScalar || !m.before(at) {
		_, m = s.find(path)
		return m.line, m.column
	}
	found, ok := place{}, false
	switch m.style {
	case plain:
		found, ok = s.insidePlain(m, at)
	case block:
		found, ok = s.insideBlock(m, at)
	default:
		found, ok = s.insideQuoted(m, at)
	}
	if !ok {
		found = m.place
	}
	return found.line, found.column
}

// before reports whether at is before the first reference, where the value and
// what is written are still the same.
func (m mark) before(at place) bool {
	if m.firstReference < 0 {
		return true
	}
	same := m.written[:m.firstReference]
	line := 1 + strings.Count(same, "\n")
	column := 1 + utf8.RuneCountInString(same[strings.LastIndex(same, "\n")+1:])
	return at.line < line || at.line == line && at.column <= column
}

// rest is the file's line from a place on.
func (s *source) rest(p place) string {
	if p.line < 1 || p.line > len(s.lines) {
		return ""
	}
	runes := []rune(s.lines[p.line-1])
	if p.column < 1 || p.column > len(runes) {
		return ""
	}
	return string(runes[p.column-1:])
}

func (s *source) insidePlain(m mark, at place) (place, bool) {
	if at.line != 1 || at.column < 1 || !strings.HasPrefix(s.rest(m.place), m.written) {
		return place{}, false
	}
	return place{m.line, m.column + at.column - 1}, true
}

// insideBlock looks for the value's line where the block has it: so many lines
// below the | and indented.
func (s *source) insideBlock(m mark, at place) (place, bool) {
	values := strings.Split(m.written, "\n")
	line := m.line + at.line
	if at.line < 1 || at.line > len(values) || at.column < 1 || line > len(s.lines) {
		return place{}, false
	}
	indent, ok := strings.CutSuffix(s.lines[line-1], values[at.line-1])
	if !ok || strings.Trim(indent, " ") != "" {
		return place{}, false // folded
	}
	return place{line, len(indent) + at.column}, true
}

// insideQuoted walks the quoted text, in which one character of the value may be
// spelled with several.
func (s *source) insideQuoted(m mark, at place) (place, bool) {
	text := s.rest(m.place)
	if text == "" {
		return place{}, false
	}
	text = text[1:] // the quote
	now, column := place{1, 1}, m.column+1
	for text != "" && now != at {
		spelled := text[:spelling(text, m.style)]
		now.column++
		if m.style == doubleQuoted && spelled == `\n` {
			now = place{now.line + 1, 1}
		}
		column += utf8.RuneCountInString(spelled)
		text = text[len(spelled):]
	}
	return place{m.line, column}, now == at
}

// spelling is how many bytes the first character of quoted text takes.
func spelling(text string, s style) int {
	_, size := utf8.DecodeRuneInString(text)
	switch {
	case s == singleQuoted && strings.HasPrefix(text, "''"):
		return 2
	case s == doubleQuoted && text[0] == '\\' && len(text) > 1:
		size = map[byte]int{'x': 4, 'u': 6, 'U': 10}[text[1]]
		if size == 0 {
			_, size = utf8.DecodeRuneInString(text[1:])
			size++
		}
		return min(size, len(text))
	}
	return size
}
