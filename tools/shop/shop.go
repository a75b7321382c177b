package shop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"drawbridge/tools"
)

// Shop is the family over one backend: it checks arguments, fills defaults and maps errors,
// the same for every vendor. Its methods are the tools; see [Tools].
type Shop struct {
	driver Driver
	traits Traits
}

// New serves the family from a backend.
func New(driver Driver) *Shop { return &Shop{driver: driver, traits: driver.Traits()} }

// keyed reports whether a call of the tool may be repeated under its key.
func (s *Shop) keyed(tool string) bool { return slices.Contains(s.traits.Keyed, tool) }

// readError maps what a driver's read returned. A read that was broken off changed nothing
// and may be repeated.
func readError(tool string, err error) error {
	if brokenOff(err) {
		return tools.Errorf(tools.Unavailable, "%s: broken off before the answer came; nothing was changed. Try again.", tool)
	}
	return foreign(tool, err)
}

// writeError maps what a driver's write returned. A write that was broken off may have
// taken effect all the same, and only one whose key is honoured can be made again without
// harm. Of the others no unknown outcome is retryable, whatever the driver says.
func (s *Shop) writeError(ctx context.Context, tool string, err error) error {
	again := s.keyed(tool) && tools.Key(ctx) != ""
	if brokenOff(err) {
		unknown := tools.Errorf(tools.OutcomeUnknown, "%s: broken off before the answer came; it may have taken effect. Look at the record before doing it again.", tool)
		unknown.Retryable = again
		return unknown
	}
	var known *tools.Error
	if errors.As(err, &known) && known.Code == tools.OutcomeUnknown && known.Retryable != again {
		unknown := *known
		unknown.Retryable = again
		return &unknown
	}
	return foreign(tool, err)
}

// brokenOff reports whether err says only that the caller's time ran out. A driver that
// knows more has said so with an *Error.
func brokenOff(err error) bool {
	var known *tools.Error
	return !errors.As(err, &known) && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

// foreign names the tool in an error that is not meant for the model.
func foreign(tool string, err error) error {
	var known *tools.Error
	if errors.As(err, &known) {
		return known
	}
	return fmt.Errorf("%s: %w", tool, err)
}

// NoSuch is the error for a reference that names nothing. argument is where it stood, kind
// one of the family's nouns.
func NoSuch(argument, kind, reference, lookup string) error {
	return tools.Errorf(tools.NotFound, "%s: there is no %s %q; find it with %s.", argument, kind, reference, lookup)
}

// NoSuchOrder is the error for a reference that names no order.
func NoSuchOrder(reference string) error {
	return NoSuch("order", "order", reference, ToolSearchOrders)
}

// named gives a reference without the blanks around it, which must leave something.
func named(field, id string) (string, error) {
	id = strings.TrimSpace(id)
	if id == "" {
		return "", tools.Errorf(tools.Invalid, "%s: is empty; say which one.", field)
	}
	return id, nil
}

// choice checks that value is one of the allowed ones, or "" where that is allowed too.
func choice[T ~string](field string, value T, allowed ...T) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	var names []string
	for _, one := range allowed {
		if one != "" {
			names = append(names, string(one))
		}
	}
	return tools.Errorf(tools.Invalid, "%s: %q is not one of %s.", field, value, strings.Join(names, ", "))
}

// instant reads an RFC 3339 time; "" is the zero time.
func instant(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, tools.Errorf(tools.Invalid, "%s: %q is not an RFC 3339 time; write it like 2026-03-01T00:00:00Z.", field, text)
	}
	return at.UTC(), nil
}
