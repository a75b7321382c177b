// Package guard stands between every caller and every tool.
//
// Whichever door a call comes through (MCP over HTTP, SSE or stdio, a chat, a
// run in this process), it becomes a [Call] and passes the same stages in the same
// order: see [Guard.stages]. A stage may refuse, answer by itself, or pass the
// call on; the innermost step makes it. Every attempt, refused ones too, leaves
// one [Row] in the [Ledger].
//
// The guard knows no protocol. Only middleware.go and foreign.go speak MCP: the one
// turns a request into a Call and a [Result] into an answer, the other reads and
// passes on what mounted servers returned.
//
// Mounted tools pass the same stages. What differs is that their schemas are not to
// be trusted, neither to be valid nor to be cheap: see mounted.go and stopwatch.go.
//
// An open doubt: a result is kept in the ledger, under the caller's key, for as
// long as the ledger keeps it; nothing here says when a key may be forgotten.
package guard

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

// DefaultTimeout is how long a call may take at most, unless Options say otherwise.
const DefaultTimeout = 2 * time.Minute

// Options are the guard's settings. The zero value is right.
type Options struct {
	// Timeout bounds one call of a tool that has no bound of its own. Zero means
	// DefaultTimeout.
	Timeout time.Duration
	// Policy judges calls. Nil allows everything that is permitted.
	Policy Policy
	// Approvals keeps what people are asked. Nil refuses what needs an approval.
	Approvals Approvals
	// RepeatWindow is for how long the same write of one principal, without a key, is one
	// call, whose result it gets again. Zero: each is another. See [window].
	RepeatWindow time.Duration
	// RepeatEffects are those of the tools that it holds for; nil is DefaultRepeatEffects.
	RepeatEffects []tools.Effect
	// Totals remember what was done how often and for how much. Nil counts nothing.
	Totals Totals
	// Measure says how much a call does; nil knows of no money and of no recipients.
	Measure func(ctx context.Context, q Question) Measure
	// Counted are patterns of tools whose calls count besides those that move money or
	// leave the company.
	Counted []string
	// Limits bound how often calls are made, how many at once, and for how much. They need
	// Totals if they bound what is done in an hour or a day.
	Limits []Limit
	// Redact is what results lose besides what the policy says. Zero is nothing.
	Redact Redaction
	// Caching is which reads are answered with what an earlier one gave.
	Caching Caching
	// Reached is told of points on a call's way, by tests that stop the process there. Nil
	// tells nobody.
	Reached func(Point)
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Log gets faults, never arguments or results. Nil discards them.
	Log *slog.Logger
}

// Guard lets calls through, or not. It is safe for concurrent use.
type Guard struct {
	catalog *tools.Catalog
	options Options
	calls   *inflight
	outer   step

	following sync.Mutex // held while tools is made anew
	tools     atomic.Pointer[map[string]*guarded]
}

// Call is one attempt to call a tool.
type Call struct {
	Principal auth.Principal // the zero value is nobody, who may call nothing
	Door      string         // see auth.DoorHTTP and its like
	Tool      string
	Arguments json.RawMessage // a JSON object; empty or null means {}
	// Key is the caller's idempotency key, "" for none. It belongs to one call of
	// one principal: the same tool with the same arguments.
	Key string
	// Run is the run the call is made in, "" outside of one.
	Run string
	// DryRun: the caller wants to know what the call would do, and nothing done.
	DryRun bool
	// Defect says what the door could not make sense of. Such a call is refused.
	Defect string
}

// Result is what came of a call: Output or Err, never both.
type Result struct {
	// Output is a JSON object that fits the tool's output schema; of a mounted tool
	// it is a whole CallToolResult of MCP.
	Output json.RawMessage
	Err    *tools.Error
	// Mounted: the tool is, and so Output is of the second kind.
	Mounted bool
	// Approval is the id of the approval that the call needed, "" for none; State and
	// Expires say how that stood when the call asked for it.
	Approval        string
	ApprovalState   ApprovalState
	ApprovalExpires time.Time
	// Inconclusive: Err tells that this call did nothing, since it did not get through, and
	// nothing of an earlier one under the same key.
	Inconclusive bool
	// Repeated: an earlier call under the same key was made, and this is its result.
	Repeated bool
	// Redacted: something was taken out of it that the caller does not see.
	Redacted bool
	// Cached: it is what an earlier read gave, that long ago.
	Cached    bool
	CachedAge time.Duration
	// Scopes are those with which the caller's token would open the tool; nil if it is not a
	// scope that is missing.
	Scopes []string
	// Note is a line beside the result, for the model; mostly empty. It is not part of what
	// is remembered of a call.
	Note string
}

