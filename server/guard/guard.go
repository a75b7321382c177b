// Package guard stands between every caller and every tool.
//
// Whichever door a call comes through (MCP over HTTP, SSE or stdio, a chat, a
// run in this process), it becomes a [Call] and passes the same stages in the same
// order: see [Guard.stages]. A stage may refuse, answer by itself, or pass the
// call on; the innermost step makes it. Every attempt, refused ones too, leaves
// one [Row] in the [Ledger].
//
// The guard knows no protocol. Only middleware.go speaks MCP: it turns a request
// into a Call and a [Result] into an answer.
//
// An open doubt: a result is kept in the ledger, under the caller's key, for as
// long as the ledger keeps it; nothing here says when a key may be forgotten.
package guard

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"drawbridge/server/auth"
	"drawbridge/tools"
)

// DefaultTimeout is how long a call may take at most, unless Options say otherwise.
const DefaultTimeout = 2 * time.Minute

// Options are the guard's settings. The zero value is right.
type Options struct {
	// Timeout bounds one call of a tool. Zero means DefaultTimeout.
	Timeout time.Duration
	// Timeouts bound the calls of single tools, by name, instead of Timeout.
	Timeouts map[string]time.Duration
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Log gets faults, never arguments or results. Nil discards them.
	Log *slog.Logger
}

// Guard lets calls through, or not. It is safe for concurrent use.
type Guard struct {
	tools map[string]*guarded
	calls *inflight
	outer step
}

// guarded is a tool with all that is worked out about it once.
type guarded struct {
	tools.Tool
	input   *input
	timeout time.Duration
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
	// Defect says what the door could not make sense of. Such a call is refused.
	Defect string
}

// Result is what came of a call: Output or Err, never both.
type Result struct {
	// Output is a JSON object that fits the tool's output schema.
	Output json.RawMessage
	Err    *tools.Error
	// Repeated: an earlier call under the same key was made, and this is its result.
	Repeated bool
}

// New makes the guard of a catalog. Input schemas are compiled here, once; one
// that does not compile is the programmer's mistake: New panics.
func New(catalog *tools.Catalog, ledger Ledger, o Options) *Guard {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Guard{tools: map[string]*guarded{}, calls: newInflight()}
	for _, tool := range catalog.All() {
		timeout := o.Timeouts[tool.Name]
		if timeout <= 0 {
			timeout = o.Timeout
		}
		g.tools[tool.Name] = &guarded{Tool: tool, input: mustCompile(tool), timeout: timeout}
	}
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
		&once{ledger: ledger, now: o.Now, log: o.Log},
		// The limits (rate per principal and tool, running totals such as money per
		// day) belong here: behind once, so that a repeated call costs nothing.
		// Approval comes last, so that a person is only asked about a call that
		// nothing else stands against.
	}
}

// Call passes the call through every stage and, if none objects, makes it. It
// returns when no crash of the process can lose the audit row, and, except for a
// read that was let through, when no power cut can either: see [Ledger].
//
// A read stops when ctx is cancelled. Any other call goes on to its end, or to
// its timeout, even when the caller went away: an effect is not left half done.
func (g *Guard) Call(ctx context.Context, c Call) (result Result) {
	g.calls.enter()
	defer g.calls.leave()
	a := newAttempt(c, g.tools[c.Tool])
	defer func() { a.finish(result) }()
	return g.outer(ctx, a)
}

// Visible reports whether the principal may see, and call, the tool of that name.
func (g *Guard) Visible(p auth.Principal, tool string) bool {
	_, known := g.tools[tool]
	return known && tools.Match(p.Tools, tool)
}

// Drain refuses calls from now on, with tools.Unavailable, and waits until those
// under way are done and recorded. It gives ctx's error if they are not in time.
func (g *Guard) Drain(ctx context.Context) error { return g.calls.drain(ctx) }

// step is what is left of the way: it answers the attempt.
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
