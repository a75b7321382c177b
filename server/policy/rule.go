package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
)

// Redact is the outcome of a rule that lets a call through and takes members out of its
// result. It is no action of the guard's.
const Redact guard.Action = "redact"

// Rule is a condition, and what becomes of calls that fit it.
type Rule struct {
	Name string
	When string // CEL, see the variables in env.go
	Then guard.Action
	// Reason is for whoever called: why, and what to do next.
	Reason string
	Terms  guard.Terms // of Approve
	Redact []string    // of Redact: members of the result
}

// Fact is one of the operator's own: the value of an expression over the result of a tool
// that reads.
type Fact struct {
	Tool string
	Args map[string]string // CEL, as conditions
	// Value is CEL over result besides.
	Value string
}

// Subject is what the event of a run is about, as the event itself says.
type Subject struct {
	// Customers are references (ids, mail addresses) in the places where an event names
	// its customer.
	Customers []string
	// Since is when the event came: whoever became a customer later is not one of its.
	Since time.Time
}

// Options are what rules are judged with. The zero value knows of nothing: a rule that
// asks for a fact or a total denies.
type Options struct {
	// Lookup calls a tool that reads, past no stage of the guard.
	Lookup func(ctx context.Context, tool string, arguments json.RawMessage) (json.RawMessage, error)
	// Totals remember what was done.
	Totals guard.Totals
	// Subject gives what a run's event is about; a run without one is about nothing.
	Subject func(ctx context.Context, run string) (Subject, error)
	// Hosts are our own: an address there is not a new one.
	Hosts []string
	Now   func() time.Time
}

// Kind is that of the principal under whose name facts are looked up.
const Kind auth.Kind = "policy"

// Reader is that principal. It may read, and nothing else.
func Reader() auth.Principal {
	return auth.Principal{Kind: Kind, Name: "facts", Tools: []string{"*"}, Effects: []string{"read"}}
}

// Door is through which its calls come.
const Door = "policy"

// RuleError is a mistake in a rule or a fact, found before the first call.
type RuleError struct {
	Rule  int    // its place in the list; of a fact -1
	Fact  string // its name
	Field string // "when", "then", ..., "args.NAME"
	// Line and Column count from 1 inside the value; 0 for the field as a whole.
	Line, Column int
	Message      string
}

func (e *RuleError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}
