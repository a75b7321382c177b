package tools

import (
	"errors"
	"fmt"
	"time"
)

// Code is the part of an error that callers act on. The list is closed.
type Code string

const (
	// NotFound: the thing named does not exist; look it up first.
	NotFound Code = "not_found"
	// Invalid: the arguments are wrong; correct them and call again.
	Invalid Code = "invalid"
	// Conflict: the state of the thing does not allow this now (already
	// refunded, already void), or a unique value is taken.
	Conflict Code = "conflict"
	// Denied: the caller may not do this, whatever the arguments.
	Denied Code = "denied"
	// RateLimited: too many calls; try again later.
	RateLimited Code = "rate_limited"
	// Unavailable: the backend could not be reached or is out of order; nothing
	// was changed.
	Unavailable Code = "unavailable"
	// OutcomeUnknown: the call was sent and nobody can say whether it took
	// effect. It must not be repeated blindly.
	OutcomeUnknown Code = "outcome_unknown"
	// Failed: the tool's own system says that the call did not work; the message is
	// its own. It does not say whether a part of the effect took place.
	Failed Code = "failed"
	// DryRun: the call was not made, because it was in dry run; the message says what it
	// would do.
	DryRun Code = "dry_run"
	// ApprovalRequired: people have to agree to the call first, and are asked. Nothing was
	// done; the same call finds their decision.
	ApprovalRequired Code = "approval_required"
	// Cancelled: the caller took the call back before it was done; nothing was changed.
	Cancelled Code = "cancelled"
	// Internal: a fault of ours. The message never carries its cause.
	Internal Code = "internal"
)

// Error is an error whose message is written for the model that called the tool:
// what was wrong, where, and what to do next. It never holds a stack or a secret.
type Error struct {
	Code    Code
	Message string
	// Retryable: the same call, with the same idempotency key, may succeed later.
	Retryable bool
	// RetryAfter is how long to wait before that, 0 if nobody can say.
	RetryAfter time.Duration

	cause error
}

// Errorf makes an *Error. A %w operand is kept as the cause for logs and
// errors.Is, and its text becomes part of the message: wrap only causes whose
// text may be shown.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{
		Code:      code,
		Message:   err.Error(),
		Retryable: code == RateLimited || code == Unavailable,
		cause:     errors.Unwrap(err),
	}
}

// Hide wraps a fault of ours: the model is told only that the tool broke, the
// cause stays for the log.
func Hide(cause error) *Error {
	return &Error{
		Code:    Internal,
		Message: "the tool failed for a reason of its own; the arguments were not at fault. Say so, and go on without it.",
		cause:   cause,
	}
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Unwrap gives the cause, for logs and errors.Is.
func (e *Error) Unwrap() error { return e.cause }

// AsError gives err as an *Error: itself if it is one, else hidden as Internal.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Hide(err)
}

// CodeOf is the code of err: "" for nil, Internal for an error that is not an *Error.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}
