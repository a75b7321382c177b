package dispatch

import (
	"context"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// life is one carrying of a run, from when it is claimed to when it is put down. To
// the bridge it is the run's journal; what it sees there it passes on to those who
// listen.
type life struct {
	Claimed
	ctx        context.Context // of the worker; ends as well when the run is to be cancelled
	stop       context.CancelCauseFunc
	journal    bridge.Journal
	transcript *transcript
	// known is the whole journal, if the claim came with it.
	known []bridge.Entry
	// callerGone: the run was waiting for its caller, and its time is up.
	callerGone bool
	grew       bool // the run made progress
	// asked is what it asks, if its answers come with batches.
	asked *openai.Request
	hold  *hold
	// begun is closed when the run is in the store, or notBegun says why it is not; nil
	// for a run that was there before.
	begun    chan struct{}
	notBegun error
}

var _ bridge.Journal = (*life)(nil)

// take begins a life of a run that was claimed. It has to be carried.
func (d *Dispatcher) take(ctx context.Context, c Claimed) *life {
	l := &life{Claimed: c, journal: d.store, transcript: d.attach(c.Run.ID), callerGone: c.Parked == string(bridge.ClientCalls)}
	l.ctx, l.stop = context.WithCancelCause(ctx)
	l.transcript.carriedBy(l)
	return l
}

// takeKnown is take for a run whose whole journal is at hand: of a caller who is there.
func (d *Dispatcher) takeKnown(ctx context.Context, c Claimed, known []bridge.Entry) *life {
	l := d.take(ctx, c)
	l.known, l.callerGone = known, false
	return l
}

// holdBy has the life end when what it is of is lost.
func (l *life) holdBy(h *hold) (release func() bool) {
	l.hold = h
	return context.AfterFunc(h.ctx, func() { l.stop(context.Cause(h.ctx)) })
}

// over ends the life.
func (d *Dispatcher) over(l *life) {
	l.stop(nil)
	l.transcript.putDown(l)
	d.detach(l.transcript)
}

func (l *life) Entries(ctx context.Context, run string) ([]bridge.Entry, error) {
	entries := l.known
	if entries == nil {
		var err error
		if entries, err = l.journal.Entries(ctx, run); err != nil {
			return nil, err
		}
	}
	l.known = nil // it would be held in memory for as long as the run is carried
	return entries, l.transcript.resume(l, entries)
}

// begin tells whether the run is in the store now. If it is not, it is stopped.
func (l *life) begin(err error) {
	l.notBegun = err
	close(l.begun)
	if err != nil {
		l.stop(err)
	}
}

// beginning waits until the run is in the store.
func (l *life) beginning() error {
	if l.begun != nil {
		<-l.begun
	}
	return l.notBegun
}

func (l *life) Append(ctx context.Context, lease bridge.Lease, entries ...bridge.Entry) error {
	if err := l.beginning(); err != nil {
		return err
	}
	if err := l.appendPatiently(ctx, lease, entries); err != nil {
		return err
	}
	l.grew = true
	l.transcript.journaled(l, entries)
	return nil
}

// watch hears what the run does.
func (l *life) watch(e bridge.Event) { l.transcript.watched(l, e) }
