package bridge

import (
	"context"
	"strings"
)

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
	brief, err := r.brief(ctx)
	if err != nil {
		return nil, err
	}
	r.note(EntryBrief, brief)
	return nil, nil
}

// Brief is the first entry of a new run, for a store that begins the run together
// with it. Something in the task's conversation that cannot be had is a
// *[ConversationError].
func (b *Bridge) Brief(ctx context.Context, task Task) (Entry, error) {
	r := &run{Bridge: b, task: task, log: b.options.Log.With("run", task.Lease.Run)}
	var err error
	if r.functions, err = task.Session.functions(ctx); err != nil {
		return Entry{}, err
	}
	brief, err := r.brief(ctx)
	if err != nil {
		return Entry{}, err
	}
	return brief.Entry(b.options.Now()), nil
}

// brief is what a new run knows about itself.
func (r *run) brief(ctx context.Context) (Brief, error) {
	agent := r.task.Agent
	b := Brief{
		Agent:         agent.Name,
		Model:         agent.Model,
		Fallback:      agent.Fallback,
		Instructions:  agent.Instructions,
		Prompt:        r.task.Prompt,
		Conversation:  r.task.Conversation,
		Budget:        agent.Budget.withDefaults(),
		Window:        agent.Window,
		Images:        agent.Images,
		Files:         agent.Files,
		Output:        agent.Output,
		ResultLimit:   r.options.ResultLimit,
		Tainted:       r.task.Tainted,
		Foreign:       r.functions.foreign,
		Always:        agent.Always,
		Limits:        r.options.Limits,
		FunctionsHash: r.functions.hash,
	}
	b.fitWindow()
	if agent.Output != nil {
		made, err := outputOf(agent.Output)
		if err != nil {
			return Brief{}, err
		}
		b.Instructions = strings.TrimSpace(b.Instructions + "\n\n" + made.words())
	}
	if r.task.Later != nil {
		b.Always, b.Functions, b.FunctionsHash, b.Foreign = nil, []string{}, "", false // there is one turn, and nothing to call in it
		return b, nil
	}
	first := r.functions.choose(b, nil)
	b.Functions, b.LeftOut = first.names, first.leftOut
	if b.Conversation != nil {
		if err := b.check(*b.Conversation); err != nil {
			return Brief{}, err
		}
	}
	r.reportOffer(ctx, first)
	return b, nil
}

// reportOffer logs what the run's requests have no room for.
func (r *run) reportOffer(ctx context.Context, o *offer) {
	if len(o.leftOut) > 0 {
		r.log.InfoContext(ctx, "a request has no room for all functions; the rest can be found with "+findToolsName,
			"offered", len(o.names), "left_out", len(o.leftOut), "names", o.leftOut)
	}
	if len(o.noRoom) > 0 {
		r.log.WarnContext(ctx, "a request has no room for all functions that always go in", "names", o.noRoom)
	}
}
