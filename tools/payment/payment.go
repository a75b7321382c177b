package payment

import (
	"context"
	"errors"
	"fmt"

	"drawbridge/tools"
)

// Payment is the family over one backend: it checks arguments, fills defaults and
// maps errors, the same for every vendor. Its methods are the tools; see [Tools].
type Payment struct {
	driver Driver
	traits Traits
}

// New serves the family from a backend.
func New(driver Driver) *Payment {
	return &Payment{driver: driver, traits: driver.Traits()}
}

// Written is part of every write's result.
type Written struct {
	Sandbox bool `json:"sandbox,omitempty" jsonschema:"True if this is a practice account: the records changed, but no real money moved and nobody outside was told."`
}

func (p *Payment) written() Written { return Written{Sandbox: p.traits.Sandbox} }

// readError maps what a driver's read returned. A read that was broken off
// changed nothing and may be repeated.
func readError(tool string, err error) error {
	if brokenOff(err) {
		return tools.Errorf(tools.Unavailable, "%s: broken off before the answer came; nothing was changed. Try again.", tool)
	}
	return foreign(tool, err)
}

// writeError maps what a driver's write returned. A write that was broken off may
// have taken effect all the same, and only a backend that honours the key can be
// asked again without harm.
func (p *Payment) writeError(ctx context.Context, tool string, err error) error {
	if !brokenOff(err) {
		return foreign(tool, err)
	}
	unknown := tools.Errorf(tools.OutcomeUnknown, "%s: broken off before the answer came; it may have taken effect. Look at the record before doing it again.", tool)
	unknown.Retryable = p.traits.Idempotent && tools.Key(ctx) != ""
	return unknown
}

// brokenOff reports whether err says only that the caller's time ran out. A
// driver that knows more has said so with an *Error.
func brokenOff(err error) bool {
	var known *tools.Error
	return !errors.As(err, &known) &&
		(errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

// foreign names the tool in an error that is not meant for the model.
func foreign(tool string, err error) error {
	var known *tools.Error
	if errors.As(err, &known) {
		return known
	}
	return fmt.Errorf("%s: %w", tool, err)
}

// NoSuch is the error for an id that names nothing. kind is one of the family's
// nouns and also names the argument: "payment" is payment_id.
func NoSuch(kind, id, lookup string) error {
	return tools.Errorf(tools.NotFound, "%s_id: there is no %s %q; find it with %s.", kind, kind, id, lookup)
}
