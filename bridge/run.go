package bridge

import (
	"context"
	"errors"
	"fmt"
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
	Model        string // the model's name at its endpoint
	Budget       Budget
	// Always are patterns of tools that go into every request, however many there
	// are; * stands for any run of characters.
	Always []string
}

// Task is one run to carry. Agent and Prompt count for a run without a journal
// only: one that was begun keeps what its brief says.
type Task struct {
	Lease   Lease
	Agent   Agent
	Prompt  string
	Journal Journal
	Session *Session
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
}

// Run carries a run on from wherever its journal leaves off, until it ends or has
// to wait. A journal that has an outcome gives that outcome, and nothing is done.
//
// The outcome of a run that ends is not journaled here: the caller does, with
// [Outcome.Entry]. Until then Run can be called again and comes to the same end.
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
		r.log.InfoContext(ctx, "run waits", "reason", outcome.Reason)
	default:
		r.log.InfoContext(ctx, "run ended", "status", outcome.Status, "reason", outcome.Reason)
	}
	return outcome, nil
}

// run is one life of a run.
type run struct {
	*Bridge
	task      Task
	log       *slog.Logger
	history   *history
	functions *functions
	offer     *offer  // of the last request
	seen      int     // turns that the offer follows from
	pending   []Entry // applied to the history, not yet durable
}

func (r *run) carry(ctx context.Context) (Outcome, error) {
	entries, err := r.task.Journal.Entries(ctx, r.task.Lease.Run)
	if err != nil {
		return Outcome{}, fmt.Errorf("reading the journal: %w", err)
	}
	if r.history, err = replay(r.task.Lease.Run, entries); err != nil {
		return Outcome{}, err
	}
	r.history.worked, r.history.began = r.task.Worked, r.options.Now()
	if r.history.outcome != nil {
		return *r.history.outcome, nil
	}
	if outcome, over := r.history.ended(); over {
		return outcome, nil
	}
	outcome, err := r.open(ctx)
	for outcome == nil && err == nil {
		outcome, err = r.step(ctx)
	}
	if err != nil {
		return Outcome{}, err
	}
	return *outcome, r.commit(ctx)
}

// open lists the functions, and opens the journal of a new run.
func (r *run) open(ctx context.Context) (*Outcome, error) {
	var err error
	r.functions, err = r.task.Session.functions(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return r.history.waiting(ToolsUnavailable, err.Error(), 0), nil
	}
	r.functions.report(ctx, r.log)
	if r.history.last > 0 {
		if r.history.brief.FunctionsHash != r.functions.hash {
			r.log.InfoContext(ctx, "resumed with other functions than it began with")
		}
		return nil, nil
	}
	r.note(EntryBrief, r.brief(ctx))
	return nil, r.commit(ctx)
}

// brief is what a new run knows about itself.
func (r *run) brief(ctx context.Context) Brief {
	b := Brief{
		Agent:         r.task.Agent.Name,
		Model:         r.task.Agent.Model,
		Instructions:  r.task.Agent.Instructions,
		Prompt:        r.task.Prompt,
		Budget:        r.task.Agent.Budget.withDefaults(),
		ResultLimit:   r.options.ResultLimit,
		Tainted:       r.task.Tainted,
		Always:        r.task.Agent.Always,
		Limits:        r.options.Limits,
		FunctionsHash: r.functions.hash,
	}
	first := r.functions.choose(b, r.functions.matching(b.Always))
	b.Functions, b.LeftOut = first.names, first.leftOut
	if len(b.LeftOut) > 0 {
		r.log.InfoContext(ctx, "a request has no room for all functions; the rest can be found with "+findToolsName,
			"offered", len(b.Functions), "left_out", len(b.LeftOut), "names", b.LeftOut)
	}
	if len(first.noRoom) > 0 {
		r.log.WarnContext(ctx, "a request has no room for all functions that always go in", "names", first.noRoom)
	}
	return b
}

// step does what comes next: the calls of the last answer, or the next question.
// An outcome means that nothing does.
func (r *run) step(ctx context.Context) (*Outcome, error) {
	if t := r.history.open(); t != nil {
		return r.act(ctx, t)
	}
	if outcome, over := r.history.ended(); over {
		return &outcome, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if reason := r.history.beforeAsking(r.options.Now()); reason != "" {
		return r.history.failed(reason, ""), nil
	}
	return r.ask(ctx)
}

// ask puts one question to the model and notes the answer, to be committed with
// what follows from it.
func (r *run) ask(ctx context.Context) (*Outcome, error) {
	timed, cancel := context.WithTimeout(ctx, r.history.wallLeft(r.options.Now()))
	defer cancel()
	answer, err := r.model.Complete(timed, r.history.request(r.offered()))
	if err == nil {
		r.note(EntryAnswer, answer)
		return nil, nil
	}
	var failure *openai.Error
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case timed.Err() != nil:
		return r.history.failed(BudgetWall, ""), nil
	case !errors.As(err, &failure):
		return r.history.waiting(ModelUnavailable, err.Error(), 0), nil
	case failure.Kind == openai.Transient:
		return r.history.waiting(ModelUnavailable, failure.Message, failure.RetryAfter), nil
	}
	return r.history.failed(ModelError, failure.Message), nil
}

// note applies an entry to the history and holds it for the next commit.
func (r *run) note(kind EntryKind, body any) {
	e := Entry{Seq: r.history.last + 1, Kind: kind, At: r.options.Now(), Body: encode(body)}
	if err := r.history.apply(e); err != nil {
		panic(fmt.Sprintf("bridge: noting an entry of its own: %v", err))
	}
	r.pending = append(r.pending, e)
}

// commit makes what was noted durable. It does so for a run that is being stopped
// as well: what happened has happened.
func (r *run) commit(ctx context.Context) error {
	if len(r.pending) == 0 {
		return nil
	}
	if err := r.task.Journal.Append(context.WithoutCancel(ctx), r.task.Lease, r.pending...); err != nil {
		return fmt.Errorf("journaling: %w", err)
	}
	r.pending = nil
	return nil
}
