package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// Talk begins a run and carries it at once, in this process, whatever becomes of ctx
// afterwards. It waits until [Dispatcher.Run] works.
//
// Errors: [ErrUnknownAgent], [ErrAnswersLater], [ErrKeyReused], [ErrStopping], a *bridge.ConversationError
// for what the agent cannot be asked.
func (d *Dispatcher) Talk(ctx context.Context, talk Talk) (Exchange, error) {
	run := talk.run()
	if _, ok := d.settings.Agents[run.Agent]; !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownAgent, run.Agent)
	}
	if _, batched := d.settings.Batches[run.Agent]; batched {
		return nil, fmt.Errorf("%w: %q", ErrAnswersLater, run.Agent)
	}
	if err := d.live.ready(ctx); err != nil {
		return nil, err
	}
	if x, err := d.joinFirst(ctx, RequestKey{run.Owner, run.Key, run.Digest}, talk.Again, talk.CancelWhenGone); x != nil || err != nil {
		return x, err
	}
	run.Tainted = run.Tainted || !d.ownWords(ctx, run.Owner, talk.Conversation)
	brief, err := d.brief(ctx, run, &talk.Conversation)
	if err != nil {
		return nil, err
	}
	if run.Key == "" {
		return d.beginAsking(ctx, run, brief, talk.CancelWhenGone)
	}
	// Another request may be first with the key: then the model is not to be asked.
	since := d.mono()
	claimed, place, err := d.store.Begin(ctx, run, brief, LeaseFor)
	switch {
	case err != nil:
		return nil, err
	case claimed == nil:
		return d.join(ctx, place, talk.CancelWhenGone)
	}
	return d.carryLive(ctx, begun{*claimed, []bridge.Entry{brief}, place, since}, talk.CancelWhenGone), nil
}

// run is the run to begin, with what the caller left out.
func (t Talk) run() NewRun {
	run := t.Run
	run.ID, run.Source = cmp.Or(run.ID, NewID("run_")), cmp.Or(run.Source, FromChat)
	for _, m := range slices.Backward(t.Conversation.Messages) {
		if run.Prompt == "" && m.Role == openai.User {
			run.Prompt = m.Content
		}
	}
	return run
}

// asRun is the run as it will be once it is begun.
func (n NewRun) asRun() Run {
	return Run{ID: n.ID, Agent: n.Agent, Owner: n.Owner, Bounds: n.Bounds, Source: n.Source, Event: n.Event, Via: n.Via, Replay: n.Replay, Prompt: n.Prompt, Tainted: n.Tainted,
		Route: n.Route, CallbackURL: n.CallbackURL, Metadata: n.Metadata, Priority: n.Priority, StartAt: n.StartAt, Budget: n.Budget, State: Running}
}

// brief asks the bridge for the entry that opens the run's journal.
func (d *Dispatcher) brief(ctx context.Context, run NewRun, conversation *bridge.Conversation) (bridge.Entry, error) {
	as := run.asRun()
	ctx, session, err := d.session(ctx, as)
	if err != nil {
		return bridge.Entry{}, fmt.Errorf("connecting to the tools: %w", err)
	}
	return d.bridge.Brief(ctx, bridge.Task{Lease: bridge.Lease{Run: run.ID}, Agent: d.agentOf(as), Prompt: run.Prompt, Session: session,
		Conversation: conversation, Tainted: run.Tainted})
}

// beginAsking begins a run, and has the model asked while the disk makes the beginning
// durable. Nothing else happens before it is: what the run would write waits for it,
// and who talks hears nothing before Talk has returned.
func (d *Dispatcher) beginAsking(ctx context.Context, run NewRun, brief bridge.Entry, cancelWhenGone bool) (Exchange, error) {
	claimed := Claimed{Lease: bridge.Lease{Run: run.ID, Epoch: FirstEpoch}, Run: run.asRun()}
	l := d.takeKnown(d.live.ctx, claimed, []bridge.Entry{brief})
	l.begun = make(chan struct{})
	exchange := d.listen(d.attach(run.ID), brief.Seq, cancelWhenGone)
	if !d.live.take(work{run.ID, func(h *hold) { d.carryListened(h, l) }, d.mono()}) {
		d.over(l)
		exchange.gone()
		return nil, ErrStopping
	}
	_, _, err := d.store.Begin(ctx, run, brief, LeaseFor)
	l.begin(err)
	if err != nil {
		exchange.gone()
		return nil, err
	}
	return exchange, nil
}

