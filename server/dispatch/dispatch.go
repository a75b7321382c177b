package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/callback"
)

// Target is where a route's callbacks go.
type Target struct {
	URL      string
	Secrets  []callback.Secret
	Schedule callback.Schedule
	EndpointLimit
}

// CallbackRules hold for all callbacks. The zero value disables no endpoint for its
// failures, and signs nothing that a request asks for.
type CallbackRules struct {
	// Secrets and Schedule are for the addresses that requests name.
	Secrets  []callback.Secret
	Schedule callback.Schedule
	// AtOnce is how many attempts may be under way at one endpoint; 4 if zero.
	AtOnce int
	// Patience with an endpoint that does nothing but fail.
	Patience
	// Obey: receivers may say by a header that they want no more.
	Obey bool
	// PublicURL is where this server is reached: what a callback is too small for can be
	// fetched there.
	PublicURL string
}

// Settings are what the dispatcher works by: plain values, made from the
// configuration by whoever wires it.
type Settings struct {
	Agents  map[string]bridge.Agent
	Sources map[string]*Source // by name, with compiled routes
	Targets map[string]Target  // by the name that routes call them
	// Callbacks hold for all targets, and for the addresses that requests name.
	Callbacks CallbackRules
	// Batches are the agents whose answers come with batches, by their names.
	Batches map[string]BatchSettings
	// OpenAI are the sources of OpenAI's own webhooks.
	OpenAI map[string]OpenAISource
	// Schedules are by name, compiled.
	Schedules map[string]*Schedule
}

// OpenAISource is a source of OpenAI's own webhooks: some of its events tell that a batch
// of ours is over.
type OpenAISource struct {
	// Fetch has the responses fetched that its other events tell of.
	Fetch bool
}

// Options have working zero values.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// Runs and Callbacks bound how many are under way at once; 32 and 64 if zero.
	Runs, Callbacks int
	// MaxAttempts is how many faults in a row end a run as dead; 8 if zero (RUN-07).
	MaxAttempts int
	// Taint, if set, marks the context of calls made after a run has read text from
	// outside, for whoever guards them.
	Taint func(ctx context.Context) context.Context
	// Fence, if set, marks the context of whatever must not be done by two nodes with what
	// tells whether it is still ours to do, for whoever sends its bytes to ask last.
	Fence func(ctx context.Context, still func(context.Context) error) context.Context
	// Again, if set, marks the context of calls that are made again because they are known
	// not to have taken effect, for whoever guards them. LookUp, if set, gives what tells
	// whether a call took effect; Fresh marks the context of that, which is not to be answered
	// with what was read before.
	Again  func(ctx context.Context) context.Context
	Fresh  func(ctx context.Context) context.Context
	LookUp func(tool string, arguments json.RawMessage, key string) (bridge.LookUp, error)
	// Approval, if set, tells how an approval stands that a run waits for. Ahead, if set, marks
	// the context of calls that are not to be made, but whose approval is to be asked for.
	Approval func(ctx context.Context, id string) (bridge.Standing, error)
	Ahead    func(ctx context.Context) context.Context
	// Reached, if set, is told that a run has come to a point. Only tests set it: to have
	// the program die there.
	Reached func(bridge.Point)
	// Refused, if set, is told of calls that a model asked for and that could not be
	// put to the tools at all.
	Refused func(ctx context.Context, function, arguments, why string)
	// Aside, if set, prepares the context of a run for the records of its calls to be
	// written together with its journal; rest writes those that were left.
	Aside func(ctx context.Context) (prepared context.Context, rest func())
	// ClientWait is how long a run waits for the results of calls that are its
	// caller's to make; an hour if zero.
	ClientWait time.Duration
	// Batches has models asked in batches. It is needed where an agent is.
	Batches *openai.Batches
	// Random gives [0, 1) for the jitter of retries; math/rand if nil.
	Random func() float64
	// Jobs calls for work when it is due; if nil, the pools look for themselves.
	Jobs JobEngine
}

