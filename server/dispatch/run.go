package dispatch

import (
	"context"
	"errors"
	"strings"
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

// States are all of them.
var States = []State{Queued, Running, Waiting, Succeeded, Failed, Cancelled, Dead}

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
	// Owner is the principal that started the run, "" if no caller did.
	Owner string
	// Bounds is what the owner may do, where only the token that he came with says so; "" if
	// the settings do. It is for whoever connects the run to its tools, and opaque here.
	Bounds string
	// Source and Event name what started the run; Event is "" for a run started
	// by a person.
	Source, Event string
	// Via names the route of the source that made the run.
	Via string
	// Replay counts the event's replays: 0 for the first run of an event.
	Replay int
	Prompt string
	// Tainted: the prompt carries text from outside.
	Tainted bool
	// Route names the webhook whose callback is owed when the run ends, or "".
	Route string
	// CallbackURL is the address that whoever started the run wants told of its end, or "".
	CallbackURL string
	// Metadata is what whoever started the run noted on it.
	Metadata map[string]string
	Priority Priority
	// StartAt is when the run may begin, zero for at once.
	StartAt time.Time
	State   State
	// Reason is why the run stands where it stands: "answered", "budget_turns",
	// "model_unavailable". Answer is the model's last word.
	Reason, Answer string
	Usage          bridge.Usage
	// Cancel is why somebody wants the run cancelled, "" if nobody does. Whoever carries
	// the run, or takes it next, ends it.
	Cancel string
	// Subject: of the runs of one subject only the first by Arrival, and of the same by id, that has not ended may
	// begin. "" is none.
	Subject string
	Arrival int64
	// Gate is what a queued run waits at.
	Gate Gate
	// Budget bounds the run in place of its agent's, where it is not zero.
	Budget bridge.Budget
	// Attempts counts the faults that parked the run since it last made progress.
	Attempts int
	// Worked is the time that workers have spent on the run. Waiting, and the time
	// between a crash and the next worker, are not in it.
	Worked time.Duration
	// Dead: it is a dead letter. Successor is the run that a person started in its place,
	// SuccessorOf the one that this is in the place of, EditedBy who gave it another
	// prompt than that had.
	Dead                             bool
	Successor, SuccessorOf, EditedBy string
	// EmptiedAt is when its prompt, answer and journal were removed, zero while they are
	// there.
	EmptiedAt                    time.Time
	Created, Started, FinishedAt time.Time
}

// OwesCallback reports whether somebody is to be told of the run's end: the address
// that whoever started it asked for, or else the callback of its route.
func (r Run) OwesCallback() bool { return r.Route != "" || r.CallbackURL != "" }

// NewRun is what it takes to start a run.
type NewRun struct {
	ID, Agent, Source, Event, Prompt, Route string
	// Via names the route of the source that made the run, "" for one named as its agent.
	Via     string
	Replay  int
	Tainted bool
	// Owner is the principal that started the run and may see, continue and cancel it
	// ("key:desk"), "" for one that no caller started.
	Owner string
	// Bounds is as in [Run].
	Bounds string
	// CallbackURL, if set, is the address to tell of the run's end, in place of the
	// route's.
	CallbackURL string
	// Subject and Budget are as in [Run].
	Subject string
	Budget  bridge.Budget
	// Debounce, if set: while a run of the same name is delayed, the newer event takes
	// the older one's place in it, and it may begin at StartAt of the newer, but at
	// StartBy of the older at the latest.
	Debounce string
	StartBy  time.Time
	// Key, if set, is the owner's idempotency key, Digest a hash of what is asked for.
	Key, Digest string
	// Metadata is kept with the run, for whoever started it.
	Metadata map[string]string
	// Priority orders the run among those that are due.
	Priority Priority
	// StartAt is when the run may begin, zero for at once.
	StartAt time.Time
}

// Where a run comes from that no webhook made.
const (
	FromChat = "chat" // somebody talks to it
	FromAPI  = "api"  // a program started it, and does not wait for it
	// FromTerminal: `drawbridge run`, which waits for it.
	FromTerminal = "cli"
)

// Talked reports whether the run is a conversation: somebody waits for its next word.
func (r Run) Talked() bool {
	return r.Owner != "" && r.Source != FromAPI && !strings.HasPrefix(r.Source, FromSchedule)
}

// Claimed is a run leased to the caller. It is running under the lease's epoch,
// and nobody else carries it until the lease runs out.
type Claimed struct {
	Run   Run
	Lease bridge.Lease
	// Parked is the reason that the run was parked for until now; "" if it is new, was
	// given back, or was left by a worker that is gone.
	Parked string
}

// FirstEpoch is that of a run's first lease.
const FirstEpoch = 1

// RequestKey is an idempotency key: a request of the owner under a key that was used
// before is the same request. Digest is a hash of what is asked for. Without a key each
// request is one of its own, and the digest finds the last that asked for the same.
type RequestKey struct{ Owner, Key, Digest string }

// Place is where in a run an exchange begins: with the journal's entry Seq.
type Place struct {
	Run string
	Seq int64
}

// CancelRequest asks whoever carries a run to end it.
type CancelRequest struct{ Run, Why string }

