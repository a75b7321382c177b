package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// An agent whose answers come with batches asks no model at once. Its run is claimed like
// any other, and the bridge says what it asks; the question joins a batch, and the run
// waits, without a worker. What the batch brings goes into the run's journal, and the
// bridge goes on with it: it ends the run, or asks once more, in the next batch.

// BatchSettings say how an agent's questions are asked in batches.
type BatchSettings struct {
	Limits BatchLimits
	// Poll is how long to wait before the provider is asked how far a batch is; later on
	// for longer.
	Poll time.Duration
	// Discount is how much less than its price an answer costs, in percent.
	Discount int
}

// ErrAnswersLater: the agent's answers come with batches, within a day; nobody can talk
// to it.
var ErrAnswersLater = errors.New("the agent answers in batches, within a day, and cannot be talked to: start a run, and look for its answer later")

// batchLook is when a run that waits for a batch is looked at again, whatever happens: a
// batch takes a day at most, and may have to be made a few times.
const batchLook = 48 * time.Hour

// later has the bridge give the run's question out of its hands, if answers come later.
func (d *Dispatcher) later(l *life, task *bridge.Task) {
	if _, batched := d.settings.Batches[l.Run.Agent]; !batched {
		return
	}
	task.Later = func(r openai.Request) { l.asked = &r }
	if b := &task.Agent.Budget; b.Turns <= 0 || b.Turns > MostBatchTurns {
		b.Turns = MostBatchTurns
	}
}

// MostBatchTurns is how many answers a run may have that come with batches: the one, and
// two more in place of what was empty or did not fit its form.
const MostBatchTurns = 3

// brought takes what came of a run's question into its journal. An outcome means that
// the run has to wait on, or is over; without one the bridge goes on.
func (d *Dispatcher) brought(l *life) (*bridge.Outcome, error) {
	if _, batched := d.settings.Batches[l.Run.Agent]; !batched && l.Parked == "" {
		return nil, nil // of a run that waited before, the agent may have answered in batches then
	}
	q, err := d.store.Question(l.ctx, l.Run.ID)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := d.store.Entries(l.ctx, l.Run.ID)
	if err != nil || int64(len(entries)) != q.Seq {
		return nil, err // it is in the journal already
	}
	switch {
	case q.Result == nil:
		return &bridge.Outcome{Status: bridge.Waiting, Reason: bridge.Batch}, nil
	case q.Result.Answer == nil:
		failed, err := bridge.LateFailure(l.Run.ID, entries, q.Result.Reason, q.Result.Detail)
		return &failed, err
	}
	entry, err := bridge.LateAnswer(l.Run.ID, entries, *q.Result.Answer, d.o.Now())
	if err == nil {
		err = d.store.Append(context.WithoutCancel(l.ctx), l.Lease, entry)
	}
	l.grew = l.grew || err == nil
	return nil, err
}

// collect puts a run down that waits for a batch, with the question that it asks now.
func (d *Dispatcher) collect(ctx context.Context, l *life) error {
	until := d.o.Now().Add(batchLook)
	if l.asked == nil {
		if err := d.store.AwaitBatch(ctx, l.Lease, until); err != nil {
			return err
		}
		l.transcript.putOff(l, string(bridge.Batch))
		return nil
	}
	line, err := d.o.Batches.Line(l.Run.ID, *l.asked)
	if err != nil {
		return d.unaskable(ctx, l, err)
	}
	q := Question{Agent: l.Run.Agent, Model: l.asked.Model, Line: line}
	batch, err := d.store.Collect(ctx, l.Lease, q, d.settings.Batches[l.Run.Agent].Limits, until)
	if err != nil {
		return err
	}
	d.o.Log.Info("run waits for a batch", "run", l.Run.ID, "agent", l.Run.Agent, "batch", batch)
	l.transcript.putOff(l, string(bridge.Batch))
	return nil
}

// unaskable ends a run whose question cannot be written.
func (d *Dispatcher) unaskable(ctx context.Context, l *life, why error) error {
	entries, err := d.store.Entries(ctx, l.Run.ID)
	if err != nil {
		return err
	}
	failed, err := bridge.LateFailure(l.Run.ID, entries, bridge.ModelError, why.Error())
	if err != nil {
		return d.fault(ctx, l, bridge.Outcome{Reason: "fault", Answer: err.Error()})
	}
	return d.finish(ctx, l, Failed, failed)
}

// batchEvents are those of OpenAI's webhooks that tell of a batch's end.
var batchEvents = map[string]bool{"batch.completed": true, "batch.failed": true, "batch.expired": true, "batch.cancelled": true}

// toldOfABatch wakes the batch that an event of OpenAI's tells of; false if the event is
// none of a batch of ours, and is to be routed. An event that comes before the batch's id
// is noted here is not known to be ours: then the batch is looked at in its time.
func (d *Dispatcher) toldOfABatch(ctx context.Context, log *slog.Logger, event StoredEvent) bool {
	_, openAIs := d.settings.OpenAI[event.Source]
	said := openAIEvent(event)
	if !openAIs || !batchEvents[said.Type] {
		return false
	}
	batch, err := d.store.WakeBatch(ctx, said.Data.ID)
	if errors.Is(err, ErrNotFound) {
		return false
	}
	if err == nil {
		_, err = d.store.Route(ctx, event.ID, Routing{Status: Ignored, Note: "it tells that batch " + batch + " is over, and woke it"})
	}
	if err != nil && !errors.Is(err, ErrEnded) {
		log.Error("taking up what an event tells of a batch", "err", err) // its lease runs out
		return true
	}
	log.Info("event woke a batch", "batch", batch, "type", said.Type)
	return true
}

// openAIObject is what all events of OpenAI's webhooks have (API reference, "Webhook
// events").
type openAIObject struct {
	Type string `json:"type"`
	Data struct {
		ID string `json:"id"`
	} `json:"data"`
}

func openAIEvent(event StoredEvent) openAIObject {
	var said openAIObject
	_ = json.Unmarshal(event.Body, &said) // what is no event of theirs has no type
	return said
}