// Dispatcher moves work along. Make it with New, let it Run.
type Dispatcher struct {
	store    Store
	bridge   *bridge.Bridge
	session  SessionFunc
	sender   *callback.Sender
	settings Settings
	signing  atomic.Pointer[signing]
	o        Options
	live     *live
	rivals   *rivals
	mono     func() time.Time

	mu          sync.Mutex
	transcripts map[string]*transcript // of runs that are carried or listened to here
}

// SessionFunc gives the MCP session that a run calls its tools through, and the
// context that says who the run is to whoever guards them. An error that is
// [ErrUnconfigured] puts the run down for other settings to take up.
type SessionFunc func(ctx context.Context, run Run) (context.Context, *bridge.Session, error)

// ErrUnconfigured: the settings of this process do not name what a run needs, such as
// its owner. It is not ended for that, and no fault is counted.
var ErrUnconfigured = errors.New("not configured here")

// New makes a dispatcher.
func New(store Store, b *bridge.Bridge, session SessionFunc, sender *callback.Sender, settings Settings, o Options) *Dispatcher {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Runs == 0 {
		o.Runs = 32
	}
	if o.Callbacks == 0 {
		o.Callbacks = 64
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 8
	}
	if o.ClientWait == 0 {
		o.ClientWait = time.Hour
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Batches == nil && len(settings.Batches)+len(settings.OpenAI) > 0 {
		panic("dispatch: agents that answer in batches, and OpenAI's events, need Options.Batches")
	}
	d := &Dispatcher{store: store, bridge: b, session: session, sender: sender, settings: settings, o: o, transcripts: map[string]*transcript{},
		rivals: newRivals(), mono: time.Now}
	d.Resign(settings)
	d.live = newLive(d.pool(RunJob, 0, nil))
	return d
}

// Run works until ctx ends. Then it claims nothing more, stops the runs at their
// next step (a call in flight that changes something is waited for and journaled)
// and returns when all are put down. It is called once.
func (d *Dispatcher) Run(ctx context.Context) {
	quiet := context.WithoutCancel(ctx)
	var pools sync.WaitGroup
	defer pools.Wait()
	pools.Go(func() { d.live.run(ctx) })
	pools.Go(func() { d.watchCancels(ctx) })
	if !d.setLanes(ctx) {
		return
	}
	began, planned := d.planSchedules(ctx)
	if !planned {
		return
	}
	all := []*pool{
		d.pool(EventJob, d.o.Runs, d.claimEvents).with(quiet),
		d.pool(RunJob, d.o.Runs, d.claimRuns).with(ctx),
		d.callbackPool().with(quiet),
		d.pool(BatchJob, batchWorkers, d.claimBatches).with(ctx),
		d.schedulePool(began).with(quiet),
	}
	if d.o.Jobs != nil {
		d.workCalled(ctx, all)
		return
	}
	for _, p := range all {
		pools.Go(func() { p.run(ctx) })
	}
}

// setLanes tells the store of the settings. No work goes on before it knows them; false
// if ctx has ended.
func (d *Dispatcher) setLanes(ctx context.Context) bool {
	for {
		err := d.store.SetLanes(ctx, d.settings.lanes())
		if err == nil || ctx.Err() != nil {
			return ctx.Err() == nil
		}
		d.o.Log.Error("beginning to work", "err", err)
		pause(ctx, faultPause)
	}
}

// RunLive is Run without the work that waits in the store: it carries what [Talk]
// and [Reply] begin, and takes up again what of it was put down, as long as somebody
// listens.
func (d *Dispatcher) RunLive(ctx context.Context) {
	d.live.alone = true
	var both sync.WaitGroup
	both.Go(func() { d.live.run(ctx) })
	both.Go(func() { d.watchCancels(ctx) })
	both.Wait()
}

// unconfiguredPause is how long work waits that the settings of this process do not
// name: a webhook renamed, an agent taken out. It is not ended for that: the next
// settings may name it again.
const unconfiguredPause = time.Minute

func (d *Dispatcher) postpone(ctx context.Context, log *slog.Logger, kind Kind, ref, why string) {
	log.Warn(why)
	if err := d.store.Postpone(ctx, kind, ref, d.o.Now().Add(unconfiguredPause)); err != nil {
		log.Error("postponing work", "err", err)
	}
}

// RunOne carries one run to its end, or to where it waits for a person, and nothing else
// that is due: beside the batches, where its answer may come from. It returns when the
// run is there or ctx has ended: then the run is put down.
func (d *Dispatcher) RunOne(ctx context.Context, id string) error {
	watching, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { d.watchCancels(watching) })
	if len(d.settings.Batches) > 0 {
		watcher.Go(func() { d.pool(BatchJob, batchWorkers, d.claimBatches).with(watching).run(watching) })
	}
	defer watcher.Wait()
	defer stop()
	return d.runOne(ctx, id)
}