// begun is a run that was claimed for somebody who listens.
type begun struct {
	claimed Claimed
	entries []bridge.Entry // the whole journal
	place   Place
	since   time.Time // before it was claimed
}

// carryLive carries a run that the caller has claimed, and listens to it. If it comes too
// late for this process the run is put down again, and whoever listens hears of the
// stop: it has begun, so that nobody may be told to ask for it once more.
func (d *Dispatcher) carryLive(ctx context.Context, b begun, cancelWhenGone bool) Exchange {
	run := b.claimed.Run.ID
	l := d.takeKnown(d.live.ctx, b.claimed, b.entries)
	exchange := d.listen(d.attach(b.place.Run), b.place.Seq, cancelWhenGone)
	if !d.live.take(work{run, func(h *hold) { d.carryListened(h, l) }, b.since}) {
		d.over(l)
		if err := d.store.Release(context.WithoutCancel(ctx), b.claimed.Lease); err != nil {
			d.o.Log.Error("putting a run down", "run", run, "err", err) // its lease runs out
		}
	}
	return exchange
}

// carryListened carries a live run. Where nobody else takes up what was put down, it
// does so itself, as long as somebody listens.
func (d *Dispatcher) carryListened(h *hold, l *life) {
	ctx := h.ctx
	t := d.attach(l.Run.ID)
	defer d.detach(t)
	d.carry(l, h)
	for d.live.alone && ctx.Err() == nil && t.awaited() {
		begun := d.mono()
		claimed, due, err := d.store.ClaimRun(ctx, t.run, LeaseFor)
		switch {
		case err != nil:
			return // it has ended, or the store is broken: who listens looks for itself
		case claimed == nil:
			pause(ctx, due.Sub(d.o.Now()))
		default:
			h.renewed(begun)
			d.carry(d.take(ctx, *claimed), h)
		}
	}
}

// awaited reports whether somebody listens to an exchange that is not over.
func (t *transcript) awaited() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.listeners) > 0 && t.open().end == nil
}

// Follow listens to a run from its beginning to where it has ended or waits for its
// caller, wherever it is carried. A run that does not exist is [ErrNotFound].
func (d *Dispatcher) Follow(ctx context.Context, run string) (Exchange, error) {
	return d.join(ctx, Place{Run: run}, false)
}

// join listens to an exchange that was begun before.
func (d *Dispatcher) join(ctx context.Context, place Place, cancelWhenGone bool) (Exchange, error) {
	l := d.listen(d.attach(place.Run), place.Seq, cancelWhenGone)
	if err := d.lookUp(ctx, l.t); err != nil {
		l.gone()
		return nil, err
	}
	return l, nil
}

// joinFirst listens to what came of a request that is sent again: under its idempotency
// key, or, if its client says so, without one. It gives nil for one that is new.
func (d *Dispatcher) joinFirst(ctx context.Context, key RequestKey, again, cancelWhenGone bool) (Exchange, error) {
	if key.Key == "" && (key.Digest == "" || !again) {
		return nil, nil
	}
	place, err := d.store.Keyed(ctx, key)
	if err == nil && key.Key == "" {
		var wanted bool
		if wanted, err = d.unheard(ctx, place.Run); err == nil && !wanted {
			return nil, nil
		}
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return d.join(ctx, place, cancelWhenGone)
}

// retried is how long after a run's end a client may still be asking for its answer
// again because the connection was lost. Those that we know wait for seconds.
const retried = 2 * time.Minute

// unheard reports whether a request that is sent again without a key can be for this
// run: one at work, or just over. What ended without having done anything may as well
// be tried anew.
func (d *Dispatcher) unheard(ctx context.Context, id string) (bool, error) {
	run, err := d.store.Run(ctx, id)
	switch {
	case err != nil || !run.State.Ended():
		return err == nil, err
	case run.State != Succeeded && run.Usage.Calls == 0:
		return false, nil
	}
	return d.o.Now().Sub(run.FinishedAt) < retried, nil
}
