package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// waiter is a queued run, as far as the gates look at it.
type waiter struct {
	id, subject, source, via string
	event                    bool // an event made it: it counts for its source and its route
	arrival                  int64
	gate                     dispatch.Gate
}

// The gates are walked in the transaction that has cause to: the one that adds a run,
// claims a delayed one, routes an event, or ends a run. No gate is looked at again and
// again, and no job stands before one.

const waiterColumns = `id, subject, source, via, event IS NOT NULL, arrival, gate`

func (w *waiter) fields() []any {
	return []any{&w.id, &w.subject, &w.source, &w.via, &w.event, &w.arrival, &w.gate}
}

// firstWaiter is the first of a query for waiters, nil if there is none.
func firstWaiter(ctx context.Context, tx sqldb.Tx, query string, args ...any) (*waiter, error) {
	var w waiter
	err := tx.QueryRowContext(ctx, `SELECT `+waiterColumns+` FROM runs WHERE `+query+` LIMIT 1`, args...).Scan(w.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &w, err
}

// gates walks runs through their gates in one transaction.
type gates struct {
	tx  sqldb.Tx
	now time.Time
	// opened: a run was given its job, so that workers are to be woken.
	opened bool
}

// advance takes a run that has passed all gates before one as far as it gets.
func (g *gates) advance(ctx context.Context, w waiter, gate dispatch.Gate) error {
	if w.subject == "" && (gate == dispatch.LineGate || gate == dispatch.SubjectGate) {
		gate = dispatch.RouteGate
	}
	if gate == dispatch.LineGate {
		if early, err := g.early(ctx, w); early || err != nil {
			return g.stand(ctx, w, dispatch.LineGate, err)
		}
		gate = dispatch.SubjectGate
	}
	if gate == dispatch.SubjectGate {
		if behind, err := g.behind(ctx, w); behind || err != nil {
			return g.stand(ctx, w, dispatch.SubjectGate, err)
		}
		gate = dispatch.RouteGate
	}
	// Whoever came before it to one of these gates goes first.
	if gate == dispatch.RouteGate && w.event {
		if bound, err := g.bound(ctx, dispatch.LaneOf(w.source, w.via)); bound > 0 || err != nil {
			if err := g.stand(ctx, w, dispatch.RouteGate, err); err != nil {
				return err
			}
			return g.fillRoute(ctx, w.source, w.via)
		}
	}
	if w.event {
		if bound, err := g.bound(ctx, w.source); bound > 0 || err != nil {
			if err := g.stand(ctx, w, dispatch.SourceGate, err); err != nil {
				return err
			}
			return g.fillSource(ctx, w.source)
		}
	}
	return g.open(ctx, w)
}

// stand leaves the run at a gate, unless something went wrong.
func (g *gates) stand(ctx context.Context, w waiter, gate dispatch.Gate, err error) error {
	if err != nil || w.gate == gate {
		return err
	}
	_, err = g.tx.ExecContext(ctx, `UPDATE runs SET gate = ? WHERE id = ?`, string(gate), w.id)
	return err
}

// open lets the run begin.
func (g *gates) open(ctx context.Context, w waiter) error {
	if err := g.stand(ctx, w, dispatch.Open, nil); err != nil {
		return err
	}
	g.opened = true
	return enqueueRun(ctx, g.tx, w.id, g.now)
}

// early reports whether an earlier event of the run's source has not been routed: it
// may become a run of the same subject.
func (g *gates) early(ctx context.Context, w waiter) (early bool, err error) {
	if !w.event {
		return false, nil
	}
	err = g.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM events WHERE source = ? AND in_line = 1 AND seq < ?)`, w.source, w.arrival).Scan(&early)
	return early, err
}

// behind reports whether an earlier run of the subject has not ended.
func (g *gates) behind(ctx context.Context, w waiter) (behind bool, err error) {
	err = g.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM runs WHERE subject = ? AND subject <> '' AND finished_at = 0 AND (arrival, id) < (?, ?))`,
		w.subject, w.arrival, w.id).Scan(&behind)
	return behind, err
}

