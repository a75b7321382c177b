package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxDepth = 64 // levels of arrays and objects in arguments
	// maxValues bounds what a single call can make the validator complain about: it
	// keeps an error for each value that does not fit.
	maxValues = 50_000
	// maxExponent bounds numbers such as 1e400: comparing one exactly with a bound
	// of the schema would spell out all of its digits.
	maxExponent = 400
	maxDigits   = 400
)

var emptyObject = json.RawMessage(`{}`)

// isAbsent reports whether arguments were left out. Some clients send null.
func isAbsent(raw json.RawMessage) bool {
	trimmed := bytes.TrimSpace(raw)
	return len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null"))
}

// decode reads arguments with exact numbers (json.Number). It refuses what one
// reader might take for something else than the next: a member named twice would
// be validated in one meaning and used in another.
func decode(raw json.RawMessage) (any, error) {
	if value, ok := parse(raw); ok {
		return value, nil
	}
	return decodeOrSay(raw)
}

// decodeOrSay decodes, and says what is wrong if something is.
func decodeOrSay(raw json.RawMessage) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errors.New("the arguments are not valid JSON")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something follows the arguments' JSON")
	}
	var seen census
	if err := seen.inspect(value, 0); err != nil {
		return nil, err
	}
	if seen.members != countMembers(raw) {
		return nil, errors.New("the same member is given twice in one object")
	}
	return value, nil
}

// census counts what is in decoded arguments.
type census struct {
	values  int // of any kind
	members int // of all objects
}

// inspect counts a value and all that is in it, and checks depth and numbers.
func (c *census) inspect(value any, depth int) error {
	c.values++
	switch {
	case depth > maxDepth:
		return fmt.Errorf("the arguments are nested deeper than %d levels", maxDepth)
	case c.values > maxValues:
		return fmt.Errorf("the arguments hold more than %d values", maxValues)
	}
	switch v := value.(type) {
	case map[string]any:
		c.members += len(v)
		for _, member := range v {
			if err := c.inspect(member, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range v {
			if err := c.inspect(item, depth+1); err != nil {
				return err
			}
		}
	case json.Number:
		return checkNumber(string(v))
	}
	return nil
}

func checkNumber(text string) error {
	if len(text) > maxDigits {
		return fmt.Errorf("a number of %d characters is longer than any tool can use", len(text))
	}
	if at := strings.IndexAny(text, "eE"); at >= 0 && !inRange(text[at+1:]) {
		return fmt.Errorf("the number %s is out of range", cut(text, 20))
	}
	// 10e400 is 1e401: what counts is the form that digests are made of.
	canonical := canonicalNumber(text)
	if _, exponent, ok := strings.Cut(canonical, "e"); ok && !inRange(exponent) || len(canonical) > maxDigits {
		return fmt.Errorf("the number %s is out of range", cut(text, 20))
	}
	return nil
}

func inRange(exponent string) bool {
	n, err := strconv.Atoi(exponent)
	return err == nil && n <= maxExponent && n >= -maxExponent
}

// countMembers counts the members of all objects in valid JSON, those named
// twice twice: one colon outside of strings each.
func countMembers(raw []byte) int {
	members, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++ // only within strings: the escaped character is not a quote
		case '"':
			quoted = !quoted
		case ':':
			if !quoted {
				members++
			}
		}
	}
	return members
}
