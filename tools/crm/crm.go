package crm

import (
	"context"
	"errors"
	"fmt"

	"drawbridge/tools"
)

// CRM is the portable face of one backend. Its methods are safe for concurrent
// use when the driver's are.
type CRM struct{ driver Driver }

// New makes a CRM of a backend.
func New(driver Driver) *CRM { return &CRM{driver: driver} }

// request is an argument type that can fill in its defaults and check itself.
type request[In any] interface {
	// normal gives the request as a driver may rely on it, or an Invalid error
	// that lists everything wrong with it.
	normal() (In, error)
}

// read checks a request and asks the driver.
func read[In request[In], Out any](ctx context.Context, tool string, in In, ask func(context.Context, In) (Out, error)) (Out, error) {
	out, err := checked(ctx, in, ask)
	switch {
	case err == nil:
		return out, nil
	case timedOut(err):
		err = tools.Errorf(tools.Unavailable, "%s: the CRM did not answer in time; nothing was changed. Try again later.", tool)
	}
	return none[Out](tool, err)
}

// write checks a request and lets the driver act on it. Time running out says
// nothing about the effect, so the model is told just that.
func write[In request[In], Out any](ctx context.Context, keys Keys, tool string, in In, act func(context.Context, In) (Out, error)) (Out, error) {
	out, err := checked(ctx, in, act)
	switch {
	case err == nil:
		return out, nil
	case timedOut(err):
		unknown := tools.Errorf(tools.OutcomeUnknown, "%s: the CRM did not answer in time; the change may or may not have been made. Look at the record before you try again.", tool)
		unknown.Retryable = keys.HonoursKeys()
		err = unknown
	}
	return none[Out](tool, err)
}

func checked[In request[In], Out any](ctx context.Context, in In, do func(context.Context, In) (Out, error)) (Out, error) {
	in, err := in.normal()
	if err != nil {
		var zero Out
		return zero, err
	}
	return do(ctx, in)
}

// timedOut leaves errors alone that a driver has already put into words.
func timedOut(err error) bool {
	var known *tools.Error
	return !errors.As(err, &known) && errors.Is(err, context.DeadlineExceeded)
}

// none is the result of a failed call. A fault gets the tool's name for the log;
// an error meant for the model passes as it is.
func none[Out any](tool string, err error) (Out, error) {
	var zero Out
	var known *tools.Error
	if errors.As(err, &known) {
		return zero, known
	}
	return zero, fmt.Errorf("calling %s: %w", tool, err)
}
