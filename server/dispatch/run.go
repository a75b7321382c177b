package dispatch

import (
	"context"
	"errors"
	"time"

	"drawbridge/bridge"
)

// State is where a run stands. The names are the same in the store, the API, the
// commands and the documents.
type State string

const (
	Queued    State = "queued"
	Running   State = "running"
	Waiting   State = "waiting" // parked until a time or an event; holds no worker
	Succeeded State = "succeeded"
	Failed    State = "failed"    // ended by a named reason: a budget, a refusal, a wrong setting
	Cancelled State = "cancelled" // a person stopped it
	Dead      State = "dead"      // gave up after repeated faults of model or machine
)

// Ended reports whether nothing more will happen to a run in this state.
func (s State) Ended() bool {
	switch s {
	case Succeeded, Failed, Cancelled, Dead:
		return true
	}
	return false
}

// Run is one durable agent run.
type Run struct {
	ID    string // "run_..."
	Agent string
	// Source and Event name what started the run; Event is "" for a run started
	// by a person.
	Source, Event string
	// Replay counts the event's replays: 0 for the first run of an event.
	Replay int
	Prompt string
	// Tainted: the prompt carries text from outside.
	Tainted bool
	// Route names the webhook whose callback is owed when the run ends, or "".
	Route string
	State State
	// Reason is why the run stands where it stands: "answered", "budget_turns",
	// "model_unavailable". Answer is the model's last word.
	Reason, Answer string
	Usage          bridge.Usage
	// Attempts counts the faults that parked the run since it last made progress.
	Attempts int
	// Worked is the time that workers have spent on the run. Waiting, and the time
	// between a crash and the next worker, are not in it.
	Worked                       time.Duration
	Created, Started, FinishedAt time.Time
}

// NewRun is what it takes to start a run.
type NewRun struct {
	ID, Agent, Source, Event, Prompt, Route string
	Replay                                  int
	Tainted                                 bool
}

// Claimed is a run leased to the caller. It is running under the lease's epoch,
// and nobody else carries it until the lease runs out.
type Claimed struct {
	Run   Run
	Lease bridge.Lease
}

// Ending is how a run ends, with the callback it owes.
type Ending struct {
	State    State
	Outcome  bridge.Outcome // closes the journal
	At       time.Time
	Callback *Callback
}

// ErrEnded: the run has ended already; its end does not change.
var ErrEnded = errors.New("the run has ended")

// ErrNotFound: there is no event, run or callback of this id.
var ErrNotFound = errors.New("not found")

// RunStore keeps runs. Its methods are the arrows of the state diagram.
type RunStore interface {
	bridge.Journal

	// Start adds a queued run and its job.
	Start(ctx context.Context, run NewRun) error
	// ClaimRuns leases up to limit due runs: queued or waiting -> running, under
	// a new epoch.
	ClaimRuns(ctx context.Context, limit int, lease time.Duration) ([]Claimed, error)
	// ClaimRun leases one run if it is due; a run that is not gives no claim and the
	// time when it will be. One that has ended is ErrEnded.
	ClaimRun(ctx context.Context, id string, lease time.Duration) (claimed *Claimed, due time.Time, err error)
	// Park puts a running run down until a time: running -> waiting. attempts is
	// the new count of faults; an Append sets it to 0.
	Park(ctx context.Context, lease bridge.Lease, until time.Time, reason string, attempts int) error
	// Finish ends a running run: the outcome entry, the end state, and the
	// callback with its job, in one transaction.
	Finish(ctx context.Context, lease bridge.Lease, end Ending) error
	// Cancel ends a run that nobody carries and that owes no callback: queued or
	// waiting -> cancelled.
	Cancel(ctx context.Context, id, reason string) error
	// Release gives a running run back at once, as on shutdown: running -> queued.
	Release(ctx context.Context, lease bridge.Lease) error
}