// bound is how many runs of a lane there may be at once, 0 without a bound.
func (g *gates) bound(ctx context.Context, lane string) (atOnce int, err error) {
	err = g.tx.QueryRowContext(ctx, `SELECT at_once FROM lanes WHERE lane = ?`, lane).Scan(&atOnce)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return atOnce, err
}

// routeHasRoom reports whether one more run of the route may go on. What waits for
// room of its source takes up room of its route. It counts as far as the bound.
func (g *gates) routeHasRoom(ctx context.Context, source, via string) (bool, error) {
	atOnce, err := g.bound(ctx, dispatch.LaneOf(source, via))
	if atOnce == 0 || err != nil {
		return err == nil, err
	}
	var n int
	err = g.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM runs WHERE source = ? AND gate IN ('', 'source') AND via = ?
		AND finished_at = 0 AND event IS NOT NULL LIMIT ?)`, source, via, atOnce).Scan(&n)
	return n < atOnce, err
}

func (g *gates) sourceHasRoom(ctx context.Context, source string) (bool, error) {
	atOnce, err := g.bound(ctx, source)
	if atOnce == 0 || err != nil {
		return err == nil, err
	}
	var n int
	err = g.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM runs WHERE source = ? AND gate = ''
		AND finished_at = 0 AND event IS NOT NULL LIMIT ?)`, source, atOnce).Scan(&n)
	return n < atOnce, err
}

const (
	atRouteGate  = `source = ? AND gate = 'route' AND via = ? AND finished_at = 0 AND event IS NOT NULL ORDER BY priority, arrival, id`
	atSourceGate = `source = ? AND gate = 'source' AND finished_at = 0 ORDER BY priority, arrival, id`
	atLineGate   = `source = ? AND gate = 'line' AND finished_at = 0 ORDER BY arrival, id`
	ofSubject    = `subject = ? AND subject <> '' AND finished_at = 0 ORDER BY arrival, id`
)

// fillRoute lets runs through the gate of a route while it has room.
func (g *gates) fillRoute(ctx context.Context, source, via string) error {
	for {
		w, err := firstWaiter(ctx, g.tx, atRouteGate, source, via)
		if w == nil || err != nil {
			return err
		}
		if room, err := g.routeHasRoom(ctx, source, via); !room || err != nil {
			return err
		}
		if err := g.advance(ctx, *w, dispatch.SourceGate); err != nil {
			return err
		}
	}
}

// fillSource lets runs through the gate of a source while it has room.
func (g *gates) fillSource(ctx context.Context, source string) error {
	for {
		w, err := firstWaiter(ctx, g.tx, atSourceGate, source)
		if w == nil || err != nil {
			return err
		}
		if room, err := g.sourceHasRoom(ctx, source); !room || err != nil {
			return err
		}
		if err := g.open(ctx, *w); err != nil {
			return err
		}
	}
}

// fillLine lets go on what no earlier event of the source holds up any more.
func (g *gates) fillLine(ctx context.Context, source string) error {
	for {
		w, err := firstWaiter(ctx, g.tx, atLineGate, source)
		if w == nil || err != nil {
			return err
		}
		if early, err := g.early(ctx, *w); early || err != nil {
			return err
		}
		if err := g.advance(ctx, *w, dispatch.SubjectGate); err != nil {
			return err
		}
	}
}

// ended lets go on what waited for a run that has ended.
func (g *gates) ended(ctx context.Context, w waiter) error {
	if w.subject != "" {
		next, err := firstWaiter(ctx, g.tx, ofSubject, w.subject)
		if err != nil {
			return err
		}
		if next != nil && next.gate == dispatch.SubjectGate {
			if err := g.advance(ctx, *next, dispatch.RouteGate); err != nil {
				return err
			}
		}
	}
	if !w.event {
		return nil
	}
	if err := g.fillRoute(ctx, w.source, w.via); err != nil {
		return err
	}
	return g.fillSource(ctx, w.source)
}

