package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// YAML gives braces, brackets and commas a meaning inside { } and [ ], so that
//
//	keys: [{name: desk, key: ${DESK_KEY}}]
//
// is no YAML. It is what everybody writes first, so these characters are hidden
// from the parser where they belong to a reference: each becomes one character of
// a private range, which keeps every column where it was. unhide reverses it.
const hidden rune = 0x10_0000

var (
	reference  = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}\n]*)?\}`)
	nameRule   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	indicators = "{}[],"
)

func hide(text string) string {
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(indicators, r) {
				return hidden + r
			}
			return r
		}, ref)
	})
}

func unhide(text string) string {
	return strings.Map(func(r rune) rune {
		if isHidden(r) {
			return r - hidden
		}
		return r
	}, text)
}

func isHidden(r rune) bool { return strings.ContainsRune(indicators, r-hidden) }

// expansion is a scalar after its references were replaced.
type expansion struct {
	text string
	// fromEnv: a variable that is set became part of the text, so it must not be
	// shown.
	fromEnv bool
	// first is where the first $ with a meaning stands in the written text, in
	// bytes; -1 if there is none.
	first int
}

// expand replaces ${NAME} and ${NAME:-default} in one scalar, and $${ by ${. As in
// a shell the default also stands in for a variable that is set and empty. What a
// variable holds is not looked at again.
func expand(written string, lookup func(string) (string, bool)) (expansion, []error) {
	e := expansion{first: -1}
	var problems []error
	var out strings.Builder
	for rest := written; ; {
		at := strings.Index(rest, "${")
		if at < 0 {
			out.WriteString(rest)
			break
		}
		if e.first < 0 {
			e.first = len(written) - len(rest) + at
		}
		if at > 0 && rest[at-1] == '$' {
			out.WriteString(rest[:at-1] + "${")
			rest = rest[at+len("${"):]
			continue
		}
		out.WriteString(rest[:at])
		body, after, closed := strings.Cut(rest[at+len("${"):], "}")
		if !closed {
			problems = append(problems, errors.New("${ is not closed by }; to have it as text, write $${"))
			break
		}
		value, isSet, err := resolve(body, lookup)
		if err != nil {
			problems = append(problems, err)
		}
		e.fromEnv = e.fromEnv || isSet
		out.WriteString(value)
		rest = after
	}
	e.text = out.String()
	return e, problems
}

// resolve gives the value of a reference's inside: NAME or NAME:-default.
func resolve(body string, lookup func(string) (string, bool)) (value string, isSet bool, err error) {
	name, fallback, hasDefault := strings.Cut(body, ":-")
	if !nameRule.MatchString(name) {
		return "", false, errors.New("what ${ } holds is not a variable: want ${NAME} or ${NAME:-default}; to have it as text, write $${")
	}
	value, isSet = lookup(name)
	switch {
	case hasDefault && value == "":
		return fallback, false, nil
	case !isSet:
		return "", false, fmt.Errorf("environment variable %s is not set; set it, or give a default: ${%s:-...}", name, name)
	}
	return value, true, nil
}
