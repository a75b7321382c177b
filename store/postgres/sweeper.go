package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"drawbridge/server/dispatch"
)

const (
	// sweepEvery is how often a node looks for work that has no wake-up, and for nodes that
	// are gone.
	sweepEvery = 2 * time.Second
	// mostWakeUps is how many wake-ups a sweep adds for a kind: more would find no worker.
	mostWakeUps = 200
	// sweepLock is held by whoever sweeps.
	sweepLock = 0x64726177_00000003
)

// sweeper sees to it that all that is due has a wake-up: what was put off until now, what
// a worker has lost, and what is left of a wake-up that went astray. Each node has one; who
// looks while another does leaves it at that. It claims nothing.
type sweeper struct {
	db      *DB
	kinds   []string
	log     *slog.Logger
	missing missing
	aside   bool // the clock was found to be wrong

	mu   sync.Mutex
	next time.Time // when something will be due, as far as is known
	soon chan struct{}
}

func newSweeper(d *DB, workers map[dispatch.Kind]dispatch.Worker, log *slog.Logger) *sweeper {
	s := &sweeper{db: d, log: log, missing: missing{}, soon: make(chan struct{}, 1)}
	for kind := range workers {
		s.kinds = append(s.kinds, string(kind))
	}
	return s
}

// run sweeps until ctx ends: every few seconds, and whenever something becomes due.
func (s *sweeper) run(ctx context.Context) {
	s.db.wakes.tellLater(s.at)
	defer s.db.wakes.tellLater(nil)
	regular := time.NewTicker(sweepEvery)
	defer regular.Stop()
	for first := true; ; first = false {
		sleep := time.Hour
		if next := s.planned(); !next.IsZero() {
			sleep = max(0, time.Until(next))
		}
		if first {
			sleep = 0
		}
		due := time.NewTimer(sleep)
		select {
		case <-ctx.Done():
			due.Stop()
			return
		case <-s.soon:
			due.Stop()
			continue
		case <-due.C:
		case <-regular.C:
			due.Stop()
			s.takeOver(ctx)
			s.lookAtClock(ctx)
		}
		s.sweep(ctx)
	}
}

// at notes that something will be due at a time.
func (s *sweeper) at(due time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next.IsZero() || due.Before(s.next) {
		s.next = due
		select {
		case s.soon <- struct{}{}:
		default:
		}
	}
}

func (s *sweeper) planned() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

// takeOver makes due what nodes have that are gone.
func (s *sweeper) takeOver(ctx context.Context) {
	absent, err := s.db.absentNodes(ctx)
	if err == nil {
		now := time.Now()
		gone := s.missing.overdue(absent, now)
		if err = s.db.takeOver(ctx, gone, now); err == nil && len(gone) > 0 {
			s.log.Warn("took over what nodes had that are gone", "nodes", gone)
		}
	}
	if err != nil && ctx.Err() == nil {
		s.log.Error("looking for nodes that are gone", "err", err)
	}
}

// lookAtClock tells of a clock that went wrong while the node was at work, and of one that
// is right again.
func (s *sweeper) lookAtClock(ctx context.Context) {
	ahead, err := clockAside(ctx, s.db.reads)
	if err != nil {
		return // the server is away, of which others tell
	}
	wrong := wrongClock(ahead)
	switch {
	case wrong != nil && !s.aside:
		s.log.Error("the clock is wrong", "err", wrong)
	case wrong == nil && s.aside:
		s.log.Info("the clock is right again")
	}
	s.aside = wrong != nil
}

// sweep adds the wake-ups that are missing.
func (s *sweeper) sweep(ctx context.Context) {
	s.mu.Lock()
	s.next = time.Time{}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var found []standing
	err := pgx.BeginFunc(ctx, s.db.wakes.pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(sweepLock)).Scan(&mine); !mine || err != nil {
			return err
		}
		var err error
		if found, err = look(ctx, tx, s.kinds, time.Now()); err != nil {
			return err
		}
		return s.db.wakes.add(ctx, tx, missingOf(found))
	})
	if err != nil {
		if ctx.Err() == nil {
			s.log.Error("looking for overdue work", "err", err)
		}
		return
	}
	s.db.wakes.added(missingOf(found))
	for _, kind := range found {
		if kind.next > 0 {
			s.at(time.UnixMilli(kind.next))
		}
	}
}

// standing is how things stand with a kind of work.
type standing struct {
	kind    string
	due     int   // work that is due, up to a bound
	waiting int   // wake-ups that nobody has answered yet, up to the same
	next    int64 // when more will be due, in milliseconds
}

// overdue counts both sides, by their indexes.
const overdue = `SELECT k.kind,
	(SELECT COUNT(*) FROM (VALUES (0), (1), (2)) p(priority) CROSS JOIN LATERAL
		(SELECT 1 FROM jobs WHERE kind = k.kind AND priority = p.priority AND due_at <= $2 LIMIT $3) d),
	(SELECT COUNT(*) FROM (SELECT 1 FROM river_job WHERE state = 'available' AND queue = k.kind LIMIT $3) w),
	COALESCE((SELECT MIN(n.due_at) FROM (VALUES (0), (1), (2)) p(priority) CROSS JOIN LATERAL
		(SELECT due_at FROM jobs WHERE kind = k.kind AND priority = p.priority AND due_at > $2 ORDER BY due_at LIMIT 1) n), 0)
	FROM unnest($1::text[]) k(kind)`

func look(ctx context.Context, tx pgx.Tx, kinds []string, now time.Time) ([]standing, error) {
	rows, err := tx.Query(ctx, overdue, kinds, now.UnixMilli(), mostWakeUps)
	if err != nil {
		return nil, fmt.Errorf("counting what is due: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s standing, err error) {
		return s, row.Scan(&s.kind, &s.due, &s.waiting, &s.next)
	})
}

// mostCallbacks is as mostWakeUps for callbacks: what waits for its endpoint is due and
// cannot be claimed, and whoever sends one goes on with the next.
const mostCallbacks = 8

// missingOf are the wake-ups that are missing.
func missingOf(found []standing) []dueJob {
	var all []dueJob
	for _, s := range found {
		most := mostWakeUps
		if s.kind == string(dispatch.CallbackJob) {
			most = mostCallbacks
		}
		for range min(s.due, most) - s.waiting {
			all = append(all, dueJob{kind: s.kind})
		}
	}
	return all
}
