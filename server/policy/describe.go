package policy

import (
	"errors"
	"regexp"
	"strings"
)

var errPanic = errors.New("evaluating it came to a fault")

// factError is why a fact could not be had, in words without values.
type factError struct{ fact, why string }

func (e *factError) Error() string { return e.fact + ": " + e.why }

// harmless are CEL's own words, which name a member or a kind of value.
var harmless = regexp.MustCompile(`^(no such key: [A-Za-z_][A-Za-z0-9_]{0,63}|no such overload|division by zero|modulus by zero|return error for overflow|unsupported index type.*|operation cancelled: actual cost limit exceeded)$`)

// describe says what an evaluation stumbled over. Errors of CEL may quote what a model
// wrote: only those that cannot are passed on.
func describe(err error) string {
	var missing *factError
	switch {
	case errors.Is(err, errPanic):
		return errPanic.Error()
	case errors.As(err, &missing):
		return missing.Error()
	}
	text := strings.TrimSpace(err.Error())
	if harmless.MatchString(text) {
		return text
	}
	return "an expression has no value for this call"
}
