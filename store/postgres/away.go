package postgres

import (
	"context"
	"errors"
	"strings"

	"drawbridge/server/dispatch"
)

// awayError is what went wrong because the server could not be reached, went down or was
// busy with others for too long: it passes.
type awayError struct{ err error }

func (e *awayError) Error() string        { return e.err.Error() }
func (e *awayError) Unwrap() error        { return e.err }
func (e *awayError) Is(target error) bool { return target == dispatch.ErrAway }

// passing marks an error that passes by itself.
func passing(err error) error {
	if err == nil || !passes(err) {
		return err
	}
	return &awayError{err}
}

// Classes and codes of PostgreSQL's errors that pass.
var passingCodes = map[string]bool{
	"08":    true, // connection exception
	"53300": true, // too many connections
	"55P03": true, // waited too long for a lock
	"57P01": true, // the administrator stops the server
	"57P02": true, // it has crashed
	"57P03": true, // it is starting
	"57P05": true, // idle for too long
	"25P03": true, // idle in a transaction for too long: this process was stopped
	"25P04": true, // the transaction took too long
	"40001": true, // met another transaction, again and again
	"40P01": true,
}

func passes(err error) bool {
	var away *awayError
	if errors.As(err, &away) {
		return false // marked already
	}
	var connect *connectError
	code := codeOf(err)
	return passingCodes[code] || len(code) == 5 && passingCodes[code[:2]] || lost(err) ||
		errors.As(err, &connect) && !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "conn closed")
}

// NotBegun reports whether a write failed before anything of it was sent: there was no
// connection to be had.
func NotBegun(err error) bool {
	var connect *connectError
	return errors.As(err, &connect)
}
