package imap

import (
	"fmt"
	"net"
	"strings"
)

// deepest is how many lists within each other an answer may have: those of a conversation
// of mail that goes back and forth are deeper than any other.
const deepest = 500

var (
	errTooDeep  = fmt.Errorf("%w: lists are within lists, deeper than any answer has them", errMalformed)
	errOpenLine = fmt.Errorf("%w: a line ends within quotes", errMalformed)
)

// shallow is a connection on which lists are so deep at most. The client of the protocol
// reads some of them (a message's structure) by calling itself, whether they were asked for
// or not, and a stack that is full ends the whole program, which nothing can recover from.
//
// It follows the client closely: what that takes for a literal, or for a string in quotes,
// is one here too, so that nothing hides a list.
type shallow struct {
	net.Conn
	meter *meter
	line  line
	// begun is the beginning of a line whose kind is not known yet.
	begun []byte
	depth int
	// In a line of data: within quotes, and behind a backslash there.
	quoted, escaped bool
	size            size
	count, literal  int64 // what a literal's size says, and what is left of one
}

// line is the kind of a line.
type line int

const (
	unknown line = iota
	words        // a status, and text up to the end of the line
	data
)

// size is how much was read of the size of a literal: {123}.
type size int

const (
	none size = iota
	digits
	closed
)

func (s *shallow) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	for i := 0; i < n; {
		if s.literal > 0 {
			skip := min(s.literal, int64(n-i))
			s.literal -= skip
			i += int(skip)
			continue
		}
		if err := s.look(p[i]); err != nil {
			s.meter.failed.CompareAndSwap(nil, &err)
			return 0, err
		}
		i++
	}
	return n, err
}

// look takes a byte that is in no literal.
func (s *shallow) look(c byte) error {
	switch s.line {
	case unknown:
		s.begin(c)
	case words:
		if c == '\n' {
			s.line = unknown
		}
	default:
		return s.inData(c)
	}
	return nil
}

// begin finds out what a line is, by its first words.
func (s *shallow) begin(c byte) {
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	switch {
	case c == '\n':
		s.begun = s.begun[:0]
	case len(s.begun) == 0 && c != '*': // tagged, or +
		s.line = words
	case len(s.begun) < 2 || letter && len(s.begun) < 10:
		s.begun = append(s.begun, c)
	default:
		s.line = data
		switch strings.ToUpper(string(s.begun)) {
		case "* OK", "* NO", "* BAD", "* BYE", "* PREAUTH":
			s.line = words
		}
		s.begun = s.begun[:0]
		_ = s.look(c) // no list is too deep yet
	}
}

func (s *shallow) inData(c byte) error {
	switch {
	case s.escaped:
		s.escaped = false
	case s.quoted:
		switch c {
		case '\\':
			s.escaped = true
		case '"':
			s.quoted = false
		case '\n':
			return errOpenLine
		}
	case c == '\n':
		if s.size == closed {
			s.literal = s.count
		} else {
			s.line, s.depth = unknown, 0
		}
		s.size = none
	case s.size == closed && (c == ' ' || c == '\r'):
	case s.size == digits && c >= '0' && c <= '9':
		if s.count < 1<<40 { // more than ever comes
			s.count = 10*s.count + int64(c-'0')
		}
	case s.size == digits && c == '}':
		s.size = closed
	default:
		return s.inList(c)
	}
	return nil
}

func (s *shallow) inList(c byte) error {
	s.size = none
	switch c {
	case '"':
		s.quoted = true
	case '{':
		s.size, s.count = digits, 0
	case '(':
		if s.depth++; s.depth > deepest {
			return errTooDeep
		}
	case ')':
		s.depth = max(0, s.depth-1)
	}
	return nil
}
