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

// read checks a request and lets the part of the driver that has it answer. ask is a method of that
// part, such as Tasks.ListTasks.
func read[Part any, In request[In], Out any](ctx context.Context, c *CRM, tool string, in In, ask func(Part, context.Context, In) (Out, error)) (Out, error) {
	part, err := of[Part](c, tool)
	if err != nil {
		return none[Out](tool, err)
	}
	out, err := checked(ctx, part, in, ask)
	switch {
	case err == nil:
		return out, nil
	case timedOut(err):
		err = tools.Errorf(tools.Unavailable, "%s: the CRM did not answer in time; nothing was changed. Try again later.", tool)
	}
	return none[Out](tool, err)
}

// write checks a request and lets the part of the driver that has it act. Time running out says
// nothing about the effect, so the model is told just that.
func write[Part any, In request[In], Out any](ctx context.Context, c *CRM, tool string, in In, act func(Part, context.Context, In) (Out, error)) (Out, error) {
	part, err := of[Part](c, tool)
	if err != nil {
		return none[Out](tool, err)
	}
	out, err := checked(ctx, part, in, act)
	switch {
	case err == nil:
		return out, nil
	case timedOut(err):
		unknown := tools.Errorf(tools.OutcomeUnknown, "%s: the CRM did not answer in time; the change may or may not have been made. Look at the record before you try again.", tool)
		unknown.Retryable = c.driver.HonoursKeys(tool)
		err = unknown
	}
	return none[Out](tool, err)
}

// of gives the driver as one of its parts. Who calls a tool only finds those that are there;
// this is for callers in Go.
func of[Part any](c *CRM, tool string) (Part, error) {
	part, ok := c.driver.(Part)
	if !ok {
		return part, tools.Errorf(tools.Denied, "the CRM configured here does not do %s", tool)
	}
	return part, nil
}

func checked[Part any, In request[In], Out any](ctx context.Context, part Part, in In, do func(Part, context.Context, In) (Out, error)) (Out, error) {
	in, err := in.normal()
	if err != nil {
		var zero Out
		return zero, err
	}
	return do(part, ctx, in)
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