func (d *Dispatcher) runOne(ctx context.Context, id string) error {
	for {
		begun := d.mono()
		claimed, due, err := d.store.ClaimRun(ctx, id, LeaseFor)
		switch {
		case errors.Is(err, ErrEnded):
			return nil
		case err != nil:
			return err
		case claimed == nil:
			if run, err := d.store.Run(ctx, id); err != nil || run.AwaitsPeople() {
				return err
			}
			d.sleep(ctx, due.Sub(d.o.Now()))
		default:
			d.pool(RunJob, 1, nil).carryOne(ctx, work{id, func(h *hold) { d.carry(d.take(h.ctx, *claimed), h) }, begun})
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// sleep waits for a time, or until runs have become due.
func (d *Dispatcher) sleep(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.store.Wake(RunJob):
	case <-ctx.Done():
	}
}

func (d *Dispatcher) pool(kind Kind, slots int, claim func(context.Context, int) ([]work, error)) *pool {
	return &pool{kind: kind, slots: slots, queue: d.store, claim: claim, log: d.o.Log, now: d.o.Now, mono: d.mono, rivals: d.rivals}
}

// NewID makes an id that sorts by time: prefix, then a UUID version 7 in hex.
func NewID(prefix string) string {
	return prefix + strings.ReplaceAll(uuid.Must(uuid.NewV7()).String(), "-", "")
}

func (d *Dispatcher) claimEvents(ctx context.Context, limit int) ([]work, error) {
	events, err := d.store.ClaimEvents(ctx, limit, LeaseFor)
	all := make([]work, len(events))
	for i, event := range events {
		all[i] = work{ref: event.ID, do: func(h *hold) { d.route(h.ctx, event) }}
	}
	return all, err
}

// route briefs one event. What goes wrong with the event itself is noted on it; a
// fault of the store leaves the job to be claimed again.
func (d *Dispatcher) route(ctx context.Context, event StoredEvent) {
	log := d.o.Log.With("event", event.ID, "source", event.Source)
	if d.toldOfABatch(ctx, log, event) {
		return
	}
	source := d.settings.Sources[event.Source]
	if source == nil {
		d.postpone(ctx, log, EventJob, event.ID, "event waits: no webhook of its source is configured now")
		return
	}
	if !d.fetch(ctx, log, &event) {
		return
	}
	routing := source.Brief(event, d.o.Now(), func() string { return NewID("run_") })
	runs, err := d.store.Route(ctx, event.ID, routing)
	switch {
	case errors.Is(err, ErrEnded):
		// Another worker was quicker.
	case err != nil:
		log.Error("routing an event", "err", err)
	case len(runs) > 0:
		log.Info("event became work", "runs", runs, "status", routing.Status, "note", routing.Note)
	default:
		log.Info("event became nothing", "status", routing.Status, "note", routing.Note)
	}
}