// Ending is how a run ends, with the callback it owes.
type Ending struct {
	State State
	// Entries are the last of the journal before that, if they are not in it yet.
	Entries  []bridge.Entry
	Outcome  bridge.Outcome // closes the journal
	At       time.Time
	Callback *Callback
}

// Decided is the reason that a run waits under which has been decided about, until a
// worker takes it up.
const Decided = "decided"

// ErrEnded: the run has ended already; its end does not change.
var ErrEnded = errors.New("the run has ended")

// ErrNotFound: there is no event, run or callback of this id.
var ErrNotFound = errors.New("not found")

// RunStore keeps runs. Its methods are the arrows of the state diagram.
type RunStore interface {
	bridge.Journal

	// Start adds a queued run and its job.
	Start(ctx context.Context, run NewRun) error
	// Submit is Start for a request that may be sent again: the run, its job and the
	// owner's key in one transaction. If the owner has used the key before nothing is added,
	// fresh is false, and id is that of the run it was used for; for another digest that is
	// ErrKeyReused.
	Submit(ctx context.Context, run NewRun) (id string, fresh bool, err error)
	// ListRuns gives up to limit runs that fit a filter, the newest first.
	ListRuns(ctx context.Context, fits RunFilter, limit int) ([]Run, error)
	// Begin adds a run that is carried at once: running under FirstEpoch, leased, with a
	// journal that brief opens, in one transaction. If the owner has used the run's key before
	// nothing is added, claimed is nil, and place tells what came of the key; for another
	// digest that is ErrKeyReused.
	Begin(ctx context.Context, run NewRun, brief bridge.Entry, lease time.Duration) (claimed *Claimed, place Place, err error)
	// Continue leases a run that waits for the results of its caller's calls, and appends
	// them, in one transaction: waiting -> running. The key is as in Begin. Entries that
	// do not go on from the journal's last, or a run that does not wait for them, is
	// ErrNotWaiting.
	Continue(ctx context.Context, run string, key RequestKey, entries []bridge.Entry, lease time.Duration) (claimed *Claimed, place Place, err error)
	// Keyed tells what came of a key; ErrNotFound if it was not used, ErrKeyReused if it
	// was for another digest.
	Keyed(ctx context.Context, key RequestKey) (Place, error)
	// Run gives one run as it stands.
	Run(ctx context.Context, id string) (Run, error)
	// EntriesAfter gives the journal's entries behind a sequence number.
	EntriesAfter(ctx context.Context, run string, seq int64) ([]bridge.Entry, error)
	// Watch tells of changes of a run and of its journal: the channel receives a value
	// after there may have been one, at once if it was made through this store, and soon if
	// another process made it. stop ends it.
	Watch(run string) (changed <-chan struct{}, stop func())
	// ClaimRuns leases up to limit due runs: queued or waiting -> running, under
	// a new epoch.
	ClaimRuns(ctx context.Context, limit int, lease time.Duration) ([]Claimed, error)
	// ClaimRun leases one run if it is due; a run that is not gives no claim and the
	// time when it will be. One that has ended is ErrEnded.
	ClaimRun(ctx context.Context, id string, lease time.Duration) (claimed *Claimed, due time.Time, err error)
	// Park puts a running run down until a time: running -> waiting. attempts is
	// the new count of faults; an Append sets it to 0. A run that is to be cancelled is
	// due at once instead. The zero time is until somebody decides: the run has no job then.
	Park(ctx context.Context, lease bridge.Lease, until time.Time, reason string, attempts int) error
	// AwaitApproval puts a running run down until people have decided about one of these
	// approvals, or until a time: running -> waiting, as bridge.ApprovalNeeded. One that was
	// decided about already has the run due at once, under [Decided]; whoever decides later
	// has it so with the decision.
	AwaitApproval(ctx context.Context, lease bridge.Lease, approvals []string, until time.Time) error
	// Decide appends what a person says about a call of a run that waits for that, as
	// bridge.OutcomeOpen, and has the run go on if it is ready, all in one transaction:
	// it is due at once then, and waits under [Decided]. Entries that do not go on from the
	// journal's last, or a run that does not wait for them, is bridge.ErrNotUnknown.
	Decide(ctx context.Context, run string, entries []bridge.Entry, ready bool) error
	// Finish ends a running run: its last entries and the outcome's, the end state, and
	// the callback with its job, in one transaction.
	Finish(ctx context.Context, lease bridge.Lease, end Ending) error
	// RequestCancel has a run cancelled, whoever may be at work on it. One that nobody
	// carries and that owes no callback is ended at once: queued or waiting ->
	// cancelled. Any other is marked and, unless somebody carries it, due at once:
	// whoever has it or takes it next ends it, and the state is the one it was marked
	// in. A run that has ended gives its state and ErrEnded.
	RequestCancel(ctx context.Context, id, why string) (State, error)
	// CancelRequests are those of running runs. The store wakes Cancels when there may be
	// one more.
	CancelRequests(ctx context.Context) ([]CancelRequest, error)
	// Release gives a running run back at once, as on shutdown: running -> queued.
	Release(ctx context.Context, lease bridge.Lease) error
	// UsedOn is what the runs of an agent have used on the day (UTC) that a time lies in.
	UsedOn(ctx context.Context, agent string, day time.Time) (bridge.Usage, error)
}
