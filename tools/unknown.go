package tools

import (
	"encoding/json"
	"time"
)

// Policy is what an agent's run does about a call of the tool that was begun and whose
// outcome nobody knows: the program stopped in the middle of it, or the answer was lost.
type Policy string

const (
	// Retry: the call is made again under its key. For reads, and for backends that honour
	// keys.
	Retry Policy = "retry"
	// Check: the tool's look-up tells whether it took effect; where that tells nothing, Ask.
	Check Policy = "check"
	// AskPerson: the run waits until a person has decided.
	AskPerson Policy = "ask"
)

// Valid reports whether p is one of the three policies.
func (p Policy) Valid() bool { return p == Retry || p == Check || p == AskPerson }

// LookUp is how to find out whether a call took effect: by a call of a tool that reads.
type LookUp struct {
	// Tool is its name; its effect has to be Read.
	Tool string
	// After is how long to wait until the backend shows what was done to it.
	After time.Duration
	// Arguments gives those of the look-up for a call that was made.
	Arguments func(call MadeCall) (json.RawMessage, error)
	// Found reports whether the call took effect, from what the look-up returned. An error
	// means that this cannot be told.
	Found func(call MadeCall, result string) (bool, error)
}

// MadeCall is a call whose outcome is not known.
type MadeCall struct {
	Arguments json.RawMessage
	Key       string // its idempotency key
}

// WhenUnknown is the tool's policy: what it says itself, or what follows from the rest.
func (t Tool) WhenUnknown() Policy {
	switch {
	case t.Effect == Read:
		return Retry
	case t.Unknown != "":
		return t.Unknown
	case t.Idempotent:
		return Retry
	case t.LookUp != nil:
		return Check
	}
	return AskPerson
}

// sound reports whether a policy and a look-up go together.
func sound(p Policy, l *LookUp) bool {
	if l != nil && (l.Tool == "" || l.Arguments == nil || l.Found == nil) {
		return false
	}
	return p == "" || p.Valid() && (p == Check) == (l != nil)
}
