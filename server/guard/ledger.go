package guard

import (
	"context"
	"encoding/json"
	"time"

	"drawbridge/tools"
)

// Ledger is the guard's memory, which outlives the process: which calls were made
// under which key, and one audit row for each attempt.
type Ledger interface {
	// Claim notes, durably, that the call under c.Key is about to be made, and
	// gives what is known of an earlier call under the same principal and key.
	// Only the first claim finds Prior.State == Fresh; one that c says has been long
	// enough ago is as if it had never been made, and the claim replaces it.
	Claim(ctx context.Context, c Claim) (Prior, error)
	// Lookup reads what is known of an earlier call under the key and writes
	// nothing. It serves tools whose backend stores the key with the effect: they
	// need no claim, only the first result.
	Lookup(ctx context.Context, principal, key string) (Prior, error)
	// Record appends the audit row and, if settled is not nil, stores the call's
	// first result under its key: both in one transaction. It returns when no crash
	// of the process can lose them; and, except for the row of a read that was let
	// through and one that is Journaled, when no power cut can either. A row that is
	// Journaled is on disk before whatever this process writes after it. A key without a
	// claim is settled all the same, with the tool and digest of the settlement; a key that
	// is settled already keeps its first result.
	Record(ctx context.Context, row Row, settled *Settlement) error
}

// Claim names one intended call.
type Claim struct {
	Principal string // auth.Principal.String()
	Key       string // idempotency key
	Tool      string
	Digest    string // hex SHA-256 of the canonical arguments
	At        time.Time
	// Ended and Begun say from when on earlier calls count: those that were settled, by
	// when they were, and those that were not, by when they were claimed. Zero: all do.
	Ended, Begun time.Time
}

// PriorState says what is known of earlier calls under a key.
type PriorState string

const (
	// Fresh: nobody used this key before.
	Fresh PriorState = "fresh"
	// Started: a call was claimed and never settled: it may have taken effect.
	Started PriorState = "started"
	// Settled: a call was made and its result is in Prior.Result.
	Settled PriorState = "settled"
)

// Prior is what the ledger knows of earlier calls under a key.
type Prior struct {
	State  PriorState
	Tool   string // of the earlier call
	Digest string // of the earlier call
	Result json.RawMessage
	// At is when it was settled, or else claimed; of a fresh claim its own, as it is
	// stored. It may be cut to milliseconds.
	At time.Time
}

// Stands reports whether what is known forbids the call, whoever says that it may be made
// again: it has its result, or the key is another call's.
func (p Prior) Stands(c Claim) bool {
	return p.State == Settled || p.State == Started && (p.Tool != c.Tool || p.Digest != c.Digest)
}

// Settlement is the first result of a call under a key. An empty Result gives a
// claim up instead: the call failed without effect and the key may be used again.
type Settlement struct {
	Principal, Key string
	Tool, Digest   string // as in Claim
	Result         json.RawMessage
	At             time.Time
	// Unused is the id of an approval that was used up for a call that took no effect: it
	// is given back. "" is none; without a Key there is nothing else to be stored.
	Unused string
}

// Decision is what the guard made of an attempt.
type Decision string

const (
	Allowed  Decision = "allowed"
	Refused  Decision = "refused"
	Repeated Decision = "repeated" // answered from the ledger, not called again
)

// Row is one audit record: who tried what through which door, what was decided
// by which rule, and what came of it.
type Row struct {
	At        time.Time
	Principal string
	Door      string // stdio, sse, http, agent
	Tool      string
	Effect    tools.Effect    // "" for a tool there is none of
	Arguments json.RawMessage // redacted
	Decision  Decision
	Rule      string // the stage and reason that decided: "permission: ...", "" when allowed, unless "cache: ..." answered
	Outcome   string // ok, or a tools.Code
	Duration  time.Duration
	Run       string
	Key       string
	Tainted   bool   // the run had read text from outside
	DryRun    bool   // the call was not made: it was answered with what it would do
	Approval  string // the id of the approval that it waits for, or was made under
	Policy    string // the version of the rules that judged it, "" if none did
	// Journaled: the call is a run's, of a tool that may be called again. The run journals the
	// result before it does anything with it, and makes the call again, under its key, if
	// that was lost: then there is a row again. So the row need not wait for the disk
	// itself where nothing can lose it but what also ends this process.
	Journaled bool
	// Doubted: whether the row was written, and the call settled with it, is not known, since
	// the answer to a commit was lost. What is there already is left as it is. Only rows of
	// runs are looked for: of another call there are two then, of one time and key.
	Doubted bool
}

// Outdates reports whether an earlier call is too long ago to count.
func (c Claim) Outdates(prior Prior) bool {
	since := c.Ended
	if prior.State == Started {
		since = c.Begun
	}
	return prior.State != Fresh && prior.At.Before(since)
}