// New makes the guard of a catalog, which it follows as mounts come and go. The
// input schemas of built-in tools are compiled here, once; one that does not compile
// is the programmer's mistake: New panics. That of a mounted tool is compiled at the
// tool's first call, and need not be valid: see compileMounted.
func New(catalog *tools.Catalog, ledger Ledger, o Options) *Guard {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Reached == nil {
		o.Reached = func(Point) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Guard{catalog: catalog, options: o, calls: newInflight()}
	g.tools.Store(&map[string]*guarded{})
	catalog.Watch(g.follow)
	g.follow()
	g.outer = chain(g.stages(ledger, o), invoke{log: o.Log}.call)
	return g
}

// stages is what every call passes, outermost first. Change the order here and
// nowhere else.
func (g *Guard) stages(ledger Ledger, o Options) []stage {
	return []stage{
		audit{ledger: ledger, now: o.Now, log: o.Log}, // outermost: a refusal is recorded too
		drain{calls: g.calls},
		permission{},
		validate{}, // before anything is claimed, counted or asked
		&once{ledger: ledger, now: o.Now, log: o.Log, window: newWindow(o)},
		count{totals: o.Totals, measure: o.Measure, also: o.Counted, now: o.Now, log: o.Log}, // before any rule or limit adds up
		policy{rules: o.Policy},                       // behind once: a repeated call is not judged again
		redactResults{settings: o.Redact, log: o.Log}, // behind the policy, which may say what; within once, which so keeps no more than was given
		dryRun{},                               // behind the policy, which may want one; before a limit is used up, or anybody asked
		newLimit(g, o),                         // behind whatever ends a call that is not to be made, and before a person is asked
		cached{caching: o.Caching, now: o.Now}, // behind whatever judges and counts a call; what it answers needs no approval and no claim
		approve{approvals: o.Approvals, reached: o.Reached, now: o.Now, log: o.Log}, // last to ask, so that a person is only asked about a call that nothing else stands against
		claim{ledger: ledger, approvals: o.Approvals, reached: o.Reached, now: o.Now, log: o.Log},
		outdate{cache: o.Caching.Cache}, // around the call itself, and no other: what was refused changed nothing
	}
}

// Call passes the call through every stage and, if none objects, makes it. It
// returns when no crash of the process can lose the audit row, and, except for a
// read that was let through and a call that a run journals, when no power cut can
// either: see [Ledger] and [Row].
//
// A read stops when ctx is cancelled. Any other call goes on to its end, or to
// its timeout, even when the caller went away: an effect is not left half done. What a
// caller may cancel is said at [ErrCancelled].
func (g *Guard) Call(ctx context.Context, c Call) (result Result) {
	return g.carry(ctx, newAttempt(c, g.lookup(c.Tool)))
}

func (g *Guard) carry(ctx context.Context, a *attempt) (result Result) {
	g.calls.enter()
	defer g.calls.leave()
	a.caller = ctx
	defer func() {
		result.Mounted = a.tool != nil && a.tool.Mounted
		result.Inconclusive = a.inconclusive(result.Err)
		a.finish(result)
	}()
	return g.outer(ctx, a)
}

// Visible reports whether the principal may see, and call, the tool of that name.
func (g *Guard) Visible(p auth.Principal, tool string) bool {
	known := g.lookup(tool)
	return known != nil && may(p, known, tool)
}

// Drain refuses calls from now on, with tools.Unavailable, and waits until those
// under way are done and recorded. It gives ctx's error if they are not in time.
func (g *Guard) Drain(ctx context.Context) error { return g.calls.drain(ctx) }

// step is what is left of the way: it answers the attempt. What a stage says or does rarely
// stands in a function of its own: its variables would lie on the stack of every call, which
// has all stages and the tool below each other.
type step func(ctx context.Context, a *attempt) Result

// stage is one check on the way. It gives the step that does its part around next.
type stage interface {
	around(next step) step
}

// chain puts the stages around the innermost step, the first of them outermost.
func chain(stages []stage, innermost step) step {
	next := innermost
	for i := len(stages) - 1; i >= 0; i-- {
		next = stages[i].around(next)
	}
	return next
}
