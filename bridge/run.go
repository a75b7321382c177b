package bridge

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
)

// Model answers a conversation. An error that is an *openai.Error says whether
// asking again can help; any other is taken to be passing.
type Model interface {
	Complete(ctx context.Context, r openai.Request) (openai.Answer, error)
}

// Options of a Bridge. The zero value is right for a start.
type Options struct {
	// Now is time.Now by default.
	Now func() time.Time
	// Log is silent by default.
	Log *slog.Logger
	// ResultLimit is how many bytes of one result the model is shown, 8 KiB by
	// default. A run keeps the limit it began with.
	ResultLimit int
	// Concurrency bounds the reads of one turn that run side by side, 8 by default.
	Concurrency int
	// Limits is what one request carries at most, 128 functions and 8,000 tokens of
	// definitions by default. A run keeps the limits it began with.
	Limits selection.Limits
	// CallTimeout bounds one call, 2 minutes by default.
	CallTimeout time.Duration
	// Reached, if set, is told that a run has come to a point. Only tests set it: to have
	// the program die there.
	Reached func(Point)
}

// Point is a point in the life of a call at which a program may die.
type Point string

const (
	BeforeIntent Point = "before_intent" // nothing is on disk
	AfterIntent  Point = "after_intent"  // the intent is, and no call was made
	AfterCall    Point = "after_call"    // the tool server has answered
	BeforeResult Point = "before_result" // the result is known, and not on disk
	AfterResult  Point = "after_result"  // it is
)

func (b *Bridge) reached(p Point) {
	if b.options.Reached != nil {
		b.options.Reached(p)
	}
}

// Bridge carries runs. It keeps nothing between them and is safe for concurrent
// use.
type Bridge struct {
	model   Model
	options Options
}

// New makes a bridge to one model.
func New(model Model, o Options) *Bridge {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ResultLimit <= 0 {
		o.ResultLimit = 8 << 10
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 8
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = 2 * time.Minute
	}
	return &Bridge{model: model, options: o}
}

// Agent is who a run acts as.
type Agent struct {
	Name         string
	Instructions string // the system message; none if empty
	Model        string // the model's configured name
	Budget       Budget
	// Always are patterns of tools that go into every request, however many there
	// are; * stands for any run of characters.
	Always []string
	// Fallback names models to ask, in this order, when Model cannot be asked.
	Fallback []string
	// Daily bounds what all runs of the agent use in a day (UTC); a zero field is no
	// bound.
	Daily Budget
	// Window is what the model can take in, in tokens; 128,000 if zero.
	Window int
	// Images: the model can be shown images.
	Images bool
	// Files: the model can be sent documents (PDF).
	Files bool
	// Output is a JSON Schema that the answer has to fit; none if nil.
	Output json.RawMessage
}

// Task is one run to carry. Agent, Prompt and Conversation count for a run without a
// journal only: one that was begun keeps what its brief says. What the agent may use
// in a day is the exception, and counts as it is.
type Task struct {
	Lease   Lease
	Agent   Agent
	Prompt  string
	Journal Journal
	Session *Session
	// Conversation, if set, stands in place of Prompt: somebody talks to the agent.
	Conversation *Conversation
	// CallerGone: nobody will answer the calls that are the caller's to make. A run
	// that waits for that ends.
	CallerGone bool
	// Watch, if set, hears what the run does.
	Watch Watch
	// Today, if set, gives what the agent has used today (UTC), this run's journal
	// included but not the time of its present life, and when the day ends. It is asked
	// before each turn if the agent has a daily budget.
	Today func(ctx context.Context) (used Usage, ends time.Time, err error)
	// Later, if set, is given each question in place of the model. The run then waits, as
	// [Batch], until [LateAnswer] or [LateFailure] has brought what came of it. No
	// functions are offered, and a budget that is used up ends the run without last words.
	Later func(openai.Request)
	// Beside: the model is asked about results while these are made durable. What it says
	// waits for them; of a run that lost its lease it may be asked once in vain.
	Beside bool
	// Whole: what a run that ends has not journaled yet, which is its last answer, is left
	// to the caller, to be written together with the end: see [Outcome.Unwritten].
	Whole bool
	// Worked is the time spent on the run before this life, for the budget.
	Worked time.Duration
	// Tainted: the prompt carries text written by outsiders.
	Tainted bool
	// Refused, if set, is told of a call that the bridge answers itself because it
	// cannot be put to any server (its arguments do not fit, no tool could have the
	// name), so that whoever keeps the record of calls has it as well. The arguments
	// are the model's own text.
	Refused func(ctx context.Context, tool, arguments, why string)
	// Taint, if set, marks the context of calls made after the run has seen such
	// text, so that whoever guards the calls can judge them by it.
	Taint func(context.Context) context.Context
	// Held, if set, is asked right before each call is sent, behind its intent: an error
	// means that somebody else may carry the run by now. Then nothing is called.
	Held func(context.Context) error
	// Fence, if set, marks the context of each call that changes something with Held, for
	// whoever sends the bytes of the call to ask once more: a process may be stopped on the
	// way there for longer than its lease.
	Fence func(ctx context.Context, held func(context.Context) error) context.Context
	// Again, if set, marks the context of a call that is made again because it is known
	// not to have taken effect, so that whoever keeps the keys lets it through.
	Again func(context.Context) context.Context
	// Fresh, if set, marks the context of a look-up that finds out whether a call took
	// effect: what was read before will not do.
	Fresh func(context.Context) context.Context
	// Approval, if set, tells how an approval stands that a call of the run waits for, expired
	// if its time is over. Without it the run waits until then.
	Approval func(ctx context.Context, id string) (Standing, error)
	// Ahead, if set, marks the context of a call that is not to be made, but whose approval
	// is to be asked for, if it needs one, since a call before it waits for its own.
	Ahead func(context.Context) context.Context
	// LookUp, if set, gives the look-up that tells whether a call of a tool of [PolicyCheck]
	// took effect. An error means that there is none any more.
	LookUp func(tool string, arguments json.RawMessage, key string) (LookUp, error)
}

// Run carries a run on from wherever its journal leaves off, until it ends or has
// to wait. A journal that has an outcome gives that outcome, and nothing is done.
//
// The outcome of a run that ends is not journaled here: the caller does, with
// [Outcome.Entry]. Until then Run can be called again and comes to the same end, or
// asks the model once more where it had given no answer.
//
// An error means that this life of the run is over and nothing was decided:
// [ErrFenced], if another worker holds the lease; the context's error, if it
// ended; a journal that fails or makes no sense. When the context ends, reads are
// broken off, but a call that changes something is waited for and journaled first.
func (b *Bridge) Run(ctx context.Context, task Task) (Outcome, error) {
	r := &run{Bridge: b, task: task, log: b.options.Log.With("run", task.Lease.Run)}
	outcome, err := r.carry(ctx)
	switch {
	case err != nil:
		r.log.InfoContext(ctx, "run broken off", "error", err)
		return Outcome{}, err
	case outcome.Status == Waiting:
		r.log.DebugContext(ctx, "run waits", "reason", outcome.Reason)
	default:
		r.log.DebugContext(ctx, "run ended", "status", outcome.Status, "reason", outcome.Reason)
	}
	return outcome, nil
}
