package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// wakeUp is a job of River's: there may be work of its queue's kind. Which, is in our own
// tables, and so is who has it. One that comes in vain does no harm, and one that is lost
// is made up for by a sweep.
type wakeUp struct {
	Ref string `json:"ref,omitempty"` // what it was made for, for people who look
}

// Kind is River's name for it.
func (wakeUp) Kind() string { return "wake_up" }

// mostJobConnections bounds River's own connections, of which one listens.
const mostJobConnections = 6

// wakes adds wake-ups in the transactions that make work due, and has them noticed.
type wakes struct {
	pool     *pgxpool.Pool
	inserter *river.Client[pgx.Tx]
	bell     bell

	mu sync.Mutex
	// later is told of work that will be due.
	later func(due time.Time)
}

// tellLater has somebody told of work that will be due; nobody if nil.
func (w *wakes) tellLater(later func(due time.Time)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.later = later
}

func (w *wakes) laterOn(due time.Time) {
	w.mu.Lock()
	later := w.later
	w.mu.Unlock()
	if later != nil {
		later(due)
	}
}

// newWakes opens the pool of River. A commit in it does not wait for the disk: what a crash
// of the server takes with it are wake-ups that were answered.
func newWakes(config *pgx.ConnConfig) (*wakes, error) {
	pooled, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	pooled.ConnConfig = config.Copy()
	pooled.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	pooled.MaxConns, pooled.MinConns, pooled.MaxConnIdleTime = mostJobConnections, 0, idleFor
	pool, err := pgxpool.NewWithConfig(context.Background(), pooled)
	if err != nil {
		return nil, err
	}
	w := &wakes{pool: pool}
	w.bell.ringing = sync.NewCond(&w.bell.mu)
	w.bell.pool = pool
	// It tells nobody of what it adds: a notification sent in a transaction makes the commits
	// of all such transactions wait for each other. The bell rings behind the commit.
	const silent = 1000 * time.Hour
	w.inserter, err = river.NewClient(riverpgxv5.New(nil), &river.Config{FetchCooldown: silent, FetchPollInterval: silent, MaxAttempts: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("setting up River: %w", err)
	}
	return w, nil
}

func (w *wakes) close() {
	w.bell.wait()
	w.pool.Close()
}

// dueJob is work that was made due, or put off.
type dueJob struct {
	kind, ref string
	due       time.Time
}

// add adds wake-ups for what is due.
func (w *wakes) add(ctx context.Context, tx pgx.Tx, jobs []dueJob) error {
	var params []river.InsertManyParams
	now := time.Now()
	for _, job := range jobs {
		if !job.due.After(now) {
			params = append(params, river.InsertManyParams{Args: wakeUp{job.ref}, InsertOpts: &river.InsertOpts{Queue: job.kind}})
		}
	}
	if len(params) == 0 {
		return nil
	}
	if _, err := w.inserter.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("adding wake-ups: %w", err)
	}
	return nil
}

// added has what was added noticed, behind the commit. What is due later is for the sweep.
func (w *wakes) added(jobs []dueJob) {
	now := time.Now()
	for _, job := range jobs {
		if job.due.After(now) {
			w.laterOn(job.due)
		} else {
			w.bell.ring(job.kind)
		}
	}
}

// bell tells the nodes that there are wake-ups: at most one notification is on its way,
// and those that come together go together. If it cannot be sent, the nodes look for
// themselves a second later.
type bell struct {
	pool *pgxpool.Pool

	mu      sync.Mutex
	kinds   map[string]bool
	busy    bool
	ringing *sync.Cond
}

func (b *bell) ring(kind string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kinds == nil {
		b.kinds = map[string]bool{}
	}
	b.kinds[kind] = true
	if !b.busy {
		b.busy = true
		go b.tell()
	}
}

func (b *bell) tell() {
	for {
		b.mu.Lock()
		kinds := make([]string, 0, len(b.kinds))
		for kind := range b.kinds {
			kinds = append(kinds, `{"queue": "`+kind+`"}`)
		}
		clear(b.kinds)
		if len(kinds) == 0 {
			b.busy = false
			b.ringing.Broadcast()
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
		// River's own notification, which it has no way of sending by itself.
		_, _ = b.pool.Exec(ctx, `SELECT pg_notify(concat(current_schema(), '.river_insert'), payload) FROM unnest($1::text[]) AS payload`, kinds)
		cancel()
	}
}

// wait waits until nothing is on its way.
func (b *bell) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.busy {
		b.ringing.Wait()
	}
}

// riverIsNew reports whether River's tables are as this program wants them, which they
// nearly always are: to ask River takes a pool of connections.
func riverIsNew(ctx context.Context, db *sql.DB) (bool, error) {
	migrator, err := rivermigrate.New(riverpgxv5.New(nil), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return false, err
	}
	var there bool
	if err := db.QueryRowContext(ctx, `SELECT to_regclass('river_migration') IS NOT NULL`).Scan(&there); err != nil || !there {
		return false, err
	}
	var newest int
	err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM river_migration WHERE line = 'main'`).Scan(&newest)
	all := migrator.AllVersions()
	return err == nil && newest >= all[len(all)-1].Version, nil // one without lines is of an old version
}

// migrateRiver brings River's tables up to date, under the lock of whoever migrates.
func migrateRiver(ctx context.Context, config *pgx.ConnConfig) (err error) {
	pooled, err := pgxpool.ParseConfig("")
	if err != nil {
		return err
	}
	pooled.ConnConfig, pooled.MaxConns = config.Copy(), 2
	pool, err := pgxpool.NewWithConfig(ctx, pooled)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		err = fmt.Errorf("bringing River's tables up to date: %w", err)
	}
	return err
}