// SetLanes replaces what is known of the settings. Events that wait to be routed stand
// in line from now on, or no more.
func (s *Store) SetLanes(ctx context.Context, lanes dispatch.Lanes) error {
	g := &gates{now: s.now()}
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		g.tx = tx
		if err := writeLanes(ctx, tx, lanes); err != nil {
			return err
		}
		return g.fillAll(ctx)
	})
	if err != nil {
		return fmt.Errorf("noting the routes of webhooks: %w", err)
	}
	if g.opened {
		s.signal(dispatch.RunJob)
	}
	return nil
}

func writeLanes(ctx context.Context, tx sqldb.Tx, lanes dispatch.Lanes) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM lanes`); err != nil {
		return err
	}
	for lane, atOnce := range lanes.AtOnce {
		if _, err := tx.ExecContext(ctx, `INSERT INTO lanes (lane, at_once, ordered) VALUES (?, ?, 0)`, lane, atOnce); err != nil {
			return err
		}
	}
	for _, source := range lanes.Ordered {
		if _, err := tx.ExecContext(ctx, `INSERT INTO lanes (lane, at_once, ordered) VALUES (?, 0, 1) ON CONFLICT (lane) DO UPDATE SET ordered = 1`, source); err != nil {
			return err
		}
	}
	const ordered = `source IN (SELECT lane FROM lanes WHERE ordered = 1)`
	if _, err := tx.ExecContext(ctx, `UPDATE events SET in_line = 0 WHERE in_line = 1 AND NOT `+ordered); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE events SET in_line = 1 WHERE id IN (SELECT ref FROM jobs WHERE kind = 'event') AND `+ordered)
	return err
}

// fillAll looks at every gate that something stands at.
func (g *gates) fillAll(ctx context.Context) error {
	rows, err := g.tx.QueryContext(ctx, `SELECT DISTINCT source, gate, via FROM runs WHERE finished_at = 0 AND event IS NOT NULL AND gate IN ('line', 'route', 'source')`)
	if err != nil {
		return err
	}
	held, err := collect(rows, func(w *waiter) []any { return []any{&w.source, &w.gate, &w.via} })
	if err != nil {
		return err
	}
	for _, w := range held {
		switch w.gate {
		case dispatch.LineGate:
			err = g.fillLine(ctx, w.source)
		case dispatch.RouteGate:
			err = g.fillRoute(ctx, w.source, w.via)
		case dispatch.SourceGate:
			err = g.fillSource(ctx, w.source)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Held says what a run waits for; it is zero for one that waits for nothing but a worker.
func (s *Store) Held(ctx context.Context, run dispatch.Run) (dispatch.Hold, error) {
	h, query, args := dispatch.Hold{Gate: run.Gate}, "", []any(nil)
	var into any
	var until int64
	switch run.Gate {
	case dispatch.DelayGate:
		into, query, args = &until, `SELECT due_at FROM jobs WHERE kind = 'run' AND ref = ?`, []any{run.ID}
	case dispatch.LineGate:
		into, query, args = &h.Event, `SELECT id FROM events WHERE source = ? AND in_line = 1 AND seq < ? ORDER BY seq LIMIT 1`, []any{run.Source, run.Arrival}
	case dispatch.SubjectGate:
		into = &h.Run
		query = `SELECT id FROM runs WHERE subject = ? AND subject <> '' AND finished_at = 0 AND (arrival, id) < (?, ?) ORDER BY arrival DESC, id DESC LIMIT 1`
		args = []any{run.Subject, run.Arrival, run.ID}
	case dispatch.RouteGate:
		into, query, args = &h.AtOnce, `SELECT at_once FROM lanes WHERE lane = ?`, []any{dispatch.LaneOf(run.Source, run.Via)}
	case dispatch.SourceGate:
		into, query, args = &h.AtOnce, `SELECT at_once FROM lanes WHERE lane = ?`, []any{run.Source}
	default:
		return h, nil
	}
	err := s.Read().QueryRowContext(ctx, query, args...).Scan(into)
	if errors.Is(err, sql.ErrNoRows) { // it has moved on since it was read
		return dispatch.Hold{}, nil
	}
	if err != nil {
		return h, fmt.Errorf("looking for what run %q waits for: %w", run.ID, err)
	}
	h.Until = fromMillis(until)
	return h, nil
}
