package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// YAML gives braces, brackets and commas a meaning inside { } and [ ], and : and # one
// next to blanks, so that
//
//	keys: [{name: desk, key: ${DESK_KEY}}]
//
// is no YAML. It is what everybody writes first, so these characters are hidden
// from the parser where they belong to a reference: each becomes one character of
// a private range, which keeps every column where it was. unhide reverses it.
const hidden rune = 0x10_0000

var (
	reference  = regexp.MustCompile(`\$\{(?:[A-Za-z_][A-Za-z0-9_]*(?::-[^}\n]*)?|(?:file|exec|vault):[^}\n]*)\}`)
	nameRule   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	indicators = "{}[],:#"
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
	// fromEnv: what a reference holds became part of the text, so it must not be
	// shown.
	fromEnv bool
	// standIn: the text is not what will be there, because a reference was not read.
	standIn  bool
	warnings []string
	// first is where the first $ with a meaning stands in the written text, in
	// bytes; -1 if there is none.
	first int
}

// expand replaces ${NAME}, ${NAME:-default}, ${file:PATH}, ${exec:COMMAND} and
// ${vault:PATH#KEY} in one scalar of a setting, and $${ by ${. As in a shell the default also stands
// in for a variable that is set and empty. What a reference holds is not looked at again.
func expand(setting, written string, from Sources) (expansion, []error) {
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
		value, err := e.resolve(setting, body, from)
		if err != nil {
			problems = append(problems, err)
		}
		out.WriteString(value)
		rest = after
	}
	e.text = out.String()
	return e, problems
}

// resolve gives the value of a reference's inside.
func (e *expansion) resolve(setting, body string, from Sources) (string, error) {
	if kind, argument, elsewhere := referenceOf(body); elsewhere {
		e.fromEnv = true
		got, err := from.read(setting, kind, argument)
		e.standIn = e.standIn || got.StandIn
		if err != nil {
			return "", fmt.Errorf("reading ${%s}: %w", body, err)
		}
		if got.Warning != "" {
			e.warnings = append(e.warnings, fmt.Sprintf("${%s}: %s", body, got.Warning))
		}
		return got.Value, nil
	}
	name, fallback, hasDefault := strings.Cut(body, ":-")
	if !nameRule.MatchString(name) {
		return "", errors.New("what ${ } holds is not a variable: want ${NAME} or ${NAME:-default}; to have it as text, write $${")
	}
	value, isSet := from.Lookup(name)
	switch {
	case hasDefault && value == "":
		return fallback, nil
	case !isSet:
		return "", fmt.Errorf("environment variable %s is not set; set it, or give a default: ${%s:-...}", name, name)
	}
	e.fromEnv = true
	return value, nil
}
