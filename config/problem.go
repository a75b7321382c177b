package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with the configuration. It never holds a secret.
type Problem struct {
	File         string // "" for a configuration without a file
	Line, Column int    // from 1, in characters; 0 if nothing in the file is at fault
	Path         string // of the key: webhooks.stripe.secrets[0]
	Message      string
	// Warning: the configuration works, and is likely not what was meant.
	Warning bool
}

// String is one line: drawbridge.yaml:12:9: webhooks.stripe.tolerance: ...
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is everything wrong, in the order of the file. It is the error of
// [Load] and [Config.Validate].
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// err is ps as an error: nil if there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Problem reports something about the setting at path ("webhooks.stripe.when",
// "server.keys[0].tools[2]") where the file gives it, or where the section is that
// lacks it.
func (c *Config) Problem(path, format string, args ...any) Problem {
	file, at := c.source.find(path)
	return Problem{File: file, Line: at.line, Column: at.column, Path: path, Message: fmt.Sprintf(format, args...)}
}

// ProblemAt is Problem at a place within the setting's value: line and column
// count from 1, in characters. Where the file spells the value otherwise (folded
// lines, or beyond the first ${NAME}) the report is at the value's beginning.
func (c *Config) ProblemAt(path string, line, column int, format string, args ...any) Problem {
	p := c.Problem(path, format, args...)
	if c.source != nil {
		p.Line, p.Column = c.source.inside(path, place{line, column})
	}
	return p
}

// ProblemBelow is Problem about a part of the [JSON] at path: pointer says which, as a
// JSON pointer (RFC 6901).
func (c *Config) ProblemBelow(path, pointer, format string, args ...any) Problem {
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		if i, err := strconv.Atoi(token); err == nil && c.source.has(item(path, i)) {
			path = item(path, i)
		} else {
			path = child(path, token)
		}
	}
	return c.Problem(path, format, args...)
}

// Child is the path of a key below path, for [Config.Problem] and its kin.
func Child(path, key string) string { return child(path, key) }

// child is the path of a key below path. A key that is not a plain word is quoted.
func child(path, key string) string {
	if key == "" || strings.ContainsFunc(key, isOdd) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func isOdd(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-':
		return false
	}
	return true
}

// item is the path of the list item i at path.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
