package openai

import "time"

// Kind says whether asking again can help.
type Kind string

const (
	// Transient: the same request may succeed later.
	Transient Kind = "transient"
	// Permanent: the same request will fail again; somebody has to change
	// something first.
	Permanent Kind = "permanent"
)

// Reason says why there is no answer. The list is closed.
type Reason string

const (
	// Permanent, all five. The first four can be another at another model.
	WrongKey    Reason = "wrong_key"
	Forbidden   Reason = "forbidden"     // the key may not use the model
	NoSuchModel Reason = "no_such_model" // at this address
	TooLong     Reason = "too_long"      // for the model
	BadRequest  Reason = "bad_request"   // what was asked is against the rules

	// Transient, all others.
	RateLimited  Reason = "rate_limited"  // too many requests or tokens a minute
	OutOfQuota   Reason = "out_of_quota"  // the account has nothing left: somebody has to pay
	Unavailable  Reason = "unavailable"   // the server is there, and not ready
	Unreachable  Reason = "unreachable"   // the server is not there
	TimedOut     Reason = "timed_out"     // the server said nothing for too long
	Unreadable   Reason = "unreadable"    // the answer makes no sense
	EmptyChoices Reason = "empty_choices" // the answer holds no answer
	Cut          Reason = "cut"           // the answer broke off
)

// Error is a completion that did not come about. Its message is for the person
// who runs the program: one line, bounded, and never with the key in it.
type Error struct {
	Kind   Kind
	Reason Reason
	Status int // of HTTP; 0 if there was no answer
	// RetryAfter is how long to wait at least, as the server asked for or as its limits
	// have it; 0 leaves it to the caller.
	RetryAfter time.Duration
	Message    string
}

func (e *Error) Error() string { return "asking the model: " + e.Message }

func transientError(reason Reason, message string) *Error {
	return &Error{Kind: Transient, Reason: reason, Message: message}
}

func permanentError(reason Reason, message string) *Error {
	return &Error{Kind: Permanent, Reason: reason, Message: message}
}
