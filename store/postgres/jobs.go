package postgres

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"drawbridge/server/dispatch"
)

var _ dispatch.JobEngine = (*DB)(nil)

const (
	// fetchCooldown is how long River waits between two fetches: it is in the way of every
	// wake-up.
	fetchCooldown = time.Millisecond
	// fetchPoll is how often River looks for wake-ups that nobody told it of.
	fetchPoll = time.Second
	// keptFor is how long wake-ups are kept that were answered.
	keptFor = time.Minute
	// stopTime is how long River may take to note what was answered when it is stopped.
	stopTime = 5 * time.Second
)

// Work has River call the workers of this node: each of its jobs is a wake-up, and takes
// a slot of its queue for as long as the work takes that it is answered with. River's own
// ideas of a job do not matter: no timeout, one attempt, and nothing to be rescued, since
// what was not done is due in our own tables.
func (d *DB) Work(ctx context.Context, workers map[dispatch.Kind]dispatch.Worker, log *slog.Logger) {
	c := &calls{workers: workers}
	client := d.startRiver(ctx, c, log)
	if client == nil {
		return
	}
	s := newSweeper(d, workers, log)
	s.run(ctx)
	c.end() // from here on whoever is called says that somebody else is to be
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
		defer cancel()
		_ = client.Stop(stopping)
	}()
	c.underWay.Wait()
	select {
	case <-stopped:
	case <-time.After(stopTime): // it cannot note what it has done: it will be called once more
	}
}

// startRiver starts a client of River, as soon as the server lets it; nil if ctx has ended.
func (d *DB) startRiver(ctx context.Context, c *calls, log *slog.Logger) *river.Client[pgx.Tx] {
	queues := map[string]river.QueueConfig{}
	for kind, worker := range c.workers {
		queues[string(kind)] = river.QueueConfig{MaxWorkers: worker.Slots}
	}
	registered := river.NewWorkers()
	river.AddWorker(registered, &answering{calls: c})
	for ctx.Err() == nil {
		client, err := river.NewClient(riverpgxv5.New(d.wakes.pool), &river.Config{
			Queues: queues, Workers: registered, MaxAttempts: 1, JobTimeout: -1, FetchCooldown: fetchCooldown, FetchPollInterval: fetchPoll,
			CompletedJobRetentionPeriod: keptFor, CancelledJobRetentionPeriod: keptFor, DiscardedJobRetentionPeriod: keptFor,
			Logger: slog.New(newQuiet(log.Handler())),
		})
		if err == nil {
			err = client.Start(context.WithoutCancel(ctx))
		}
		if err == nil {
			return client
		}
		log.Error("starting River", "err", err)
		pause(ctx, time.Second)
	}
	return nil
}

// calls are the workers of this node, as long as it works.
type calls struct {
	workers map[dispatch.Kind]dispatch.Worker

	mu       sync.Mutex
	over     bool
	underWay sync.WaitGroup
}

func (c *calls) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.underWay.Add(1)
	}
	return !c.over
}

func (c *calls) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// call calls a worker.
func (c *calls) call(kind dispatch.Kind) error {
	if !c.begin() {
		return dispatch.ErrStopping
	}
	defer c.underWay.Done()
	return c.workers[kind].Do()
}

// answering answers wake-ups.
type answering struct {
	river.WorkerDefaults[wakeUp]
	calls *calls
}

// Work calls the worker of the wake-up's kind. What goes wrong is the worker's to tell,
// and leaves its work due, so that there will be another wake-up.
func (a *answering) Work(_ context.Context, job *river.Job[wakeUp]) error {
	if errors.Is(a.calls.call(dispatch.Kind(job.Queue)), dispatch.ErrStopping) {
		return river.JobSnooze(0) // for another node, or the next start
	}
	return nil
}

// Timeout is none: a run takes as long as it takes.
func (a *answering) Timeout(*river.Job[wakeUp]) time.Duration { return -1 }

// quiet passes on what River logs, as it concerns whoever runs us: nothing of what goes
// well, and of what goes wrong each thing once in a while. While the server is away every
// part of River says so every second.
type quiet struct {
	slog.Handler
	said *said
}

type said struct {
	mu sync.Mutex
	at map[string]time.Time
}

// quietFor is how long the same thing is not said again.
const quietFor = 10 * time.Second

func newQuiet(h slog.Handler) *quiet { return &quiet{h, &said{at: map[string]time.Time{}}} }

func (q *quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

func (q *quiet) Handle(ctx context.Context, r slog.Record) error {
	q.said.mu.Lock()
	fresh := r.Time.Sub(q.said.at[r.Message]) >= quietFor
	if fresh {
		q.said.at[r.Message] = r.Time
	}
	q.said.mu.Unlock()
	if !fresh {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

func (q *quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &quiet{q.Handler.WithAttrs(attrs), q.said}
}
func (q *quiet) WithGroup(name string) slog.Handler { return &quiet{q.Handler.WithGroup(name), q.said} }
