package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// Talk is a run that somebody waits for, carried at once and in this process.
type Talk struct {
	// Run has the agent, the owner and, if retries are to join the first, the key.
	Run          NewRun
	Conversation bridge.Conversation
	// CancelWhenGone: the run is cancelled once nobody listens to it any more.
	CancelWhenGone bool
	// Again: the client says that it has sent this before and had no answer.
	Again bool
}

// Reply continues a run that waits for the results of its caller's own calls.
type Reply struct {
	Run   string // its id
	Owner string // who asks; another's run is ErrNotFound
	// Results are what the calls returned, by the ids that [ExchangeEnd.Calls] gave out.
	// All that are open have to be there.
	Results map[string]string
	// Messages are what the caller said besides.
	Messages []openai.Message
	// Agent is whom the caller means to talk to: another agent's run is ErrNotFound.
	Agent string
	// Functions and Params are what the caller asks for now. They hold from here on in
	// place of those the run began with.
	Functions []openai.Function
	Params    openai.Params
	// Key and Digest are as those of [NewRun]: a reply under a key that was used before
	// joins what came of it. Without a key, the very reply that the run is at work on
	// joins as well: that is a client which lost its connection and tries again.
	Key, Digest    string
	CancelWhenGone bool
	// Again: the client says that it has sent this before and had no answer.
	Again bool
}

// Events of an exchange beside those of the bridge.
const (
	// Parked: the run was put down for a time, as when the model is away; Text is the
	// reason.
	Parked bridge.EventKind = "parked"
	// Resumed: it is carried again, and asks the model anew.
	Resumed bridge.EventKind = "resumed"
)

// Exchange is one question to a run and what comes of it: from its start, or from
// the results that it waited for, to its end, or to where it waits for its caller
// again. Several may listen to one.
type Exchange interface {
	// Run is the run's id.
	Run() string
	// Next gives what happened next, from the exchange's beginning; io.EOF when it is
	// over. All words of a turn come before its Turned, in fewer pieces to a listener that
	// came late or is slow; those of a turn in another process come once it is whole. The
	// end of ctx, or [ErrStopping], leaves the run as it is: it goes on without a listener.
	// What has happened already is given even if ctx has ended, so that a listener can ask
	// with such a context for what there is right now.
	Next(ctx context.Context) (bridge.Event, error)
	// End is how the exchange ended. It counts after io.EOF only.
	End() ExchangeEnd
	// Leave says that nobody will call Next again. It must be called, once.
	Leave()
}

// ExchangeEnd is how an exchange ended.
type ExchangeEnd struct {
	// State is the run's: ended, or Waiting for its caller, or for a person.
	State   State
	Outcome bridge.Outcome
	// Usage is what was used in this exchange. Those of all exchanges add up to the run's.
	Usage bridge.Usage
	// Calls are those that the caller has to make, under ids of ours that no other run
	// has. Waiting with bridge.ClientCalls only.
	Calls []openai.Call
	// Finish is why the model ended its last answer.
	Finish openai.Finish
	// Model is who gave the last answer, by the name its endpoint has for it.
	Model string
	// Refusal is what the model said when it declined, "" if it did not.
	Refusal string
}

// ErrKeyReused: the idempotency key was used before, for another request.
var ErrKeyReused = errors.New("the idempotency key was used for another request")

// ErrUnknownAgent: no agent of the name is configured.
var ErrUnknownAgent = errors.New("there is no such agent")

// ErrStopping: this process is being stopped. What was begun goes on after the next
// start.
var ErrStopping = errors.New("the process is being stopped")

// ErrNotWaiting: the run does not wait for results of its caller.
var ErrNotWaiting = errors.New("the run does not wait for results")

// ErrCancelled: somebody wanted the run cancelled, and it has ended for that, or is
// about to. It is an [ErrEnded].
var ErrCancelled = fmt.Errorf("%w: it was cancelled", ErrEnded)

// ErrExpired: the run has made calls, waited for its caller, and ended because the
// results did not come in time. It is an [ErrEnded].
var ErrExpired = fmt.Errorf("%w: its caller was away for too long", ErrEnded)

// MissingResultsError: not all calls that are open were given a result.
type MissingResultsError struct{ CallIDs []string }

func (e *MissingResultsError) Error() string {
	return fmt.Sprintf("no result for the calls %s", strings.Join(e.CallIDs, ", "))
}
